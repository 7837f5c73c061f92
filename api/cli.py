"""`maillon`: everything an operator does from a terminal."""

import subprocess
import sys
from pathlib import Path
from typing import Literal
from uuid import UUID

import click
import msgspec

from api.administration import admin, capping, company, keeping, key, role, secret, token
from api.core import check as checks
from api.core import log
from api.core.settings import Settings
from api.curation import skills
from api.notifications import operators
from api.terminal import FOLDER, of_development, reachable, said, settings, with_database


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """Maillon: skills volunteering between associations and companies."""
    log.configure()


@main.command()
@click.option("--port", default=8000, show_default=True)
@click.option("--data", default=FOLDER, type=click.Path(path_type=Path), show_default=True)
@click.option("--demo", is_flag=True, help="Load the demo territory.")
def dev(port: int, data: Path, *, demo: bool) -> None:
    """Run everything on embedded servers until interrupted."""
    try:
        from api.dev.processes import DevServerError
        from api.dev.run import run
    except ModuleNotFoundError as error:
        raise click.ClickException(f"{error.name} is missing: install maillon[dev].") from None
    try:
        run(data, port, demo)
    except DevServerError as error:
        raise click.ClickException(str(error)) from None


@main.command()
def migrate() -> None:
    """Bring the database to the newest version (MAILLON_DATABASE_OWNER_URL)."""
    sys.exit(subprocess.run([sys.executable, "-m", "migrations"], check=False).returncode)


@main.command()
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", default=8000, show_default=True)
@click.option("--workers", default=1, show_default=True, help="Processes.")
def serve(host: str, port: int, workers: int) -> None:
    """Serve the API."""
    from granian.constants import Interfaces, Loops  # the other commands start faster without
    from granian.server import Server

    settings()
    server = Server(
        "api.main:create",
        address=host,
        port=port,
        workers=workers,
        interface=Interfaces.ASGI,
        loop=Loops.uvloop,
        factory=True,
        log_access=False,
    )
    server.serve()


@main.command()
def worker() -> None:
    """Run the background worker, started again whenever it ends."""
    from workers.supervise import supervise  # the API's commands never load the worker

    settings()
    sys.exit(supervise())


@main.command()
def openapi() -> None:
    """Print the OpenAPI document."""
    from api.app import create_litestar
    from api.core.openapi import document

    settings = Settings(database_url="x://x", redis_url="redis://x", smtp_url="x://x", secrets=("x" * 32,))
    click.echo(
        msgspec.json.format(msgspec.json.encode(document(create_litestar(settings))), indent=2).decode()
    )


@main.command()
@with_database
async def demo() -> None:
    """Load the demo territory: the Lyon metropolis."""
    from api.dev.demo import load, story

    await load()
    click.echo(await story())


@main.command()
def issuer() -> None:
    """Print the address of the development identity provider; any path below it is an issuer."""
    from api.dev.stack import ISSUER_VARIABLE

    click.echo(of_development(ISSUER_VARIABLE))


@main.command()
@click.option("--json", "as_json", is_flag=True)
@with_database
async def status(*, as_json: bool) -> None:
    """Say how the work goes: migrations, relay, queues, failed reactions, mails in doubt."""
    from workers.status import status as look

    found = msgspec.json.encode(await look(settings()))
    click.echo(found.decode() if as_json else msgspec.json.format(found, indent=2).decode())


@main.group()
def jobs() -> None:
    """Reactions that failed."""


@jobs.command("retry")
@click.argument("reaction_id", type=click.UUID)
@with_database
async def jobs_retry(reaction_id: UUID) -> None:
    """Run a failed reaction again."""
    from workers.status import retry

    said(await retry(reaction_id), "No such reaction is owed.")


@jobs.command("drop")
@click.argument("reaction_id", type=click.UUID)
@with_database
async def jobs_drop(reaction_id: UUID) -> None:
    """Give up a reaction for good."""
    from workers.status import drop

    said(await drop(reaction_id), "No such reaction is owed.")


@main.group()
def notices() -> None:
    """Mails in doubt: nobody knows whether they left."""


@notices.command("list")
@with_database
async def notices_list() -> None:
    """List the mails in doubt, a line of JSON each."""
    for mail in await operators.mails_in_doubt():
        click.echo(msgspec.json.encode(mail).decode())


@notices.command("resend")
@click.argument("mail_id", type=click.UUID)
@with_database
async def notices_resend(mail_id: UUID) -> None:
    """Send a mail in doubt, or one that failed, again."""
    said(await operators.resend(mail_id), "No such mail is in doubt.")


@notices.command("settle")
@click.argument("mail_id", type=click.UUID)
@click.option("--as", "state", required=True, type=click.Choice(["sent", "failed"]))
@with_database
async def notices_settle(mail_id: UUID, state: Literal["sent", "failed"]) -> None:
    """Say what became of a mail in doubt."""
    said(await operators.settle(mail_id, state), "No such mail is in doubt.")


@main.command()
@with_database
async def check() -> None:
    """Check every invariant; exit 1 and the offending rows on a violation."""
    found = await checks.violations()
    for violation in found:
        click.echo(msgspec.json.encode(violation).decode())
    if found:
        raise SystemExit(1)
    click.echo(f"{len(checks.invariants())} invariants hold.")


for group in (admin, capping, company, keeping, key, role, secret, skills, token):
    main.add_command(group)
reachable(main)

if __name__ == "__main__":
    main()

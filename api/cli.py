"""`maillon`: everything an operator does from a terminal."""

import os
import subprocess
import sys
from collections.abc import Awaitable, Callable
from datetime import timedelta
from functools import wraps
from pathlib import Path
from typing import Any, Literal, ParamSpec, TypeVar
from uuid import UUID

import click
import msgspec
import uvloop

from api.core import check as checks
from api.core import log
from api.core.actor import Employment, system
from api.core.database import close_pools, open_pools
from api.core.problems import Problem
from api.core.settings import PREFIX, BadSettings, Settings, read_settings
from api.identity import service as identity
from api.identity.schemas import IdentityProviderIn
from api.notifications import operators
from api.organisations import service as organisations
from api.organisations.schemas import CompanyIn

T = TypeVar("T")
P = ParamSpec("P")


FOLDER = Path(".maillon")


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """Maillon: skills volunteering between associations and companies."""
    log.configure()


def _reach(_: click.Context, __: click.Parameter, data: Path | None) -> None:
    """Take the settings of the `maillon dev` that runs on a folder; the environment's own come first."""
    if data is None and (f"{PREFIX}DATABASE_URL" in os.environ or not FOLDER.exists()):
        return
    from api.dev.stack import running  # noqa: PLC0415  only where the dev extra is installed

    environment = running(data or FOLDER)
    if environment is None:
        where = data or FOLDER
        raise click.ClickException(f"Nothing runs in {where}: start it with `maillon dev --data {where}`.")
    os.environ.update(environment)


def _reachable(group: click.Group) -> None:
    """Let every command but `dev` name the folder of the `maillon dev` it speaks to."""
    for command in group.commands.values():
        if isinstance(command, click.Group):
            _reachable(command)
        elif command.name not in ("dev", "openapi"):
            command.params.append(
                click.Option(
                    ["--data"],
                    type=click.Path(path_type=Path),
                    expose_value=False,
                    callback=_reach,
                    help="Speak to the `maillon dev` of this folder (.maillon).",
                )
            )


def _settings() -> Settings:
    try:
        return read_settings(os.environ)
    except BadSettings as error:
        raise click.ClickException(str(error)) from None


def with_database(command: Callable[P, Awaitable[T]]) -> Callable[P, T]:
    """Run an async command with the pools open; a Problem is told in one line."""

    @wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> T:
        return uvloop.run(_run(command(*args, **kwargs)))

    return run


async def _run(work: Awaitable[T]) -> T:
    await open_pools(_settings())
    try:
        return await work
    except Problem as problem:
        faults = "; ".join(f"{fault.pointer}: {fault.words.en}" for fault in problem.faults or [])
        raise click.ClickException(" ".join(filter(None, [problem.detail, faults]))) from None
    finally:
        await close_pools()


@main.command()
@click.option("--port", default=8000, show_default=True)
@click.option("--data", default=FOLDER, type=click.Path(path_type=Path), show_default=True)
@click.option("--demo", is_flag=True, help="Load the demo territory.")
def dev(port: int, data: Path, *, demo: bool) -> None:
    """Run everything on embedded servers until interrupted."""
    try:
        from api.dev.processes import DevServerError  # noqa: PLC0415
        from api.dev.run import run  # noqa: PLC0415
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
    from granian.constants import Interfaces, Loops  # noqa: PLC0415  the other commands start faster without
    from granian.server import Server  # noqa: PLC0415

    _settings()
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
    from workers.supervise import supervise  # noqa: PLC0415  the API's commands never load the worker

    _settings()
    sys.exit(supervise())


@main.command()
def openapi() -> None:
    """Print the OpenAPI document."""
    from api.app import create_litestar  # noqa: PLC0415
    from api.core.openapi import document  # noqa: PLC0415

    settings = Settings(database_url="x://x", redis_url="x://x", smtp_url="x://x", secrets=("x" * 32,))
    click.echo(
        msgspec.json.format(msgspec.json.encode(document(create_litestar(settings))), indent=2).decode()
    )


@main.command()
@with_database
async def demo() -> None:
    """Load the demo territory: the Lyon metropolis."""
    from api.dev.demo import load, story  # noqa: PLC0415

    await load()
    click.echo(await story())


@main.group()
def admin() -> None:
    """Platform administrators."""


@admin.command("create")
@click.option("--email", required=True)
@with_database
async def admin_create(email: str) -> None:
    """Make the person of an address an administrator."""
    await identity.grant_role(email, "admin")


@main.group()
def company() -> None:
    """Companies."""


@company.command("create")
@click.option("--slug", required=True)
@click.option("--name", required=True)
@click.option("--siren", required=True)
@click.option("--admin-email", required=True)
@click.option("--issuer", help="Issuer of the company's identity provider.")
@click.option("--audience", help="Audience of its tokens.")
@click.option("--jwks-url", help="Address of its keys; found by discovery when missing.")
@with_database
async def company_create(
    issuer: str | None, audience: str | None, jwks_url: str | None, **given: str
) -> None:
    """Create a company and, with an issuer, register its identity provider; prints the company as JSON."""
    made = await organisations.create_company(system(), _body(CompanyIn, **given))
    if issuer:
        provider = _body(IdentityProviderIn, issuer=issuer, audience=audience, jwks_url=jwks_url)
        inside = msgspec.structs.replace(
            system(), employment=Employment(made.id, made.id, frozenset({"company_admin"}))
        )
        await identity.create_identity_provider(
            inside, made.id, provider, development=_settings().development
        )
    click.echo(msgspec.json.encode(made).decode())


def _body(shape: type[T], **given: Any) -> T:
    try:
        return msgspec.convert(given, shape)
    except msgspec.ValidationError as error:
        raise click.ClickException(str(error)) from None


@main.group()
def token() -> None:
    """Session tokens."""


@token.command("issue")
@click.option("--email", required=True)
@click.option("--days", default=30, show_default=True)
@with_database
async def token_issue(email: str, days: int) -> None:
    """Print a session token of the person of an address."""
    click.echo(await identity.issue_token(email, timedelta(days=days)))


@token.command("company")
@click.option("--issuer", required=True, help="The company's issuer: an address of the development provider.")
@click.option("--subject", required=True, help="The person, as the provider names them.")
@click.option("--given-name", default="")
@click.option("--family-name", default="")
@click.option("--email", default="")
def token_company(issuer: str, **claims: Any) -> None:
    """Print a token of a company's own provider, as its intranet holds one (development only)."""
    from api.dev.issuer import mint, signing_key  # noqa: PLC0415
    from api.dev.stack import FOLDER_VARIABLE  # noqa: PLC0415

    click.echo(mint(signing_key(Path(os.environ[FOLDER_VARIABLE])), issuer, **claims))


@main.command()
def issuer() -> None:
    """Print the address of the development identity provider; any path below it is an issuer."""
    from api.dev.stack import ISSUER_VARIABLE  # noqa: PLC0415

    click.echo(os.environ[ISSUER_VARIABLE])


@main.command()
@click.option("--json", "as_json", is_flag=True)
@with_database
async def status(*, as_json: bool) -> None:
    """Say how the work goes: migrations, relay, queues, failed reactions, mails in doubt."""
    from workers.status import status as look  # noqa: PLC0415

    found = msgspec.json.encode(await look(_settings()))
    click.echo(found.decode() if as_json else msgspec.json.format(found, indent=2).decode())


@main.group()
def jobs() -> None:
    """Reactions that failed."""


@jobs.command("retry")
@click.argument("reaction_id", type=click.UUID)
@with_database
async def jobs_retry(reaction_id: UUID) -> None:
    """Run a failed reaction again."""
    from workers.status import retry  # noqa: PLC0415

    _said(await retry(reaction_id), "No such reaction is owed.")


@jobs.command("drop")
@click.argument("reaction_id", type=click.UUID)
@with_database
async def jobs_drop(reaction_id: UUID) -> None:
    """Give up a reaction for good."""
    from workers.status import drop  # noqa: PLC0415

    _said(await drop(reaction_id), "No such reaction is owed.")


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
    _said(await operators.resend(mail_id), "No such mail is in doubt.")


@notices.command("settle")
@click.argument("mail_id", type=click.UUID)
@click.option("--as", "state", required=True, type=click.Choice(["sent", "failed"]))
@with_database
async def notices_settle(mail_id: UUID, state: Literal["sent", "failed"]) -> None:
    """Say what became of a mail in doubt."""
    _said(await operators.settle(mail_id, state), "No such mail is in doubt.")


def _said(done: bool, otherwise: str) -> None:
    if not done:
        raise click.ClickException(otherwise)


@main.group()
def role() -> None:
    """Roles on the platform."""


ROLES = click.Choice(["moderator", "facilitator", "admin"])


@role.command("grant")
@click.option("--email", required=True)
@click.option("--role", "name", required=True, type=ROLES)
@with_database
async def role_grant(email: str, name: str) -> None:
    """Give a role to the person of an address."""
    await identity.grant_role(email, name)


@role.command("revoke")
@click.option("--email", required=True)
@click.option("--role", "name", required=True, type=ROLES)
@with_database
async def role_revoke(email: str, name: str) -> None:
    """Take a role from the person of an address."""
    await identity.revoke_role(email, name)


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


_reachable(main)

if __name__ == "__main__":
    main()

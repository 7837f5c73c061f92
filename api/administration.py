"""What the operator decides: administrators, companies, tokens, roles, retention, caps, keys, secrets."""

import os
import shlex
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar, get_args

import asyncpg
import click
import msgspec

from api.applications import caps
from api.core.actor import Employment, system
from api.core.signing import new_secret
from api.dev.folders import FOLDER_VARIABLE, SECRETS, write_private
from api.identity import retention
from api.identity import service as identity
from api.identity.api_keys import revoke_secret
from api.identity.providers import create_identity_provider
from api.identity.schemas import IdentityProviderIn
from api.organisations import companies
from api.organisations.schemas import CompanyIn, Format
from api.terminal import of_development, settings, with_database

T = TypeVar("T")


@click.group()
def admin() -> None:
    """Platform administrators."""


@admin.command("create")
@click.option("--email", required=True)
@with_database
async def admin_create(email: str) -> None:
    """Make the person of an address an administrator."""
    await identity.grant_role(email, "admin")


@click.group()
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
    provider = None
    if issuer:
        provider = _body(IdentityProviderIn, issuer=issuer, audience=audience, jwks_url=jwks_url)
    made = await companies.create_company(system(), _body(CompanyIn, **given))
    if provider:
        inside = msgspec.structs.replace(
            system(), employment=Employment(made.id, made.id, frozenset({"company_admin"}))
        )
        await create_identity_provider(inside, made.id, provider, development=settings().development)
    click.echo(msgspec.json.encode(made).decode())


@company.command("admin")
@click.option("--slug", required=True)
@click.option("--email", required=True)
@with_database
async def company_admin(slug: str, email: str) -> None:
    """Make the person of an address an administrator of a company that has none left."""
    await companies.appoint_administrator(slug, email)


def _body(shape: type[T], **given: Any) -> T:
    try:
        return msgspec.convert(given, shape)
    except msgspec.ValidationError as error:
        raise click.ClickException(str(error)) from None


@click.group()
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
    from api.dev.issuer import mint, signing_key

    click.echo(mint(signing_key(Path(of_development(FOLDER_VARIABLE))), issuer, **claims))


@click.group()
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


@click.group("retention")
def keeping() -> None:
    """For how long personal data is kept (README, "Personal data")."""


@keeping.command("list")
@with_database
async def retention_list() -> None:
    """List the rules, past and to come, a line of JSON each."""
    for rule in await retention.list_rules():
        click.echo(msgspec.json.encode(rule).decode())


@keeping.command("set")
@click.argument("kind", type=click.Choice(retention.KINDS))
@click.argument("days", type=click.IntRange(1, 3650))
@click.option("--from", "first", required=True, type=click.DateTime(["%Y-%m-%d"]), help="A day to come.")
@with_database
async def retention_set(kind: retention.Kind, days: int, first: datetime) -> None:
    """Keep a kind of data for so many days, from a day to come: what was in force is never rewritten."""
    try:
        await retention.set_rule(kind, days, first.date())
    except asyncpg.CheckViolationError:
        raise click.ClickException("A rule applies from tomorrow on, at the earliest.") from None


@click.group("caps")
def capping() -> None:
    """How many applications of a person may wait for an answer."""


@capping.command("list")
@with_database
async def caps_list() -> None:
    """List the caps, a line of JSON each: of `any` format together, and of some."""
    for cap in await caps.list_caps():
        click.echo(msgspec.json.encode(cap).decode())


@capping.command("set")
@click.argument("kind", metavar="FORMAT", type=click.Choice(["any", *get_args(Format)]))
@click.argument("most", type=click.IntRange(1, 1000))
@with_database
async def caps_set(kind: str, most: int) -> None:
    """Let at most so many wait, of a format or of `any`; what waits already goes on."""
    await caps.set_cap(kind, most)


@click.group()
def key() -> None:
    """Keys and tokens that leaked."""


@key.command("revoke")
@click.argument("text")
@with_database
async def key_revoke(text: str) -> None:
    """Revoke a key (mln_…), a session token (mls_…) or a calendar's address (mlf_…) by its text."""
    await revoke_secret(text)


@click.group()
def secret() -> None:
    """The secrets that sign and seal: MAILLON_SECRETS."""


# Processes restart one after the other: what one signs, those not restarted yet must believe already.
STEPS = """\
# 1. Everywhere, one process after the other: the new secret is believed, and not used yet.
MAILLON_SECRETS={believed}
# 2. Once every process has that, everywhere again: the new secret signs, the former ones are still believed.
MAILLON_SECRETS={used}
# 3. A day later, and once what is stored sealed was sealed anew: the former ones open nothing any more.
MAILLON_SECRETS={alone}"""


@secret.command("rotate")
def secret_rotate() -> None:
    """Make a new secret, and print MAILLON_SECRETS for each step of its coming; `maillon dev` takes it by itself.

    Nothing is changed elsewhere. In the folder of a `maillon dev`, whose processes all start together, it is written
    down at once, to be used from the next start.
    """
    former, new = settings().secrets, new_secret()
    believed, used = ",".join([*former, new]), ",".join([new, *former])
    if folder := os.environ.get(FOLDER_VARIABLE):
        write_private(Path(folder) / SECRETS, f"{used}\n".encode())
        click.echo(
            "The new secret is used once `maillon dev` was started again; the former ones are still believed."
        )
    else:
        click.echo(STEPS.format(believed=shlex.quote(believed), used=shlex.quote(used), alone=new))

"""Identity providers of companies, as their administrators register them."""

from typing import Any
from uuid import UUID

import asyncpg
import msgspec

from api.core import clock
from api.core.actor import Actor
from api.core.database import Connection, operations, read, transaction
from api.core.ids import new_id
from api.core.language import Words
from api.core.problems import Fault, Invalid, Problem, VersionChanged
from api.core.schemas import Page, changes
from api.core.signing import seal, stale, unseal
from api.identity import queries
from api.identity.login import SECRETS
from api.identity.schemas import (
    EmployeeKey,
    IdentityProviderIn,
    IdentityProviderOut,
    IdentityProviderPatch,
    RoleClaim,
)
from api.identity.tables import IdentityProvider
from api.organisations.policy import require_company_role
from api.organisations.queries import get_company

_SEALED = "SELECT id, client_secret FROM identity_provider WHERE client_secret IS NOT NULL FOR UPDATE"
_RESEAL = "UPDATE identity_provider SET client_secret = $2 WHERE id = $1"


class ProviderTaken(Problem):
    """The issuer and audience are registered already."""

    status = 409
    slug = "provider-taken"
    title = Words(
        "This issuer and audience are registered", "Cet émetteur et cette audience sont enregistrés"
    )


async def create_identity_provider(
    actor: Actor, company_id: UUID, given: IdentityProviderIn, *, development: bool
) -> IdentityProviderOut:
    """Register a provider of the company; raises NotFound, Forbidden, Invalid, ProviderTaken."""
    fields = msgspec.structs.asdict(given)
    _check(fields, development=development)
    provider_id = new_id()
    try:
        async with transaction(actor) as connection:
            await _require_administrator(connection, actor, company_id)
            await IdentityProvider.insert(
                IdentityProvider(
                    id=provider_id, company_id=company_id, created_at=clock.now(), **_stored(fields)
                )
            )
            return await queries.get_identity_provider(connection, company_id, provider_id)
    except asyncpg.UniqueViolationError:
        raise ProviderTaken from None
    except asyncpg.CheckViolationError:
        raise _secret_alone() from None


async def update_identity_provider(
    actor: Actor,
    company_id: UUID,
    provider_id: UUID,
    given: IdentityProviderPatch,
    edited: int,
    *,
    development: bool,
) -> IdentityProviderOut:
    """Edit a provider; raises NotFound, Forbidden, Invalid, VersionChanged, ProviderTaken."""
    edits = changes(given)
    _check(edits, development=development)
    try:
        async with transaction(actor) as connection:
            await _require_administrator(connection, actor, company_id)
            present = await queries.get_identity_provider(connection, company_id, provider_id)
            if present.version != edited:
                raise VersionChanged
            where = (IdentityProvider.id == provider_id) & (IdentityProvider.version == edited)
            change: dict[Any, Any] = _stored(edits)
            if change and not await IdentityProvider.update(change).where(where).returning(
                IdentityProvider.id
            ):
                raise VersionChanged
            return await queries.get_identity_provider(connection, company_id, provider_id)
    except asyncpg.UniqueViolationError:
        raise ProviderTaken from None
    except asyncpg.CheckViolationError:
        raise _secret_alone() from None


async def delete_identity_provider(actor: Actor, company_id: UUID, provider_id: UUID) -> None:
    """Forget a provider: its tokens and the sessions it vouched for end at once; raises NotFound, Forbidden."""
    async with transaction(actor) as connection:
        await _require_administrator(connection, actor, company_id)
        await queries.get_identity_provider(connection, company_id, provider_id)
        await IdentityProvider.delete().where(IdentityProvider.id == provider_id)


async def list_identity_providers(actor: Actor, company_id: UUID) -> Page[IdentityProviderOut]:
    """List the company's providers; raises NotFound, Forbidden."""
    async with read(actor) as connection:
        await _require_administrator(connection, actor, company_id)
        return await queries.list_identity_providers(connection, company_id)


async def get_identity_provider(actor: Actor, company_id: UUID, provider_id: UUID) -> IdentityProviderOut:
    """Give one of the company's providers; raises NotFound, Forbidden."""
    async with read(actor) as connection:
        await _require_administrator(connection, actor, company_id)
        return await queries.get_identity_provider(connection, company_id, provider_id)


async def reseal_client_secrets() -> int:
    """Seal anew the client secrets that an older of our secrets sealed, so that it can be dropped; gives how many."""
    count = 0
    async with operations() as connection:
        for row in await connection.fetch(_SEALED):
            if stale(SECRETS, row["client_secret"]):
                sealed = seal(SECRETS, unseal(SECRETS, row["client_secret"]))
                await connection.execute(_RESEAL, row["id"], sealed)
                count += 1
    return count


async def _require_administrator(connection: Connection, actor: Actor, company_id: UUID) -> None:
    await get_company(connection, company_id, actor)
    require_company_role(actor, company_id, "company_admin")


def _check(fields: dict[str, Any], *, development: bool) -> None:
    faults = [
        Fault(f"/{name}", "https-only", Words("An https address.", "Une adresse en https."))
        for name in ("issuer", "jwks_url")
        if (url := fields.get(name))
        and not (url.startswith("https://") or (development and url.startswith("http://127.0.0.1")))
    ]
    key = fields.get("employee_key")
    if key and key.claim == "email":
        words = Words(
            "Never by address: addresses change hands.", "Jamais par adresse : elles changent de main."
        )
        faults.append(Fault("/employee_key/claim", "never-by-address", words))
    if faults:
        raise Invalid(faults=faults)


def _secret_alone() -> Invalid:
    words = Words("A secret goes with a client_id.", "Un secret va avec un client_id.")
    return Invalid(faults=[Fault("/client_secret", "client-missing", words)])


def _stored(fields: dict[str, Any]) -> dict[str, Any]:
    return {name: _sealed(name, value) for name, value in fields.items()}


def _sealed(name: str, value: object) -> object:
    if isinstance(value, RoleClaim | EmployeeKey):
        return msgspec.json.encode(value).decode()
    if name == "client_secret" and isinstance(value, str):
        return seal(SECRETS, value)
    return value

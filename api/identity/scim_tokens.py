"""Tokens of companies' directories: `mlc_…`, shown once, kept as digests, two at most at a time."""

from datetime import datetime, timedelta
from uuid import UUID

import msgspec

from api.core import clock
from api.core.actor import Actor
from api.core.database import Connection, fetch_all, fetch_one, found, read, transaction
from api.core.ids import new_id
from api.core.language import Words
from api.core.problems import Fault, Invalid, Problem
from api.core.schemas import Page
from api.identity.api_keys import is_key, write_key
from api.identity.schemas import NewScimTokenOut, ScimTokenIn, ScimTokenOut
from api.identity.sessions import digest
from api.identity.tables import ScimToken
from api.organisations.policy import require_company_role
from api.organisations.queries import get_company

PREFIX = "mlc_"
LONGEST = timedelta(days=365)

_ROWS = """
    SELECT id, name, created_at, expires_at, last_used_at, revoked_at FROM scim_token WHERE company_id = $1
"""
_COMPANY = "SELECT company_by_scim_token($1, $2)"
_FREE_EXPIRED = """
    UPDATE scim_token SET revoked_at = expires_at
    WHERE company_id = $1 AND revoked_at IS NULL AND expires_at <= $2
"""
_TAKE_SLOT = """
    INSERT INTO scim_token (id, company_id, slot, name, digest, created_by, created_at, expires_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT DO NOTHING RETURNING id
"""


class TwoTokensLive(Problem):
    """A directory has one token, and a second while they are exchanged."""

    status = 409
    slug = "two-tokens-live"
    title = Words("Revoke one of the two tokens first", "Révoquez d’abord l’un des deux jetons")


async def company_of_token(text: str) -> UUID | None:
    """Give the company whose directory a token is of, or None when it is not, or no more, a token."""
    if not is_key(text, PREFIX):
        return None
    async with transaction(None) as connection:  # it may write down when the token was last used
        company_id: UUID | None = await connection.fetchval(_COMPANY, digest(text), clock.now())
    return company_id


async def create_scim_token(actor: Actor, company_id: UUID, given: ScimTokenIn) -> NewScimTokenOut:
    """Make a token of the company's directory; raises NotFound, Forbidden, Invalid, TwoTokensLive."""
    now = clock.now()
    expires_at = given.expires_at or now + LONGEST
    if not now < expires_at <= now + LONGEST:
        words = Words("Within a year from now.", "Dans l’année qui vient.")
        raise Invalid(faults=[Fault("/expires_at", "out-of-bounds", words)])
    text = write_key(PREFIX)
    async with transaction(actor) as connection:
        await _administered(connection, actor, company_id)
        await connection.execute(_FREE_EXPIRED, company_id, now)
        token_id = await _take_slot(connection, actor, company_id, given.name, text, now, expires_at)
        made = found(await fetch_one(connection, ScimTokenOut, _ROWS + "AND id = $2", company_id, token_id))
    return NewScimTokenOut(token=text, **msgspec.structs.asdict(made))


async def _take_slot(
    connection: Connection,
    actor: Actor,
    company_id: UUID,
    name: str,
    text: str,
    now: datetime,
    expires_at: datetime,
) -> UUID:
    for slot in (1, 2):
        # A slot that another request is taking is waited for: it is free again when that one fails.
        row = (new_id(), company_id, slot, name, digest(text), actor.author, now, expires_at)
        token_id: UUID | None = await connection.fetchval(_TAKE_SLOT, *row)
        if token_id:
            return token_id
    raise TwoTokensLive


async def list_scim_tokens(actor: Actor, company_id: UUID) -> Page[ScimTokenOut]:
    """List the tokens of the company's directory, those revoked too; they are few. Raises NotFound, Forbidden."""
    async with read(actor) as connection:
        await _administered(connection, actor, company_id)
        return Page(items=await fetch_all(connection, ScimTokenOut, _ROWS + "ORDER BY id", company_id))


async def revoke_scim_token(actor: Actor, company_id: UUID, token_id: UUID) -> None:
    """Revoke a token: the directory's next request with it is refused. Raises NotFound, Forbidden."""
    async with transaction(actor) as connection:
        await _administered(connection, actor, company_id)
        found(await fetch_one(connection, ScimTokenOut, _ROWS + "AND id = $2", company_id, token_id))
        await ScimToken.update({ScimToken.revoked_at: clock.now()}).where(
            (ScimToken.id == token_id) & ScimToken.revoked_at.is_null()
        )


async def _administered(connection: Connection, actor: Actor, company_id: UUID) -> None:
    await get_company(connection, company_id, actor)
    require_company_role(actor, company_id, "company_admin")

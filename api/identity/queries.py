"""Reads of identity providers and sessions."""

from typing import Any
from uuid import UUID

import msgspec

from api.core import clock, pagination
from api.core.database import Connection, fetch_all, found
from api.core.schemas import Page
from api.identity.schemas import IdentityProviderOut, RoleClaim, SessionOut

_PROVIDER = "SELECT id, issuer, audience, jwks_url, role_claim FROM identity_provider "
_SESSIONS = """
    SELECT id, created_at, expires_at, digest = $2 AS current FROM session
    WHERE person_id = $1 AND expires_at > $3 AND ($4::uuid IS NULL OR id < $4) ORDER BY id DESC LIMIT $5
"""


async def get_identity_provider(connection: Connection, provider_id: UUID) -> IdentityProviderOut:
    """Give a provider of the caller's company; raises NotFound."""
    return _provider(found(await connection.fetchrow(_PROVIDER + "WHERE id = $1", provider_id)))


async def list_identity_providers(connection: Connection, company_id: UUID) -> Page[IdentityProviderOut]:
    """List a company's providers; they are few."""
    rows = await connection.fetch(_PROVIDER + "WHERE company_id = $1 ORDER BY id", company_id)
    return Page(items=[_provider(row) for row in rows])


def _provider(row: Any) -> IdentityProviderOut:
    fields = dict(row)
    if claim := fields["role_claim"]:
        fields["role_claim"] = msgspec.json.decode(claim, type=RoleClaim)
    return IdentityProviderOut(**fields)


async def list_sessions(
    connection: Connection, person_id: UUID, digest: bytes, limit: int, cursor: str | None
) -> Page[SessionOut]:
    """List a person's living sessions, the newest first; `digest` is of the one that asks."""
    question = ("sessions", str(person_id))
    (last,) = pagination.read_cursor(cursor, question, UUID) or (None,)
    rows = await fetch_all(connection, SessionOut, _SESSIONS, person_id, digest, clock.now(), last, limit + 1)
    return pagination.page(rows, limit, question, "id")

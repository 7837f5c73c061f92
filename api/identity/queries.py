"""Reads of identity providers and sessions."""

from typing import Any
from uuid import UUID

import msgspec

from api.core import clock, pagination
from api.core.database import Connection, fetch_all, found
from api.core.schemas import Page
from api.identity.schemas import EmployeeKey, IdentityProviderOut, RoleClaim, SessionOut

_PROVIDER = """
    SELECT id, version, issuer, audience, client_id, client_secret IS NOT NULL AS has_secret, jwks_url, employee_key,
           role_claim
    FROM identity_provider WHERE company_id = $1
"""
_SESSIONS = """
    SELECT id, created_at, expires_at, digest = $2 AS current FROM session
    WHERE person_id = $1 AND expires_at > $3 AND ($4::uuid IS NULL OR id < $4) ORDER BY id DESC LIMIT $5
"""


async def get_identity_provider(
    connection: Connection, company_id: UUID, provider_id: UUID
) -> IdentityProviderOut:
    """Give a provider of the caller's company; raises NotFound."""
    return _provider(found(await connection.fetchrow(_PROVIDER + "AND id = $2", company_id, provider_id)))


async def list_identity_providers(connection: Connection, company_id: UUID) -> Page[IdentityProviderOut]:
    """List a company's providers; they are few."""
    rows = await connection.fetch(_PROVIDER + "ORDER BY id", company_id)
    return Page(items=[_provider(row) for row in rows])


def _provider(row: Any) -> IdentityProviderOut:
    fields = dict(row)
    shapes: dict[str, Any] = {"role_claim": RoleClaim, "employee_key": EmployeeKey}
    for name, shape in shapes.items():
        if fields[name]:
            fields[name] = msgspec.json.decode(fields[name], type=shape)
    return IdentityProviderOut(**fields)


async def list_sessions(
    connection: Connection, person_id: UUID, digest: bytes, limit: int, cursor: str | None
) -> Page[SessionOut]:
    """List a person's living sessions, the newest first; `digest` is of the one that asks."""
    question = ("sessions", str(person_id))
    (last,) = pagination.read_cursor(cursor, question, UUID) or (None,)
    rows = await fetch_all(connection, SessionOut, _SESSIONS, person_id, digest, clock.now(), last, limit + 1)
    return pagination.page(rows, limit, question, "id")

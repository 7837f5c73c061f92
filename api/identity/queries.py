"""Reads of identity providers."""

from typing import Any
from uuid import UUID

import msgspec

from api.core.database import Connection, found
from api.core.schemas import Page
from api.identity.schemas import IdentityProviderOut, RoleClaim

_PROVIDER = "SELECT id, issuer, audience, jwks_url, role_claim FROM identity_provider "


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

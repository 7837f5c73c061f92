"""Bodies and answers about identity providers."""

from typing import Annotated
from uuid import UUID

from msgspec import Meta

from api.core.schemas import In, Line, Out, WebUrl
from api.organisations.schemas import CompanyRole


class RoleClaim(In, frozen=True, kw_only=True):
    """Which claim of a token carries roles, and what its values mean here."""

    claim: Line
    map: Annotated[dict[Line, CompanyRole], Meta(max_length=50)]


class IdentityProviderIn(In, frozen=True, kw_only=True):
    """A provider as its company registers it; without `jwks_url` the keys are found by discovery."""

    issuer: WebUrl
    audience: Line
    jwks_url: WebUrl | None = None
    role_claim: RoleClaim | None = None


class IdentityProviderOut(Out, frozen=True, kw_only=True):
    """A registered provider."""

    id: UUID
    issuer: str
    audience: str
    jwks_url: str | None
    role_claim: RoleClaim | None

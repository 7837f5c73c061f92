"""Bodies and answers about identity providers, sign-in by mail and sessions."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from msgspec import Meta

from api.core.schemas import Email, In, Instant, Line, Out, WebUrl
from api.organisations.schemas import CompanyRole

Scope = Literal[
    "missions:read",
    "missions:write",
    "applications:read",
    "applications:write",
    "hours:read",
    "hours:write",
    "ledger:read",
    "reports:read",
    "employees:read",
    "webhooks:write",
]


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


class MagicLinkIn(In, frozen=True, kw_only=True):
    """The address to prove by mail."""

    email: Email


class MagicLinkOut(Out, frozen=True, kw_only=True):
    """What the asker alone holds, and gives back with the code of the mail until `expires_at`."""

    request: str
    expires_at: datetime


class SessionIn(In, frozen=True, kw_only=True):
    """The code of the mail, in either case and however it is spaced, and the `request` it was asked with."""

    code: Line
    request: Line


class SessionTokenOut(Out, frozen=True, kw_only=True):
    """A session's token, shown this once."""

    token: str
    expires_at: datetime


class SessionOut(Out, frozen=True, kw_only=True):
    """A session of the caller; `current`: the one that asks."""

    id: UUID
    created_at: datetime
    expires_at: datetime
    current: bool


class ApiKeyIn(In, frozen=True, kw_only=True):
    """A key to make: what it is for, what it may do, until when (90 days when missing, a year at most)."""

    name: Line
    scopes: Annotated[list[Scope], Meta(min_length=1, max_length=10)]
    expires_at: Instant | None = None


class ApiKeyOut(Out, frozen=True, kw_only=True):
    """A key, without the key itself; `last_used_at` is true to a minute."""

    id: UUID
    name: str
    scopes: list[str]
    created_at: datetime
    expires_at: datetime
    last_used_at: datetime | None
    revoked_at: datetime | None


class NewApiKeyOut(ApiKeyOut, frozen=True, kw_only=True):
    """A new key: the only time that its text is shown."""

    key: str

"""Bodies and answers about identity providers, sign-in by mail and sessions."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from msgspec import UNSET, Meta, UnsetType

from api.core.schemas import NO_CONTROL, Email, In, Instant, Line, Out, WebUrl
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


Secret = Annotated[str, Meta(min_length=8, max_length=500, pattern=NO_CONTROL)]


class RoleClaim(In, frozen=True, kw_only=True):
    """Which claim of a token carries roles, and what its values mean here."""

    claim: Line
    map: Annotated[dict[Line, CompanyRole], Meta(max_length=50)]


class EmployeeKey(In, frozen=True, kw_only=True):
    """Which claim of a token says what attribute of the directory's record (Entra: `oid` and `externalId`)."""

    claim: Line
    scim: Literal["externalId", "userName", "employeeNumber"]


class IdentityProviderIn(In, frozen=True, kw_only=True):
    """A provider as its company registers it; without `jwks_url` the keys are found by discovery.

    `audience` is that of the tokens an intranet already holds; `client_id`, with the `client_secret` that is never
    read back, opens the sign-in by pages.
    """

    issuer: WebUrl
    audience: Line
    client_id: Line | None = None
    client_secret: Secret | None = None
    jwks_url: WebUrl | None = None
    employee_key: EmployeeKey | None = None
    role_claim: RoleClaim | None = None


class IdentityProviderPatch(In, frozen=True, kw_only=True):
    """What may change of a provider; its issuer is who it is, and never changes."""

    audience: Line | UnsetType = UNSET
    client_id: Line | None | UnsetType = UNSET
    client_secret: Secret | None | UnsetType = UNSET
    jwks_url: WebUrl | None | UnsetType = UNSET
    employee_key: EmployeeKey | None | UnsetType = UNSET
    role_claim: RoleClaim | None | UnsetType = UNSET


class IdentityProviderOut(Out, frozen=True, kw_only=True):
    """A registered provider; `has_secret`: a client secret is kept."""

    id: UUID
    version: int
    issuer: str
    audience: str
    client_id: str | None
    has_secret: bool
    jwks_url: str | None
    employee_key: EmployeeKey | None
    role_claim: RoleClaim | None


class SampleIn(In, frozen=True, kw_only=True):
    """A token of the provider to try; it is read and not kept."""

    token: Annotated[str, Meta(min_length=1, max_length=16_000)] | None = None


class Checked(Out, frozen=True, kw_only=True):
    """How one part of a provider does: `code` is `ok` or what is wrong, `detail` says what to do."""

    ok: bool
    code: str
    detail: str


class SampleOut(Checked, frozen=True, kw_only=True):
    """What the sample token would open: whom, and with which roles from its claim."""

    subject: str | None = None
    employee_id: UUID | None = None
    roles: list[str] = []


class ProviderCheckOut(Out, frozen=True, kw_only=True):
    """A provider tried now: its discovery, its keys, the address it must send people back to, a sample token."""

    discovery: Checked
    keys: Checked
    redirect_uri: str
    token: SampleOut | None


class ImportIn(In, frozen=True, kw_only=True):
    """Employees in CSV, comma or semicolon, with a header: `external_id`, and of `given_name`, `family_name`, `email`,
    `department`, `site`, `manager` (an external_id) and `active` those that are kept; a dry run unless told otherwise.
    """

    csv: Annotated[str, Meta(min_length=1, max_length=900_000)]
    dry_run: bool = True


class ImportOut(Out, frozen=True, kw_only=True):
    """How many people of the file were, or in a dry run would be, added, edited, or let go and back."""

    dry_run: bool
    created: int
    updated: int
    deactivated: int
    reactivated: int
    unchanged: int


class PlatformRolesIn(In, frozen=True, kw_only=True):
    """Every role that a person shall have on the platform, none where the list is empty."""

    roles: Annotated[list[Literal["moderator", "facilitator", "admin"]], Meta(max_length=3)]


class PlatformRolesOut(Out, frozen=True, kw_only=True):
    """The roles of a person on the platform."""

    person_id: UUID
    roles: list[str]


class MagicLinkIn(In, frozen=True, kw_only=True):
    """The address to prove by mail."""

    email: Email


class MagicLinkOut(Out, frozen=True, kw_only=True):
    """What the asker alone holds, and gives back with the code of the mail until `expires_at`."""

    request: str
    expires_at: datetime


class CodeIn(In, frozen=True, kw_only=True):
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


class ExportOut(Out, frozen=True, kw_only=True):
    """An export, `asked` or `ready`; `progress` in percent, `sha256` (hexadecimal) of the bytes at `url`.

    The path asks for the same person's credentials.
    """

    id: UUID
    state: str
    progress: int
    as_of: datetime | None
    sha256: str | None
    url: str | None
    expires_at: datetime


class ScimTokenIn(In, frozen=True, kw_only=True):
    """A token for the company's directory: what it is for, until when (a year when missing, and at most)."""

    name: Line
    expires_at: Instant | None = None


class ScimTokenOut(Out, frozen=True, kw_only=True):
    """A directory's token, without the token itself; `last_used_at` is true to a minute."""

    id: UUID
    name: str
    created_at: datetime
    expires_at: datetime
    last_used_at: datetime | None
    revoked_at: datetime | None


class NewScimTokenOut(ScimTokenOut, frozen=True, kw_only=True):
    """A new token of a directory: the only time that its text is shown."""

    token: str


class CalendarFeedOut(Out, frozen=True, kw_only=True):
    """Where one's calendar reads one's engagements; the address is a secret, and never given again."""

    url: str

"""Bodies and answers about associations, companies, employees and policies."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from msgspec import UNSET, Meta, UnsetType

from api.core.schemas import IDENTIFIER, POSTCODE, WORDED, Email, In, Line, Out, WebUrl

Cause = Literal[
    "animaux",
    "autre",
    "batiment-industrie-logistique",
    "benevolat-competences",
    "communication",
    "culture-loisirs",
    "education",
    "emploi",
    "environnement",
    "gestion-finance-droit",
    "humanitaire",
    "memoire-et-citoyennete",
    "numerique",
    "prevention-protection",
    "recherche",
    "sante",
    "service-public-defense-securite",
    "sport",
    "solidarite-insertion",
    "vivre-ensemble",
]
"""The 20 `domain` values of API Engagement."""
Format = Literal["consultation", "short", "project", "mentoring", "team_day"]
Causes = Annotated[list[Cause], Meta(max_length=20)]
Regime = Literal["working_time", "personal_time"]


def both_regimes() -> list[Regime]:
    """Give both regimes: what is open where nothing is said."""
    return ["working_time", "personal_time"]


CompanyRole = Literal["employee", "manager", "hr", "company_admin"]
MemberRole = Literal["owner", "coordinator"]
PublicInterest = Literal["yes", "no", "unknown"]
Identifier = Annotated[str, Meta(min_length=8, max_length=20, pattern=IDENTIFIER)]
PostalCode = Annotated[str, Meta(pattern=POSTCODE)]
Latitude = Annotated[float, Meta(ge=-90, le=90)]
Longitude = Annotated[float, Meta(ge=-180, le=180)]
SLUG = r"^[a-z0-9]+(-[a-z0-9]+)*$(?!\n)"
Slug = Annotated[str, Meta(min_length=2, max_length=60, pattern=SLUG)]
Origin = Annotated[
    str,
    Meta(
        max_length=200,
        pattern=r"^(https://[a-z0-9]([a-z0-9.-]*[a-z0-9])?|http://127\.0\.0\.1)(:[1-9][0-9]{0,4})?$(?!\n)",
    ),
]
"""An origin as a browser writes it (RFC 6454): https, a host in small letters, a port where it has one."""
Origins = Annotated[list[Origin], Meta(max_length=20)]
Purpose = Annotated[str, Meta(min_length=1, max_length=5000, pattern=WORDED)]


class Address(In, frozen=True, kw_only=True):
    """Where an association is; coordinates in degrees (WGS 84)."""

    street: Line | None = None
    postal_code: PostalCode
    city: Line
    latitude: Latitude | None = None
    longitude: Longitude | None = None


class AddressPatch(In, frozen=True, kw_only=True):
    """What changes of where an association is; null clears."""

    street: Line | None | UnsetType = UNSET
    postal_code: PostalCode | UnsetType = UNSET
    city: Line | UnsetType = UNSET
    latitude: Latitude | None | UnsetType = UNSET
    longitude: Longitude | None | UnsetType = UNSET


class AssociationIn(In, frozen=True, kw_only=True):
    """An association as its author registers it; RNA, SIREN and SIRET may all be missing (Alsace-Moselle)."""

    name: Line
    legal_form: Line
    purpose: Purpose
    rna: Identifier | None = None
    siren: Identifier | None = None
    siret: Identifier | None = None
    address: Address
    causes: Causes
    website: WebUrl | None = None
    contact_email: Email
    public_interest: PublicInterest = "unknown"


class AssociationPatch(In, frozen=True, kw_only=True):
    """What its owner may change; an edit of a refused association asks again for verification.

    A verified one whose name or identifiers change stays so, and is read by a moderator again.
    """

    name: Line | UnsetType = UNSET
    legal_form: Line | UnsetType = UNSET
    purpose: Purpose | UnsetType = UNSET
    rna: Identifier | None | UnsetType = UNSET
    siren: Identifier | None | UnsetType = UNSET
    siret: Identifier | None | UnsetType = UNSET
    address: AddressPatch | UnsetType = UNSET
    website: WebUrl | None | UnsetType = UNSET
    contact_email: Email | UnsetType = UNSET
    causes: Causes | UnsetType = UNSET
    public_interest: PublicInterest | UnsetType = UNSET


class Duplicate(Out, frozen=True, kw_only=True):
    """Another association that may be the same body, and the fields that say so."""

    id: UUID
    name: str
    state: str
    city: str
    reasons: list[str]


class AssociationEvent(Out, frozen=True, kw_only=True):
    """A step of an association's life: a decision and its reasons."""

    state: str
    reason: str | None
    at: datetime


class FeedbackFigures(Out, frozen=True, kw_only=True):
    """What was said at the end of engagements, in shares (0 to 1), null under five people.

    `people_again`: people who would come back; `association_again`: engagements that the association would repeat;
    `deliverables_used`: what serves, in full or in part. They move by five people or more at a time, so that no
    difference between two readings tells what one said; what is erased or said anew later does not move them.
    """

    people_again: float | None
    association_again: float | None
    deliverables_used: float | None


class AssociationOut(Out, frozen=True, kw_only=True):
    """An association as anyone sees it.

    `reply_rate` (0 to 1) and `reply_median_minutes` are of what fell due within a year, null under five.
    `contact_email`, `state_reason` (why it was refused or suspended) and `history` are for its members and
    moderators, `duplicates` for moderators: null to others.
    """

    id: UUID
    version: int
    state: str
    state_reason: str | None
    name: str
    legal_form: str
    purpose: str
    rna: str | None
    siren: str | None
    siret: str | None
    address: Address
    causes: list[str]
    website: str | None
    contact_email: str | None
    public_interest: str
    created_at: datetime
    reply_rate: float | None
    reply_median_minutes: int | None
    feedback: FeedbackFigures
    history: list[AssociationEvent] | None
    duplicates: list[Duplicate] | None


class AssociationSummary(Out, frozen=True, kw_only=True):
    """An association in a list."""

    id: UUID
    name: str
    city: str
    causes: list[str]
    state: str


def one_reason(reasons: list[str]) -> str | None:
    """Give the reasons as they are stored and shown: a line each."""
    return "\n".join(reasons) or None


class MemberIn(In, frozen=True, kw_only=True):
    """Whom to invite: the address gets a mail, and only a person who proved it can accept."""

    email: Email
    role: MemberRole


class MemberPatch(In, frozen=True, kw_only=True):
    """A member's new role."""

    role: MemberRole


class MemberOut(Out, frozen=True, kw_only=True):
    """A member, as members see each other; `email` is an address of their own, null where they have none."""

    person_id: UUID
    version: int
    given_name: str
    family_name: str
    email: str | None
    role: str
    since: datetime


class InvitationOut(Out, frozen=True, kw_only=True):
    """A seat offered: the code is in the mail alone."""

    id: UUID
    email: str
    role: str
    expires_at: datetime


class CompanyIn(In, frozen=True, kw_only=True):
    """A company as an administrator creates it; the person of `admin_email` becomes its first company_admin."""

    slug: Slug
    name: Line
    siren: Identifier
    legal_form: Line | None = None
    time_zone: Line = "Europe/Paris"
    origins: Origins = []
    admin_email: Email


class CompanyPatch(In, frozen=True, kw_only=True):
    """What its administrator may change of a company.

    `origins`: the exact origins of its intranet's pages, which may call us from a browser. `group_roles`: the groups of
    its directory, by display name, that give a role; any other gives none.
    """

    name: Line | UnsetType = UNSET
    legal_form: Line | None | UnsetType = UNSET
    time_zone: Line | UnsetType = UNSET
    origins: Origins | UnsetType = UNSET
    group_roles: Annotated[dict[Line, CompanyRole], Meta(max_length=50)] | UnsetType = UNSET


class CompanyOut(Out, frozen=True, kw_only=True):
    """A company, as its own people see it."""

    id: UUID
    version: int
    slug: str
    name: str
    siren: str
    legal_form: str | None
    time_zone: str
    origins: list[str]
    group_roles: dict[str, str]


class EmployeeOut(Out, frozen=True, kw_only=True):
    """An employee as their company knows them; `group_roles` come from its directory, besides `roles`."""

    id: UUID
    version: int
    given_name: str
    family_name: str
    email: str | None
    roles: list[str]
    group_roles: list[str]
    site: str | None
    department: str | None
    manager_id: UUID | None
    active: bool


class EmployeePatch(In, frozen=True, kw_only=True):
    """What HR may change of an employee; `roles` is the company administrator's alone."""

    department: Line | None | UnsetType = UNSET
    site: Line | None | UnsetType = UNSET
    manager_id: UUID | None | UnsetType = UNSET
    roles: Annotated[list[CompanyRole], Meta(max_length=4)] | UnsetType = UNSET

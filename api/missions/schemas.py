"""Bodies and answers about missions."""

from datetime import date, datetime
from typing import Annotated, Literal
from uuid import UUID

from msgspec import UNSET, Meta, UnsetType

from api.core.schemas import (
    LANGUAGE,
    NO_CONTROL,
    NO_CONTROL_BUT_LINES,
    PHONE,
    SKILL,
    Email,
    In,
    Instant,
    Line,
    Minutes,
    Out,
    Text,
)
from api.organisations.schemas import Causes, Duplicate, Format, Latitude, Longitude, PostalCode, Regime, Slug

Title = Annotated[str, Meta(max_length=150, pattern=NO_CONTROL)]
Summary = Annotated[str, Meta(max_length=300, pattern=NO_CONTROL)]
MissionState = Literal[
    "draft",
    "submitted",
    "rejected",
    "published",
    "paused",
    "in_progress",
    "completed",
    "cancelled",
    "expired",
]
Remote = Literal["no", "possible", "full"]
Places = Annotated[int, Meta(ge=1, le=500)]
Regimes = Annotated[list[Regime], Meta(max_length=2)]
SkillId = Annotated[str, Meta(max_length=60, pattern=SKILL)]
Outcome = Literal["upheld", "dismissed"]
Phone = Annotated[str, Meta(max_length=30, pattern=PHONE)]
LanguageCode = Annotated[str, Meta(pattern=LANGUAGE)]
Languages = Annotated[list[LanguageCode], Meta(max_length=10)]


class Location(In, frozen=True, kw_only=True):
    """Where a mission takes place; coordinates in degrees (WGS 84)."""

    label: Line | None | UnsetType = UNSET
    postal_code: PostalCode | None | UnsetType = UNSET
    latitude: Latitude | None | UnsetType = UNSET
    longitude: Longitude | None | UnsetType = UNSET


class Prerequisite(In, frozen=True, kw_only=True):
    """What must be there before anyone starts; the association ticks it once it is."""

    text: Line
    ready: bool = False


class MissionSkill(In, frozen=True, kw_only=True):
    """A skill the mission asks for, from level 1 (notions) to 4 (expert)."""

    skill: SkillId
    level: Annotated[int, Meta(ge=1, le=4)] = 2
    essential: bool = True


class SessionIn(In, frozen=True, kw_only=True):
    """A dated slot; one that is sent back with its `id` stays the same session."""

    id: UUID | None = None
    starts_at: Instant
    ends_at: Instant


class Session(Out, frozen=True, kw_only=True):
    """A dated slot."""

    id: UUID
    starts_at: datetime
    ends_at: datetime


class Contact(In, frozen=True, kw_only=True):
    """Whom the accepted write to: a member of the association, or somebody by name, each in place of the other."""

    person_id: UUID | None | UnsetType = UNSET
    name: Line | None | UnsetType = UNSET
    email: Email | None | UnsetType = UNSET
    phone: Phone | None | UnsetType = UNSET


class MissionFields(In, frozen=True, kw_only=True):
    """What a mission says; null clears, an object merges, an array replaces. `effort_minutes` is for one place.

    `reserved_to`: the companies whose employees alone see it; empty, everyone does. `managers`: members of the
    association who are told of its applications.
    """

    title: Title | UnsetType = UNSET
    summary: Summary | UnsetType = UNSET
    description: Text | UnsetType = UNSET
    deliverable: Text | UnsetType = UNSET
    prerequisites: Annotated[list[Prerequisite], Meta(max_length=20)] | UnsetType = UNSET
    steps: Annotated[list[Line], Meta(max_length=20)] | UnsetType = UNSET
    format: Format | None | UnsetType = UNSET
    causes: Causes | UnsetType = UNSET
    skills: Annotated[list[MissionSkill], Meta(max_length=20)] | UnsetType = UNSET
    places: Places | UnsetType = UNSET
    effort_minutes: Minutes | None | UnsetType = UNSET
    regimes: Regimes | UnsetType = UNSET
    remote: Remote | UnsetType = UNSET
    location: Location | None | UnsetType = UNSET
    time_zone: Line | UnsetType = UNSET
    starts_on: date | None | UnsetType = UNSET
    ends_on: date | None | UnsetType = UNSET
    apply_by: date | None | UnsetType = UNSET
    sessions: Annotated[list[SessionIn], Meta(max_length=100)] | UnsetType = UNSET
    languages: Languages | UnsetType = UNSET
    contact: Contact | None | UnsetType = UNSET
    managers: Annotated[list[UUID], Meta(max_length=20)] | UnsetType = UNSET
    reserved_to: Annotated[list[UUID], Meta(max_length=50)] | UnsetType = UNSET


class MissionPatch(MissionFields, frozen=True, kw_only=True):
    """What changes of a mission; null clears, an object merges, an array replaces. `effort_minutes` is for one place.

    `reserved_to`, `managers`: as in createMission. `ask_review` contests the rules on wording that the new text
    breaks: a published mission is paused by that (`state_reason` `contested`), and shown to nobody who has not applied,
    until a moderator publishes it, or an edit that breaks no rule any more.
    """

    ask_review: bool = False


class MissionIn(MissionFields, frozen=True, kw_only=True):
    """A mission's draft: it may be incomplete until it is submitted.

    What is left out comes from the template where one is named, in the reader's language, else: one place, both
    regimes, on site, in French, on Paris time.
    """

    association_id: UUID
    template: Slug | None = None


class Submitted(In, frozen=True, kw_only=True):
    """A submission; `ask_review` contests the rules on wording: a moderator then decides."""

    ask_review: bool = False


class MissionAssociation(Out, frozen=True, kw_only=True):
    """The association of a mission; `reply_rate` as in getAssociation."""

    id: UUID
    name: str
    verified: bool
    reply_rate: float | None


class MissionProblem(Out, frozen=True, kw_only=True):
    """What still keeps a mission from being published; a contestable rule can be put to a moderator."""

    pointer: str
    code: str
    detail: str
    contestable: bool


class MissionEvent(Out, frozen=True, kw_only=True):
    """A step of a mission's life: a decision and its reasons."""

    state: str
    reason: str | None
    at: datetime


class Review(Out, frozen=True, kw_only=True):
    """Why a mission waits for a moderator: `unverified`, `edited`, or the rules that its author contests."""

    since: datetime
    reasons: list[str]


class MissionOut(Out, frozen=True, kw_only=True):
    """A mission. `problems`, `contact`, `managers`, `reserved_to` and `live_applications` are for its association
    alone, `review`, `history` and `state_reason` for moderators too: null to others.
    """

    id: UUID
    version: int
    state: str
    state_reason: str | None
    association: MissionAssociation
    title: str
    summary: str
    description: str
    deliverable: str
    format: str | None
    causes: list[str]
    places: int
    places_left: int
    effort_minutes: int | None
    regimes: list[str]
    remote: str
    location: Location | None
    time_zone: str
    starts_on: date | None
    ends_on: date | None
    apply_by: date | None
    languages: list[str]
    created_at: datetime
    published_at: datetime | None
    template: str | None
    prerequisites: list[Prerequisite]
    steps: list[str]
    skills: list[MissionSkill]
    sessions: list[Session]
    reserved: bool
    problems: list[MissionProblem] | None
    contact: Contact | None
    managers: list[UUID] | None
    reserved_to: list[UUID] | None
    live_applications: int | None
    review: Review | None
    history: list[MissionEvent] | None


class FlagIn(In, frozen=True, kw_only=True):
    """What is wrong with a mission; `disguised_work`: a job that should be paid."""

    reason: Literal["misleading", "inappropriate", "disguised_work", "spam", "other"]
    text: Annotated[str, Meta(max_length=2000, pattern=NO_CONTROL_BUT_LINES)] = ""


class FlagOut(Out, frozen=True, kw_only=True):
    """A flag as its author and moderators see it; `outcome` is null until a moderator decides."""

    id: UUID
    mission_id: UUID
    reason: str
    text: str
    created_at: datetime
    outcome: str | None
    resolved_at: datetime | None


class Resolved(In, frozen=True, kw_only=True):
    """A moderator's decision on a flag: `upheld` where the mission is at fault."""

    outcome: Outcome


class Waiting(Out, frozen=True, kw_only=True):
    """Something that waits for a moderator: `version` is what to name in If-Match (`"v4"`).

    `reasons` of an association: `new`, `asked_again`, `renamed`, `identifiers_changed`; of a mission: see `review`;
    of a flag: its reason.
    """

    kind: str
    id: UUID
    version: int
    since: datetime
    title: str
    association_id: UUID
    association_name: str
    mission_id: UUID | None
    reasons: list[str]
    text: str | None
    duplicates: list[Duplicate]


class MissionLine(Out, frozen=True, kw_only=True):
    """A mission in its association's work-list."""

    id: UUID
    version: int
    state: str
    title: str
    places: int
    places_left: int
    live_applications: int
    starts_on: date | None
    ends_on: date | None
    apply_by: date | None
    created_at: datetime

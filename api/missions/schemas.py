"""Bodies and answers about missions."""

from datetime import date, datetime
from typing import Annotated, Literal
from uuid import UUID

from msgspec import UNSET, Meta, UnsetType, field

from api.core.schemas import NO_CONTROL, In, Line, Minutes, Out, Text
from api.organisations.schemas import Causes, Latitude, Longitude, PostalCode, Regime, both_regimes

Title = Annotated[str, Meta(max_length=150, pattern=NO_CONTROL)]
Summary = Annotated[str, Meta(max_length=300, pattern=NO_CONTROL)]
Format = Literal["consultation", "short", "project", "mentoring", "team_day"]
MissionState = Literal["draft", "submitted", "rejected", "published"]
Remote = Literal["no", "possible", "full"]
Places = Annotated[int, Meta(ge=1, le=500)]
Regimes = Annotated[list[Regime], Meta(max_length=2)]
Languages = Annotated[list[Annotated[str, Meta(pattern=r"^[a-z]{2}$(?!\n)")]], Meta(max_length=10)]


class Location(In, frozen=True, kw_only=True):
    """Where a mission takes place; coordinates in degrees (WGS 84)."""

    label: Line | None = None
    postal_code: PostalCode | None = None
    latitude: Latitude | None = None
    longitude: Longitude | None = None


class MissionIn(In, frozen=True, kw_only=True):
    """A mission's draft: it may be incomplete until it is submitted. `effort_minutes` is for one place."""

    association_id: UUID
    title: Title = ""
    summary: Summary = ""
    description: Text = ""
    deliverable: Text = ""
    format: Format | None = None
    causes: Causes = []
    places: Places = 1
    effort_minutes: Minutes | None = None
    regimes: Regimes = field(default_factory=both_regimes)
    remote: Remote = "no"
    location: Location | None = None
    time_zone: Line = "Europe/Paris"
    starts_on: date | None = None
    ends_on: date | None = None
    apply_by: date | None = None
    languages: Languages = field(default_factory=lambda: ["fr"])


class MissionPatch(In, frozen=True, kw_only=True):
    """What changes of a mission; null clears, an array replaces."""

    title: Title | UnsetType = UNSET
    summary: Summary | UnsetType = UNSET
    description: Text | UnsetType = UNSET
    deliverable: Text | UnsetType = UNSET
    format: Format | UnsetType = UNSET
    causes: Causes | UnsetType = UNSET
    places: Places | UnsetType = UNSET
    effort_minutes: Minutes | UnsetType = UNSET
    regimes: Regimes | UnsetType = UNSET
    remote: Remote | UnsetType = UNSET
    location: Location | None | UnsetType = UNSET
    time_zone: Line | UnsetType = UNSET
    starts_on: date | None | UnsetType = UNSET
    ends_on: date | None | UnsetType = UNSET
    apply_by: date | None | UnsetType = UNSET
    languages: Languages | UnsetType = UNSET


class MissionAssociation(Out, frozen=True, kw_only=True):
    """The association of a mission."""

    id: UUID
    name: str
    verified: bool


class MissionProblem(Out, frozen=True, kw_only=True):
    """What still keeps a mission from being published."""

    pointer: str
    code: str
    detail: str


class MissionOut(Out, frozen=True, kw_only=True):
    """A mission; `problems` is for its coordinators alone, null to others."""

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
    problems: list[MissionProblem] | None = None


class MissionSummary(Out, frozen=True, kw_only=True):
    """A published mission in the public list."""

    id: UUID
    version: int
    association_id: UUID
    association_name: str
    title: str
    summary: str
    format: str
    causes: list[str]
    places: int
    places_left: int
    effort_minutes: int
    regimes: list[str]
    remote: str
    location_label: str | None
    postal_code: str | None
    starts_on: date
    ends_on: date | None
    apply_by: date | None
    languages: list[str]
    published_at: datetime


class MissionLine(Out, frozen=True, kw_only=True):
    """A mission in its association's work-list."""

    id: UUID
    version: int
    state: str
    title: str
    places: int
    places_left: int
    starts_on: date | None
    ends_on: date | None
    created_at: datetime

"""What a search answers."""

from datetime import date, datetime
from uuid import UUID

from msgspec import UNSET, UnsetType

from api.core.schemas import Out


class FacetCount(Out, frozen=True, kw_only=True):
    """A value of a filter, and how many missions it would leave."""

    value: str
    count: int


class MissionSummary(Out, frozen=True, kw_only=True):
    """A published mission in the public list; `distance_km` from the point asked for, null without one."""

    id: UUID
    version: int
    association_id: UUID
    association_name: str
    title: str
    summary: str
    format: str
    causes: list[str]
    skills: list[str]
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
    distance_km: float | None = None


class Found(Out, frozen=True, kw_only=True):
    """A page of missions, with counts by filter where they were asked for."""

    items: list[MissionSummary]
    next: str | None = None
    facets: dict[str, list[FacetCount]] | UnsetType = UNSET

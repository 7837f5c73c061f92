"""The engagement report, and what its figures mean."""

from datetime import datetime
from uuid import UUID

from api.core.schemas import Out


class Column(Out, frozen=True, kw_only=True):
    """A column of a report."""

    name: str
    type: str
    unit: str | None = None


class EngagementRow(Out, frozen=True, kw_only=True):
    """A month of a regime: minutes posted, and how many people, missions and associations stand behind them."""

    month: str
    regime: str
    minutes: int
    people: int
    missions: int
    associations: int


class EngagementTotal(Out, frozen=True, kw_only=True):
    """The whole span of a regime; regimes are never added together."""

    regime: str
    minutes: int
    people: int
    missions: int
    associations: int


class EngagementReport(Out, frozen=True, kw_only=True):
    """Working time by month posted, as it stood at `as_of`: the same for ever."""

    company_id: UUID
    columns: list[Column]
    rows: list[EngagementRow]
    totals: list[EngagementTotal]
    as_of: datetime

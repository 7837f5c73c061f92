"""Bodies and answers about hours and the ledger."""

from datetime import date, datetime
from typing import Annotated, Literal
from uuid import UUID

from msgspec import Meta

from api.core.schemas import NO_CONTROL_BUT_LINES, In, Instant, Out, Reason

HoursState = Literal["declared", "lowered", "confirmed", "approved", "rejected", "cancelled"]
DayMinutes = Annotated[int, Meta(ge=1, le=1440)]


class HoursIn(In, frozen=True, kw_only=True):
    """Minutes worked on a local day of the mission's time zone.

    `starts_at`: when they began, on that day; several entries of one day each say so.
    """

    worked_on: date
    starts_at: Instant | None = None
    minutes: DayMinutes
    note: Annotated[str, Meta(max_length=500, pattern=NO_CONTROL_BUT_LINES)] = ""


class Confirmed(In, frozen=True, kw_only=True):
    """A confirmation; fewer `minutes` than declared need a reason, and the employee's agreement."""

    minutes: DayMinutes | None = None
    reason: Reason | None = None


class HoursMission(Out, frozen=True, kw_only=True):
    """The mission worked on."""

    id: UUID
    title: str


class HoursPerson(Out, frozen=True, kw_only=True):
    """Who worked."""

    id: UUID
    name: str


class HoursOut(Out, frozen=True, kw_only=True):
    """An hours entry; `ledger_id` names the line it was posted to.

    `reason`: why the association confirmed fewer minutes than declared, or why they were rejected.
    """

    id: UUID
    version: int
    state: str
    application_id: UUID
    mission: HoursMission
    person: HoursPerson
    worked_on: date
    starts_at: datetime | None
    minutes: int
    declared_minutes: int
    regime: str
    note: str
    reason: str | None
    confirmed_by: UUID | None
    approved_by: UUID | None
    ledger_id: UUID | None
    created_at: datetime


class LedgerLineOut(Out, frozen=True, kw_only=True):
    """A posted line: `worked_on` is the day worked, `posted_on` the company's day it was posted."""

    id: UUID
    hours_id: UUID
    employee_id: UUID
    association_id: UUID
    mission_id: UUID
    worked_on: date
    posted_on: date
    posted_at: datetime
    minutes: int
    regime: str
    legal_form: str | None
    department: str | None
    site: str | None
    cause: str | None

"""What a company allows, as it is written and read."""

from datetime import date
from typing import Annotated, Literal
from uuid import UUID

from msgspec import Meta, field

from api.core.schemas import YEAR_DAY, In, Out
from api.organisations.schemas import Causes, Format, Regime, both_regimes


class PolicyIn(In, frozen=True, kw_only=True):
    """What the company allows from `effective_from` on (its today when missing).

    `formats`, `causes` and `associations`: those allowed on working time, null for all. Silent for `approval_days`, or
    on the mission's first day, the employer is taken to say `approval_silence`. `yearly_minutes`: working time an
    employee may give a year, `budget_minutes` all of them together, null without limit; the year begins on
    `year_starts` (MM-DD), and `day_minutes` is what a working day counts.
    """

    effective_from: date | None = None
    regimes: Annotated[list[Regime], Meta(min_length=1, max_length=2)] = field(default_factory=both_regimes)
    legal_form: Literal["service", "secondment"] = "service"
    approval: Literal["automatic", "manager", "hr"] = "manager"
    approval_days: Annotated[int, Meta(ge=1, le=60)] = 5
    approval_silence: Literal["approve", "refuse"] = "refuse"
    hours_approval: Literal["automatic", "manager", "hr"] = "automatic"
    just_in_time: bool = True
    formats: Annotated[list[Format], Meta(max_length=5)] | None = None
    causes: Causes | None = None
    associations: Annotated[list[UUID], Meta(max_length=500)] | None = None
    yearly_minutes: Annotated[int, Meta(ge=0, le=527_040)] | None = None
    budget_minutes: Annotated[int, Meta(ge=0, le=2_000_000_000)] | None = None
    day_minutes: Annotated[int, Meta(ge=60, le=1440)] = 420
    year_starts: Annotated[str, Meta(pattern=YEAR_DAY)] = "01-01"


class PolicyOut(Out, frozen=True, kw_only=True):
    """The policy in force on a day."""

    effective_from: date
    regimes: list[str]
    legal_form: str
    approval: str
    approval_days: int
    approval_silence: str
    hours_approval: str
    just_in_time: bool
    formats: list[str] | None
    causes: list[str] | None
    associations: list[UUID] | None
    yearly_minutes: int | None
    budget_minutes: int | None
    day_minutes: int
    year_starts: str

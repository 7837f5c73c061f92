"""Bodies and answers about applications."""

from datetime import date, datetime
from typing import Annotated, Literal
from uuid import UUID

from msgspec import Meta

from api.core.schemas import NO_CONTROL_BUT_LINES, In, Out
from api.organisations.schemas import Regime

Message = Annotated[str, Meta(max_length=2000, pattern=NO_CONTROL_BUT_LINES)]
DeclineReason = Literal["requirements_not_met", "no_reply", "mission_filled", "mission_changed", "other"]
WithdrawReason = Literal["not_available", "changed_mind", "no_reply", "other"]


ApplicationState = Literal[
    "submitted", "accepted", "completed", "declined", "withdrawn", "expired", "cancelled", "employer_refused"
]


class ApplicationIn(In, frozen=True, kw_only=True):
    """An application: on whose time, and why; the employer never reads the message."""

    regime: Regime
    message: Message = ""


class Declined(In, frozen=True, kw_only=True):
    """Why an application is declined."""

    reason: DeclineReason


class Withdrawn(In, frozen=True, kw_only=True):
    """Why an application is withdrawn."""

    reason: WithdrawReason


class ApplicationMission(Out, frozen=True, kw_only=True):
    """The mission applied to."""

    title: str
    association: str
    starts_on: date | None
    ends_on: date | None


class Applicant(Out, frozen=True, kw_only=True):
    """The applicant as the reader may see them: the address only once accepted."""

    id: UUID
    name: str
    email: str | None


class ApplicationEvent(Out, frozen=True, kw_only=True):
    """A step of the application's history."""

    state: str
    reason: str | None
    at: datetime


class ApplicationOut(Out, frozen=True, kw_only=True):
    """An application; `message` is null to the employer."""

    id: UUID
    version: int
    state: str
    reason: str | None
    mission_id: UUID
    mission: ApplicationMission
    person: Applicant
    regime: str
    legal_form: str | None
    employer_approval: str
    message: str | None
    created_at: datetime
    history: list[ApplicationEvent] = []

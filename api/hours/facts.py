"""What happened to hours."""

from typing import ClassVar
from uuid import UUID

from api.core.outbox import Fact


class HoursFact(Fact, frozen=True, kw_only=True):
    """A fact of one hours entry, in its association and its company."""

    about: ClassVar[str] = "hours_id"
    hours_id: UUID


class HoursDeclared(HoursFact, frozen=True, kw_only=True):
    """Somebody declared minutes worked."""


class HoursConfirmed(HoursFact, frozen=True, kw_only=True):
    """The association confirmed them; the employer's approval is still to come."""


class HoursHandedOn(HoursFact, frozen=True, kw_only=True):
    """Their manager left without an answer: HR is asked in their place."""


class HoursLowered(HoursFact, frozen=True, kw_only=True):
    """The association confirmed fewer minutes, with a reason; the author has yet to accept."""


class HoursApproved(HoursFact, frozen=True, kw_only=True):
    """They are approved, and so posted to the ledger."""


class HoursRejected(HoursFact, frozen=True, kw_only=True):
    """They are refused, with a reason."""

"""One step of the demo's life, and the use case that makes it true."""

from collections.abc import Awaitable, Callable
from datetime import date, datetime
from typing import Any, NamedTuple
from uuid import UUID

import msgspec

from api.applications import answers, employer
from api.applications import service as applications
from api.applications.messages import send_message
from api.applications.schemas import Declined, MessageIn, Withdrawn
from api.core.actor import Actor
from api.hours import employer as hours_employer
from api.hours import service as hours
from api.hours.schemas import Confirmed, HoursIn


class Event(NamedTuple):
    """Somebody, named by address, does something to an application, or to its hours of a `day`."""

    at: datetime
    act: str
    by: str
    day: date | None = None
    minutes: int = 0
    said: str = ""


UseCase = Callable[[Actor, UUID, Event], Awaitable[Any]]

ON_APPLICATIONS: dict[str, UseCase] = {
    "write": lambda actor, which, event: send_message(actor, which, MessageIn(text=event.said)),
    "accept": lambda actor, which, _: answers.accept_application(actor, which, None),
    "decline": lambda actor, which, event: answers.decline_application(
        actor, which, msgspec.convert({"reason": event.said}, Declined), None
    ),
    "withdraw": lambda actor, which, event: applications.withdraw_application(
        actor, which, msgspec.convert({"reason": event.said}, Withdrawn), None
    ),
    "approve": lambda actor, which, _: employer.approve_application(actor, which, None),
    "refuse": lambda actor, which, event: employer.refuse_application(actor, which, event.said, None),
}

ON_HOURS: dict[str, UseCase] = {
    "confirm": lambda actor, which, _: hours.confirm_hours(actor, which, Confirmed(), None),
    "lower": lambda actor, which, event: hours.confirm_hours(
        actor, which, Confirmed(minutes=event.minutes, reason=event.said), None
    ),
    "agree": lambda actor, which, _: hours.accept_hours(actor, which, None),
    "cancel": lambda actor, which, _: hours.cancel_hours(actor, which, None),
    "reject": lambda actor, which, event: hours.reject_hours(actor, which, event.said, None),
    "approve_hours": lambda actor, which, _: hours_employer.approve_hours(actor, which, None),
}


async def declare(actor: Actor, application_id: UUID, event: Event) -> UUID:
    """Declare hours; gives their id."""
    if event.day is None:
        raise ValueError("hours are of a day")
    given = HoursIn(worked_on=event.day, minutes=event.minutes, note=event.said)
    return (await hours.declare_hours(actor, application_id, given)).id

"""When things happen in the demo territory: months, working days, hours of the day."""

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from datetime import UTC, date, datetime, timedelta
from random import Random
from zoneinfo import ZoneInfo

from api.core import clock
from api.core.outbox import history

TIME_ZONE = "Europe/Paris"
DAY = timedelta(days=1)


class Seeded(Random):
    """The generator of everything drawn here, the same at each run; no secret ever comes from it."""


@contextmanager
def at(instant: datetime) -> Iterator[None]:
    """Live an instant of the past; nobody is told any more of what is older than a week."""
    old = clock.now() - instant > timedelta(days=7)
    with clock.at(instant), history() if old else nullcontext():
        yield


def month(day: date, count: int) -> date:
    """Give the first day of a month, so many months after that of a day."""
    index = day.year * 12 + day.month - 1 + count
    return date(index // 12, index % 12 + 1, 1)


def weekdays(first: date, last: date) -> list[date]:
    """List the days from Monday to Friday, both ends included."""
    return [day for day in _days(first, last) if day.weekday() < 5]


def _days(first: date, last: date) -> Iterator[date]:
    while first <= last:
        yield first
        first += DAY


def workday(random: Random, first: date, last: date) -> date:
    """Choose a weekday between two days; the first day where there is none."""
    return random.choice(weekdays(first, last) or [first])


def office(random: Random, day: date) -> datetime:
    """Choose an instant in the office hours of a day."""
    return _instant(random, day, 8.5, 18)


def evening(random: Random, day: date) -> datetime:
    """Choose an instant in the evening of a day."""
    return _instant(random, day, 18, 23)


def midnight(day: date) -> datetime:
    """Give the instant at which a day begins."""
    return datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(TIME_ZONE)).astimezone(UTC)


def _instant(random: Random, day: date, first: float, last: float) -> datetime:
    """Choose an instant between two hours of a day; neither lies near a change of the clocks."""
    seconds = random.randrange(int(first * 3600), int(last * 3600))
    hour, rest = divmod(seconds, 3600)
    local = datetime(day.year, day.month, day.day, hour, *divmod(rest, 60), tzinfo=ZoneInfo(TIME_ZONE))
    return local.astimezone(UTC)

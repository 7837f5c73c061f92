"""The only clock: every business instant comes from here, so that a test or the demo can move it."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, date, datetime
from functools import cache
from importlib import resources
from zoneinfo import ZoneInfo

_moved: ContextVar[datetime | None] = ContextVar("moved_clock", default=None)


def now() -> datetime:
    """Give the present instant, in UTC."""
    return _moved.get() or datetime.now(UTC)


def moved() -> datetime | None:
    """Give the instant the clock was moved to, or None while it is the real one."""
    return _moved.get()


def seconds() -> float:
    """Give the seconds since the epoch, wherever the clock was moved to: limits count real requests."""
    return time.time()


def today(time_zone: str) -> date:
    """Give the present local date in an IANA time zone."""
    return now().astimezone(ZoneInfo(time_zone)).date()


@cache
def time_zones() -> frozenset[str]:
    """Give the names of the IANA time zones: what this machine has besides (`localtime`) is no place on Earth."""
    return frozenset((resources.files("tzdata") / "zones").read_text().split()) - {"Factory"}


@contextmanager
def at(instant: datetime) -> Iterator[None]:
    """Move the clock of this task to an instant, for as long as the block lasts."""
    token = _moved.set(instant)
    try:
        yield
    finally:
        _moved.reset(token)

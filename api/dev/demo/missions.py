"""The days of the demo's missions."""

from datetime import date, timedelta
from random import Random
from typing import NamedTuple

from api.dev.demo.days import DAY, month, workday
from api.dev.demo.territory import Need, Territory

MONTHS_BEFORE, MONTHS_AFTER = 6, 3
SPAN = {
    "consultation": (0, 14),
    "short": (10, 25),
    "project": (75, 110),
    "mentoring": (90, 150),
    "team_day": (0, 0),
}
"""Days from the first to the last of a mission, least and most, by format."""


class Mission(NamedTuple):
    """A need with its days; `opens` is when it is published, None while its association is unverified."""

    need: Need
    opens: date | None
    starts_on: date
    ends_on: date
    apply_by: date | None


def fresh_number(territory: Territory) -> int:
    """Tell which mission has just been published: the last one of the first association."""
    first = territory.associations[0].key
    return max(number for number, need in enumerate(territory.missions) if need.association == first)


def date_missions(random: Random, territory: Territory, today: date) -> list[Mission]:
    """Spread the missions of every format evenly over the months."""
    unverified, fresh = territory.associations[-1].key, fresh_number(territory)
    settled: dict[int, Mission] = {}
    open_ones: dict[str, list[int]] = {kind: [] for kind in SPAN}
    for number, need in enumerate(territory.missions):
        if number == fresh:
            first = workday(random, today + 18 * DAY, today + 24 * DAY)
            settled[number] = _mission(random, need, today - 3 * DAY, first)
        elif need.association == unverified:
            first = workday(random, today + 30 * DAY, today + 60 * DAY)
            settled[number] = _mission(random, need, None, first)
        else:
            open_ones[need.format].append(number)
    for numbers in open_ones.values():
        random.shuffle(numbers)
        for place, number in enumerate(numbers):
            turn = place * (MONTHS_BEFORE + MONTHS_AFTER) // len(numbers)
            settled[number] = _in_month(random, territory.missions[number], turn - MONTHS_BEFORE, today)
    return [settled[number] for number in sorted(settled)]


def _in_month(random: Random, need: Need, turn: int, today: date) -> Mission:
    """Begin a mission in a month, so many after this one; it is published well before, and before today."""
    first = workday(random, month(today, turn), month(today, turn + 1) - DAY)
    usual = first - timedelta(days=random.randint(20, 45))
    late = today - timedelta(days=random.randint(3, 20))
    return _mission(random, need, min(usual, late), first)


def _mission(random: Random, need: Need, opens: date | None, first: date) -> Mission:
    last = first + timedelta(days=random.randint(*SPAN[need.format]))
    return Mission(need, opens, first, last, apply_by=first - 3 * DAY if random.random() < 0.5 else None)

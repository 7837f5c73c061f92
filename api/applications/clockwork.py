"""Missions that the clock moves: each is selected as due and not done, so that a week of downtime loses nothing."""

from collections.abc import Awaitable, Callable
from uuid import UUID

import msgspec

from api.applications.endings import complete_mission
from api.core import clock
from api.core.actor import Actor, system
from api.core.database import operations, transaction
from api.core.outbox import record
from api.core.problems import Problem
from api.missions import policy
from api.missions.facts import MissionExpired
from api.missions.lifecycle import enter, move_mission, start_mission
from api.missions.rules import FORMATS

# A local day begins at most 14 hours before the same day in UTC: the first of two conditions can use an index.
_TO_START = """
    SELECT id, association_id FROM mission
    WHERE state IN ('published', 'paused') AND taken > 0
        AND starts_on <= ($1::timestamptz + interval '14 hours')::date
        AND starts_on <= ($1 AT TIME ZONE time_zone)::date
    ORDER BY id
"""
_TO_EXPIRE = """
    SELECT id, association_id FROM mission
    WHERE state IN ('submitted', 'published', 'paused') AND taken = 0 AND live = 0
        AND closes_on < ($1::timestamptz + interval '14 hours')::date
        AND closes_on < ($1 AT TIME ZONE time_zone)::date
    ORDER BY id
"""
_TO_COMPLETE = """
    SELECT id, association_id FROM mission
    WHERE state = 'in_progress' AND starts_on < ($1::timestamptz + interval '14 hours')::date
        AND coalesce(ends_on, starts_on + ($2::jsonb ->> format)::int - 1) < ($1 AT TIME ZONE time_zone)::date
    ORDER BY id
"""
_LASTS = msgspec.json.encode({name: bounds.days for name, bounds in FORMATS.items()}).decode()
"""How many days a mission lasts that does not say when it ends."""


async def start_due_missions() -> int:
    """Start the missions whose first day has come, with those who were accepted; gives how many."""
    return await _each(_TO_START, lambda actor, mission_id: start_mission(actor, mission_id, None))


async def complete_due_missions() -> int:
    """Complete the missions whose last day has passed; gives how many."""
    return await _each(
        _TO_COMPLETE, lambda actor, mission_id: complete_mission(actor, mission_id, None), _LASTS
    )


async def expire_due_missions() -> int:
    """Expire the missions past their last day to apply with nobody left; gives how many."""
    return await _each(_TO_EXPIRE, _expire)


async def _each(due: str, act: Callable[[Actor, UUID], Awaitable[object]], *given: str) -> int:
    """Do an act for every mission that is due; one that somebody moved meanwhile refuses, and is left to them."""
    async with operations() as connection:
        rows = await connection.fetch(due, clock.now(), *given)
    done = 0
    for row in rows:
        try:
            await act(system(association_id=row["association_id"]), row["id"])
        except Problem:
            continue
        done += 1
    return done


async def _expire(actor: Actor, mission_id: UUID) -> None:
    async with transaction(actor) as connection:
        present = await enter(connection, mission_id, actor)
        # Somebody may have applied, or been accepted, while the lock was awaited.
        if present["state"] in policy.EXPIRE.sources and not (present["taken"] or present["live"]):
            await move_mission(mission_id, policy.EXPIRE.target)
            await record(MissionExpired(mission_id=mission_id, association_id=present["association_id"]))

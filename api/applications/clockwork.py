"""What the clock moves: each is selected as due and not done, so that a week of downtime loses nothing."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from uuid import UUID

import asyncpg
import msgspec
import structlog

from api.applications.answers import EXCHANGE_WITHIN
from api.applications.employer import ask_hr_instead, decide_for_the_silent
from api.applications.endings import complete_mission
from api.applications.facts import ApplicationExpired, OfferExpired, ReplyReminded
from api.applications.moves import change, ids_of, lock, move, offer_places
from api.applications.policy import EXPIRE
from api.core import clock
from api.core.actor import Actor, system
from api.core.database import operations, transaction
from api.core.outbox import record
from api.core.problems import Problem
from api.missions import policy
from api.missions.facts import MissionExpired
from api.missions.lifecycle import enter, move_mission, start_mission
from api.missions.rules import FORMATS, last_day

log = structlog.get_logger()

# A local day begins at most 14 hours before the same day in UTC: the first of two conditions can use an index.
_TO_START = """
    SELECT id, association_id FROM mission
    WHERE state IN ('published', 'paused') AND taken > 0
        AND EXISTS (SELECT FROM application
                    WHERE mission_id = mission.id AND state IN ('accepted', 'completed', 'no_show'))
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
_TO_REMIND = """
    SELECT id, association_id FROM application
    WHERE state IN ('submitted', 'shortlisted') AND reply_due_at > $1
        AND CASE WHEN reply_due_at - interval '1 day' <= $1 THEN reminded < 2
                 WHEN coalesce(reply_since, created_at) + (reply_due_at - coalesce(reply_since, created_at)) / 2 <= $1
                     THEN reminded < 1 END
    ORDER BY mission_id, id
"""
_TO_GIVE_UP = """
    SELECT id, association_id FROM (
        SELECT id, association_id, mission_id FROM application
        WHERE (state IN ('submitted', 'shortlisted') AND reply_due_at <= $1)
            OR (state = 'offered' AND offer_expires_at <= $1)
        UNION ALL SELECT a.id, a.association_id, a.mission_id
        FROM mission m JOIN application a ON a.mission_id = m.id
        WHERE m.state IN ('published', 'paused') AND m.closes_on < ($1::timestamptz + interval '14 hours')::date
            AND a.state = 'waitlisted' AND kept_waiting(a.id, $1)) due
    ORDER BY mission_id, id
"""
_KEPT_WAITING = "SELECT kept_waiting($1, $2)"
_PENDING = """
    SELECT a.id, a.company_id FROM application a LEFT JOIN employee e ON e.id = a.manager_id
    WHERE a.employer_approval = 'pending'
        AND a.state IN ('submitted', 'shortlisted', 'waitlisted', 'offered', 'accepted')
"""
_TO_DECIDE = _PENDING + "AND a.approval_due_at <= $1 AND e.active IS NOT FALSE ORDER BY a.mission_id, a.id"
_TO_HAND_ON = _PENDING + "AND NOT e.active ORDER BY a.mission_id, a.id"
_TO_OFFER = """
    SELECT DISTINCT m.id, m.association_id FROM mission m JOIN application a ON a.mission_id = m.id
    JOIN association s ON s.id = m.association_id AND s.state <> 'suspended'
    WHERE a.state = 'waitlisted' AND m.state IN ('published', 'paused', 'in_progress')
        AND CASE WHEN m.taken < m.places THEN can_take_place(a.id) END
    ORDER BY id
"""
_TO_RELEASE = """
    SELECT a.id, a.company_id FROM reservation r JOIN application a ON a.id = r.application_id
    WHERE a.state = 'completed' AND a.ended_at <= $1 ORDER BY a.mission_id, a.id
"""
_RELEASE = "DELETE FROM reservation WHERE application_id = $1"
_HOLD = "SELECT pg_advisory_xact_lock(hashtext('clockwork'))"
_HELD = "SELECT NOT pg_try_advisory_xact_lock_shared(hashtext('clockwork'))"
_LASTS = msgspec.json.encode({name: bounds.days for name, bounds in FORMATS.items()}).decode()
"""How many days a mission lasts that does not say when it ends."""


@asynccontextmanager
async def held() -> AsyncIterator[None]:
    """Keep every worker from acting by the clock, for whoever tells a story of another time."""
    async with operations() as connection:
        await connection.execute(_HOLD)
        yield


async def is_held() -> bool:
    """Tell whether somebody moves by hand what the clock would move."""
    async with operations() as connection:
        return bool(await connection.fetchval(_HELD))


async def start_due_missions() -> int:
    """Start the missions whose first day has come, with those who were accepted; gives how many."""
    return await each(_start, _TO_START, clock.now())


async def complete_due_missions() -> int:
    """Complete the missions whose last day has passed; gives how many."""
    return await each(_complete, _TO_COMPLETE, clock.now(), _LASTS)


async def expire_due_missions() -> int:
    """Expire the missions past their last day to apply with nobody left; gives how many."""
    return await each(_expire, _TO_EXPIRE, clock.now())


async def remind_of_replies() -> int:
    """Remind associations at half-time and a day before a reply is due, once each; gives how many."""
    return await each(_remind, _TO_REMIND, clock.now())


async def expire_unanswered() -> int:
    """End what was not answered in time, by the association or by whom a place was offered to; gives how many."""
    return await each(_give_up, _TO_GIVE_UP, clock.now())


async def decide_silent_approvals() -> int:
    """Decide, by the company's policy, what its employer did not answer in time; gives how many."""
    return await each(decide_for_the_silent, _TO_DECIDE, clock.now())


async def hand_on_approvals() -> int:
    """Ask HR in the place of managers who left without an answer; gives how many times."""
    return await each(ask_hr_instead, _TO_HAND_ON)


async def offer_free_places() -> int:
    """Offer the places that are free to whoever waits and can take one by now; gives how many missions had some."""
    return await each(_offer, _TO_OFFER)


async def release_unused_minutes() -> int:
    """Give back what completed engagements reserved and nobody declared within 30 days; gives how many."""
    return await each(_release, _TO_RELEASE, clock.now() - EXCHANGE_WITHIN)


async def each(act: Callable[[Actor, UUID], Awaitable[object]], due: str, *given: object) -> int:
    """Do an act for all that is due; what somebody moved meanwhile, or what fails, keeps nothing else waiting."""
    async with operations() as connection:
        rows = await connection.fetch(due, *given)
    done = 0
    for row in rows:
        try:
            await act(system(row.get("company_id"), row.get("association_id")), row["id"])
        except Problem:
            continue
        except Exception as error:  # it is due again at the next round
            log.warning("not done", kind=act.__name__, error=type(error).__qualname__)
            continue
        done += 1
    return done


async def _start(actor: Actor, mission_id: UUID) -> None:
    async with transaction(actor) as connection:
        present = await enter(connection, mission_id, actor)
        # The day may have been moved while the lock was awaited; so below.
        if present["starts_on"] <= clock.today(present["time_zone"]):
            await start_mission(actor, mission_id, None)


async def _complete(actor: Actor, mission_id: UUID) -> None:
    async with transaction(actor) as connection:
        present = await enter(connection, mission_id, actor)
        if last_day(present) < clock.today(present["time_zone"]):
            await complete_mission(actor, mission_id, None)


async def _remind(actor: Actor, application_id: UUID) -> None:
    async with transaction(actor) as connection:
        present = await lock(connection, application_id, actor)
        # Somebody may have answered, or set another date, while the lock was awaited.
        if present["reminded"] < (owed := _owed(present)):
            await change(present, reminded=owed)
            await record(ReplyReminded(**ids_of(present)))


def _owed(present: asyncpg.Record) -> int:
    """Count the reminders that are owed by now: one at half-time, another a day before the date."""
    since, due, now = present["reply_since"] or present["created_at"], present["reply_due_at"], clock.now()
    if present["state"] not in ("submitted", "shortlisted") or due <= now:
        return 0
    return 2 if due - now <= timedelta(days=1) else int(since + (due - since) / 2 <= now)


async def _give_up(actor: Actor, application_id: UUID) -> None:
    async with transaction(actor) as connection:
        present = await lock(connection, application_id, actor)
        # Somebody may have answered, or reopened it, while the lock was awaited.
        if present["state"] == "offered" and present["offer_expires_at"] <= clock.now():
            await move(connection, present, EXPIRE, OfferExpired, "offer_expired")
        elif present["state"] in ("submitted", "shortlisted") and present["reply_due_at"] <= clock.now():
            await move(connection, present, EXPIRE, ApplicationExpired, "no_reply")
        elif present["state"] == "waitlisted" and await connection.fetchval(
            _KEPT_WAITING, application_id, clock.now()
        ):
            await move(connection, present, EXPIRE, ApplicationExpired, "mission_completed")


async def _release(actor: Actor, application_id: UUID) -> None:
    async with transaction(actor) as connection:
        present = await lock(connection, application_id, actor)
        if present["state"] == "completed":
            await connection.execute(_RELEASE, application_id)


async def _offer(actor: Actor, mission_id: UUID) -> None:
    async with transaction(actor) as connection:
        await enter(connection, mission_id, actor)
        await offer_places(connection, mission_id)


async def _expire(actor: Actor, mission_id: UUID) -> None:
    async with transaction(actor) as connection:
        present = await enter(connection, mission_id, actor)
        # Somebody may have applied, or the day been moved, while the lock was awaited.
        left = present["taken"] or present["live"]
        over = present["closes_on"] < clock.today(present["time_zone"])
        if present["state"] in policy.EXPIRE.sources and over and not left:
            await move_mission(mission_id, policy.EXPIRE.target)
            await record(MissionExpired(mission_id=mission_id, association_id=present["association_id"]))

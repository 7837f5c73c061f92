"""What happens by the clock: each entry selects what is due and not done, so that the late catch up."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import NamedTuple

import structlog

from api.applications import clockwork
from api.core import audit, clock
from api.core.database import operations
from api.core.settings import Settings
from api.hours.clockwork import hand_on_hours
from api.identity import retention
from api.identity.providers import reseal_client_secrets
from api.notifications.delivery import doubt_stuck_mails
from workers.relay import Queue, sweep

_PURGE_KEYS = "DELETE FROM idempotency_key WHERE created_at < $1"
_PURGE_FACTS = """
    DELETE FROM outbox WHERE id IN (
        SELECT id FROM outbox o WHERE recorded_at < $1 AND relayed_at IS NOT NULL
            AND NOT EXISTS (SELECT FROM reaction WHERE fact_id = o.id AND done_at IS NULL)
        LIMIT 10000 FOR UPDATE SKIP LOCKED)
"""
_PURGE_DOMAINS = "DELETE FROM mail_domain WHERE next_at < $1"

log = structlog.get_logger()


class Entry(NamedTuple):
    """An entry of the schedule: what runs, at the worker's start and then every so many seconds."""

    name: str
    every: Callable[[Settings], float]
    run: Callable[[Settings, Queue], Awaitable[int]]


async def doubt_mails(settings: Settings, _: Queue) -> int:
    """Put in doubt the mails whose worker died while it was sending them."""
    return await doubt_stuck_mails(settings)


async def purge_keys(_: Settings, __: Queue) -> int:
    """Forget the answers kept under an Idempotency-Key after 24 hours."""
    return await _delete(_PURGE_KEYS, timedelta(hours=24))


async def purge_facts(_: Settings, __: Queue) -> int:
    """Forget facts after 30 days, once every reaction to them is done."""
    return await _delete(_PURGE_FACTS, timedelta(days=30))


async def purge_personal(_: Settings, __: Queue) -> int:
    """Forget what the retention rules have due: sign-ins, notices, messages, inactive people, exports."""
    return await retention.purge()


async def purge_domains(_: Settings, __: Queue) -> int:
    """Forget the pace of mail domains that nobody wrote to for a day."""
    return await _delete(_PURGE_DOMAINS, timedelta(days=1))


async def seal_audit(_: Settings, __: Queue) -> int:
    """Seal the acts of the audit log into their tenants' hash chains."""
    return await audit.seal()


async def reseal_secrets(_: Settings, __: Queue) -> int:
    """Seal what is kept sealed under the first of our secrets, so that an older one can be dropped."""
    return await reseal_client_secrets()


async def start_missions(_: Settings, __: Queue) -> int:
    """Start the missions whose first day has come."""
    return await clockwork.start_due_missions()


async def complete_missions(_: Settings, __: Queue) -> int:
    """Complete the missions whose last day has passed."""
    return await clockwork.complete_due_missions()


async def expire_missions(_: Settings, __: Queue) -> int:
    """Expire the missions past their last day to apply with nobody left."""
    return await clockwork.expire_due_missions()


async def remind_replies(_: Settings, __: Queue) -> int:
    """Remind associations of the replies that they owe."""
    return await clockwork.remind_of_replies()


async def expire_unanswered(_: Settings, __: Queue) -> int:
    """End what was not answered in time, and pass on what was offered."""
    return await clockwork.expire_unanswered()


async def hand_on_approvals(_: Settings, __: Queue) -> int:
    """Ask HR what a manager who left did not answer, of applications and of hours."""
    return await clockwork.hand_on_approvals() + await hand_on_hours()


async def decide_approvals(_: Settings, __: Queue) -> int:
    """Decide what employers did not answer in time, by their policy."""
    return await clockwork.decide_silent_approvals()


async def offer_places(_: Settings, __: Queue) -> int:
    """Offer the places of missions with a waitlist that somebody can take by now."""
    return await clockwork.offer_free_places()


async def release_minutes(_: Settings, __: Queue) -> int:
    """Give back what completed engagements reserved and nobody declared."""
    return await clockwork.release_unused_minutes()


async def _delete(sql: str, age: timedelta) -> int:
    async with operations() as connection:
        return int((await connection.execute(sql, clock.now() - age)).rpartition(" ")[2])


ENTRIES = (
    Entry("sweep", lambda settings: settings.sweep_after_seconds / 4, sweep),
    Entry("doubt_mails", lambda settings: settings.mail_timeout_seconds, doubt_mails),
    Entry("seal_audit", lambda _: 5, seal_audit),
    Entry("reseal_secrets", lambda _: 60, reseal_secrets),
    Entry("start_missions", lambda _: 60, start_missions),
    Entry("complete_missions", lambda _: 60, complete_missions),
    Entry("expire_missions", lambda _: 60, expire_missions),
    Entry("remind_replies", lambda _: 60, remind_replies),
    Entry("expire_unanswered", lambda _: 30, expire_unanswered),
    Entry("hand_on_approvals", lambda _: 30, hand_on_approvals),
    Entry("decide_approvals", lambda _: 60, decide_approvals),
    Entry("offer_places", lambda _: 30, offer_places),
    Entry("release_minutes", lambda _: 3600, release_minutes),
    Entry("purge_keys", lambda _: 600, purge_keys),
    Entry("purge_facts", lambda _: 3600, purge_facts),
    Entry("purge_personal", lambda _: 3600, purge_personal),
    Entry("purge_domains", lambda _: 3600, purge_domains),
)


async def keep_schedule(settings: Settings, queue: Queue) -> None:
    """Run every entry for ever; two workers doing so do the same work once or twice, to the same effect."""
    async with asyncio.TaskGroup() as group:
        for entry in ENTRIES:
            group.create_task(_repeat(entry, settings, queue))


async def _repeat(entry: Entry, settings: Settings, queue: Queue) -> None:
    while True:
        try:
            count = 0 if await clockwork.is_held() else await entry.run(settings, queue)
            if count:
                log.info("schedule", kind=entry.name, count=count)
        except Exception as error:  # a server away, or a bug: neither may end the others
            log.warning("schedule waits", kind=entry.name, error=type(error).__qualname__)
        await asyncio.sleep(entry.every(settings))

"""The one arq function: run a reaction owed to a fact, and write down in PostgreSQL how it went."""

import asyncio
import time
import traceback
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec
import structlog
from arq.worker import Retry
from prometheus_client import Counter, Histogram

from api.core import clock
from api.core.actor import system
from api.core.database import AWAY, fetch_one, read, transaction
from api.core.outbox import FACTS
from api.core.settings import Settings
from workers.reactions import REACTIONS
from workers.registry import Inside

MAX_ATTEMPTS = 12
LONGEST_PAUSE = timedelta(hours=1)
SOON = timedelta(seconds=1)
IN_TURN = timedelta(milliseconds=100)
"""How soon is looked again whether it is a reaction's turn."""
SHARE = 0.9
"""Of arq's job timeout: a reaction must be cut before arq does it, which would forget the job."""

RUNS = Counter("maillon_reactions_total", "Reactions run.", ["reaction", "state"])
SECONDS = Histogram("maillon_reaction_seconds", "Time a reaction took.", ["reaction"])

_OWED = """
    SELECT r.id, r.name, r.attempts, greatest(r.due_at, before.due_at) AS due_at,
           r.done_at IS NOT NULL OR r.failed_at IS NOT NULL AS ended,
           o.id AS fact_id, o.fact, o.payload, o.company_id, o.association_id
    FROM reaction r JOIN outbox o ON o.id = r.fact_id CROSS JOIN LATERAL (
        SELECT max(greatest(owed.due_at, $3)) AS due_at
        FROM outbox earlier LEFT JOIN reaction owed ON owed.fact_id = earlier.id
        WHERE earlier.about = o.about AND earlier.id < o.id
            AND (earlier.relayed_at IS NULL OR owed.done_at IS NULL AND owed.failed_at IS NULL AND owed.id IS NOT NULL)
    ) before
    WHERE r.fact_id = $1 AND r.name = $2
"""
"""What is owed, and when: not before what is owed to earlier facts about the same object, or people are told of what
became of it in another order than it did."""
_LOCK = """
    SELECT id FROM reaction WHERE id = $1 AND done_at IS NULL AND failed_at IS NULL FOR UPDATE SKIP LOCKED
"""
_DONE = "UPDATE reaction SET done_at = $2, error = NULL WHERE id = $1"
_LATER = "UPDATE reaction SET due_at = $2 WHERE id = $1"
_FAILED = """
    UPDATE reaction SET attempts = attempts + 1, error = $2, due_at = $3, failed_at = $4
    WHERE id = $1 AND done_at IS NULL AND failed_at IS NULL
"""

log = structlog.get_logger()


class Owed(msgspec.Struct, frozen=True):
    """A reaction owed, and the fact it is owed to."""

    id: UUID
    name: str
    attempts: int
    due_at: datetime
    ended: bool
    fact_id: UUID
    fact: str
    payload: bytes
    company_id: UUID | None
    association_id: UUID | None


async def run_reaction(ctx: dict[Any, Any], fact_id: str, name: str) -> None:
    """Run a reaction unless it is done; raises Retry until PostgreSQL says that it is done or has failed."""
    try:
        owed = await _find(UUID(fact_id), name)
    except AWAY:
        raise Retry(defer=SOON) from None
    if owed is None:
        # The relay sends before it commits: wait for the row, not for ever, as the relay may have crashed.
        if ctx["job_try"] < 10:
            raise Retry(defer=SOON)
        return
    again = owed.due_at if owed.due_at > clock.now() else None
    if not owed.ended and again is None:
        again = await _attempt(owed, ctx["settings"])
    if not owed.ended and again is not None:
        raise Retry(defer=max(again - clock.now(), timedelta(milliseconds=10)))


async def _find(fact_id: UUID, name: str) -> Owed | None:
    async with read(system()) as connection:
        return await fetch_one(connection, Owed, _OWED, fact_id, name, clock.now() + IN_TURN)


async def _attempt(owed: Owed, settings: Settings) -> datetime | None:
    """Run it once; gives the instant of the next attempt, None when there is none to come."""
    started, state, error = time.perf_counter(), "done", None
    try:
        again = await _run(owed, settings)
        state = "later" if again else "done"
    except Exception as failure:  # whatever it is, it is counted in PostgreSQL and tried again
        error = _place(failure)
        again = await _fail(owed, error)
        state = "retry" if again else "failed"
    seconds = time.perf_counter() - started
    RUNS.labels(owed.name, state).inc()
    SECONDS.labels(owed.name).observe(seconds)
    log.info(
        "reaction",
        reaction=owed.name,
        fact=owed.fact,
        fact_id=str(owed.fact_id),
        attempt=owed.attempts + 1,
        state=state,
        error=error,
        milliseconds=round(seconds * 1000, 1),
    )
    return again


async def _run(owed: Owed, settings: Settings) -> datetime | None:
    reaction = REACTIONS[owed.name]
    fact = msgspec.msgpack.decode(owed.payload, type=FACTS[owed.fact])
    if reaction.inside:
        async with asyncio.timeout(settings.job_timeout_seconds * SHARE):
            return await _run_inside(owed, reaction.inside, fact)
    if reaction.outside is None:
        raise TypeError(owed.name)
    again = await reaction.outside(fact, settings)
    async with transaction(system()) as connection:
        await connection.execute(_LATER if again else _DONE, owed.id, again or clock.now())
    return again


async def _run_inside(owed: Owed, reaction: Inside, fact: object) -> datetime | None:
    async with transaction(system(owed.company_id, owed.association_id)) as connection:
        if await connection.fetchval(_LOCK, owed.id) is None:
            return clock.now() + SOON  # another worker has it, or has just done it
        await reaction(fact, f"{owed.fact_id}:{owed.name}")
        await connection.execute(_DONE, owed.id, clock.now())
    return None


async def _fail(owed: Owed, error: str) -> datetime | None:
    attempts, now = owed.attempts + 1, clock.now()
    due = now + min(timedelta(seconds=2**attempts), LONGEST_PAUSE)
    given_up = now if attempts >= MAX_ATTEMPTS else None
    try:
        async with transaction(system()) as connection:
            await connection.execute(_FAILED, owed.id, error, due, given_up)
    except AWAY:
        return now + SOON
    return None if given_up else due


def _place(error: Exception) -> str:
    """Say what was raised and where in our code; never the message, which may quote a person's data."""
    frames = traceback.extract_tb(error.__traceback__)
    ours = [frame for frame in frames if "site-packages" not in frame.filename] or frames
    path = "/".join(Path(ours[-1].filename).parts[-2:])
    return f"{type(error).__qualname__} at {path}:{ours[-1].lineno}"

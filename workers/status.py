"""`maillon status`, `maillon jobs`: how the work goes, and what an operator does about what failed."""

from datetime import datetime
from typing import Literal
from uuid import UUID

from redis.asyncio import Redis
from redis.exceptions import RedisError

from api.core import clock
from api.core.database import Connection, fetch_all, operations
from api.core.schemas import Out
from api.core.settings import Settings

QUEUES = {"default": "maillon:default"}

_COUNTS = """
    SELECT (SELECT count(*) FROM migration) AS applied,
           (SELECT name FROM migration ORDER BY id DESC LIMIT 1) AS last,
           (SELECT greatest(0, extract(epoch FROM $1 - recorded_at))::float8 FROM outbox
            WHERE relayed_at IS NULL ORDER BY id LIMIT 1) AS lag,
           (SELECT count(*) FROM reaction WHERE done_at IS NULL AND failed_at IS NULL) AS owed,
           (SELECT count(*) FROM reaction WHERE done_at IS NULL AND failed_at IS NOT NULL) AS failed,
           (SELECT count(*) FROM mail WHERE state = 'pending') AS pending,
           (SELECT count(*) FROM mail WHERE state = 'attempting') AS attempting,
           (SELECT count(*) FROM mail WHERE state = 'unknown') AS in_doubt,
           (SELECT count(*) FROM audit_seal WHERE sequence IS NULL) AS unsealed
"""
_FAILED = """
    SELECT r.id, r.name AS reaction, o.fact, r.attempts, r.error, r.failed_at
    FROM reaction r JOIN outbox o ON o.id = r.fact_id
    WHERE r.failed_at IS NOT NULL AND r.done_at IS NULL ORDER BY r.failed_at DESC LIMIT 20
"""
# Due since long: the next sweep sends it.
_RETRY = """
    UPDATE reaction SET failed_at = NULL, attempts = 0, due_at = $2::timestamptz - interval '1 day'
    WHERE id = $1 AND done_at IS NULL RETURNING id
"""
_DROP = "UPDATE reaction SET done_at = $2 WHERE id = $1 AND done_at IS NULL RETURNING id"


class Migrations(Out, frozen=True, kw_only=True):
    """The migrations that were run."""

    applied: int
    last: str | None


class FailedReaction(Out, frozen=True, kw_only=True):
    """A reaction that was given up; `error` is a type and a place."""

    id: UUID
    reaction: str
    fact: str
    attempts: int
    error: str | None
    failed_at: datetime


class Reactions(Out, frozen=True, kw_only=True):
    """Reactions owed to facts, and those given up, of which the last 20 are shown."""

    owed: int
    failed: int
    last_failed: list[FailedReaction]


class Mails(Out, frozen=True, kw_only=True):
    """Mails not finished, and those whose fate is unknown."""

    pending: int
    attempting: int
    in_doubt: int


class Status(Out, frozen=True, kw_only=True):
    """How the work goes; `queues` says `away` while Redis does not answer."""

    migrations: Migrations
    relay_lag_seconds: float
    queues: dict[str, int] | Literal["away"]
    reactions: Reactions
    mails: Mails
    audit_events_unsealed: int


async def status(settings: Settings) -> Status:
    """Look at PostgreSQL and at Redis; open_pools() comes first."""
    queues = await _queues(settings)
    async with operations() as connection:
        row = await connection.fetchrow(_COUNTS, clock.now())
        failed = await fetch_all(connection, FailedReaction, _FAILED)
    return Status(
        migrations=Migrations(applied=row["applied"], last=row["last"]),
        relay_lag_seconds=round(row["lag"] or 0.0, 3),
        queues=queues,
        reactions=Reactions(owed=row["owed"], failed=row["failed"], last_failed=failed),
        mails=Mails(pending=row["pending"], attempting=row["attempting"], in_doubt=row["in_doubt"]),
        audit_events_unsealed=row["unsealed"],
    )


async def _queues(settings: Settings) -> dict[str, int] | Literal["away"]:
    redis = Redis.from_url(settings.redis_url, socket_timeout=2.0, socket_connect_timeout=2.0)
    try:
        return {name: await redis.zcard(key) for name, key in QUEUES.items()}
    except (RedisError, OSError):
        return "away"
    finally:
        await redis.aclose()


async def retry(reaction_id: UUID) -> bool:
    """Have a reaction that failed, or waits, run again soon; tells whether it is one not done."""
    async with operations() as connection:
        return await _change(connection, _RETRY, reaction_id)


async def drop(reaction_id: UUID) -> bool:
    """Give a reaction up for good; tells whether it is one not done."""
    async with operations() as connection:
        return await _change(connection, _DROP, reaction_id)


async def _change(connection: Connection, sql: str, reaction_id: UUID) -> bool:
    return await connection.fetchval(sql, reaction_id, clock.now()) is not None

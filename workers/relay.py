"""The relay: from the outbox to Redis. PostgreSQL says what is owed; Redis may lose all of it at any time."""

import asyncio
import time
from datetime import timedelta
from typing import TypeAlias
from uuid import UUID

import msgspec
import structlog
from arq.connections import ArqRedis
from prometheus_client import Counter
from redis.asyncio import ConnectionPool
from redis.exceptions import RedisError

from api.core import clock
from api.core.database import AWAY, operations
from api.core.ids import new_id
from api.core.settings import Settings
from workers.reactions import OWED

Queue: TypeAlias = ArqRedis

QUEUE = "maillon:default"
BATCH = 100
PATIENCE = 5.0
"""Seconds that Redis may take for a batch: rows of the outbox are locked meanwhile."""

RELAYED = Counter("maillon_facts_relayed_total", "Facts whose reactions were sent to the workers.")
SWEPT = Counter("maillon_reactions_swept_total", "Reactions that were owed for long and sent again.")

_UNRELAYED = """
    SELECT id, fact FROM outbox WHERE relayed_at IS NULL ORDER BY id LIMIT $1 FOR UPDATE SKIP LOCKED
"""
_OWE = """
    INSERT INTO reaction (id, fact_id, name, due_at) VALUES ($1, $2, $3, $4)
    ON CONFLICT ON CONSTRAINT reaction_once DO NOTHING
"""
_RELAYED = "UPDATE outbox SET relayed_at = $2 WHERE id = ANY ($1::uuid[])"
_LONG_OWED = """
    SELECT fact_id, name FROM reaction
    WHERE done_at IS NULL AND failed_at IS NULL AND due_at < $1
    ORDER BY due_at LIMIT 1000
"""

log = structlog.get_logger()


def open_queue(settings: Settings) -> Queue:
    """Make the connection pool of the queue; it connects when first used."""
    # arq's own create_pool sets no socket timeout: a Redis that hangs would hang the worker for ever.
    pool: ConnectionPool = ConnectionPool.from_url(
        settings.redis_url, socket_timeout=PATIENCE, socket_connect_timeout=2.0
    )
    return ArqRedis(
        pool,
        job_serializer=serialize,
        job_deserializer=msgspec.msgpack.decode,
        default_queue_name=QUEUE,
    )


def serialize(job: object) -> bytes:
    """Write a job as msgpack, never as a pickle; an exception in it by its type alone."""
    return msgspec.msgpack.encode(job, enc_hook=lambda value: type(value).__qualname__)


async def send(queue: Queue, fact_id: UUID, name: str) -> None:
    """Put a reaction in the queue, unless it is there already."""
    await queue.enqueue_job("run_reaction", str(fact_id), name, _job_id=f"{fact_id}:{name}")


async def relay(queue: Queue) -> int:
    """Send the reactions owed to facts not relayed yet, at most a batch; gives the number of facts.

    The rows are marked after Redis took the jobs: a crash in between sends them again, which harms nothing.
    """
    async with operations() as connection, asyncio.timeout(PATIENCE):
        facts = await connection.fetch(_UNRELAYED, BATCH)
        owed = [(fact["id"], name) for fact in facts for name in OWED.get(fact["fact"], [])]
        now = clock.now()
        await connection.executemany(_OWE, [(new_id(), fact_id, name, now) for fact_id, name in owed])
        for fact_id, name in owed:
            await send(queue, fact_id, name)
        await connection.execute(_RELAYED, [fact["id"] for fact in facts], now)
    RELAYED.inc(len(facts))
    return len(facts)


async def keep_relaying(settings: Settings, queue: Queue) -> None:
    """Relay for ever; while PostgreSQL or Redis is away, nothing is marked and nothing is lost."""
    while True:
        started = time.perf_counter()
        try:
            count = await relay(queue)
        except (*AWAY, RedisError) as error:
            log.warning("relay waits", error=type(error).__qualname__)
            count = 0
            await asyncio.sleep(1)
        except Exception as error:  # the relay must outlive a bug of its own: everything waits for it
            log.error("relay failed", error=type(error).__qualname__)  # noqa: TRY400
            count = 0
            await asyncio.sleep(5)
        if count:
            milliseconds = round((time.perf_counter() - started) * 1000, 1)
            log.info("relayed", count=count, milliseconds=milliseconds)
        if count < BATCH:
            await asyncio.sleep(settings.relay_interval_seconds)


async def sweep(settings: Settings, queue: Queue) -> int:
    """Send again what has been owed for long: Redis was flushed, or a worker died; gives their number."""
    async with operations() as connection:
        owed = await connection.fetch(
            _LONG_OWED, clock.now() - timedelta(seconds=settings.sweep_after_seconds)
        )
    for row in owed:
        await send(queue, row["fact_id"], row["name"])
    SWEPT.inc(len(owed))
    return len(owed)

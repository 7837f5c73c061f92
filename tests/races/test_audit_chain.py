"""The chain of the audit log: two who seal at once, a late commit, the mutant without the lock, and tampering."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import asyncpg
import pytest
import structlog
from litestar import Litestar

from api.core import audit
from api.core.check import violations
from api.core.database import close_pools, open_pools, operations
from api.core.settings import Settings
from tests.make.clone import cloned
from tests.make.served import served
from tests.make.world import World
from workers.schedule import ENTRIES
from workers.status import status

_ACT = """
    INSERT INTO policy (id, company_id, effective_from, created_at) VALUES (uuidv7(), $1, $2, now())
"""
_CHAIN = """
    SELECT s.sequence, s.hash, e.changes->'effective_from'->>'new' AS day
    FROM audit_seal s JOIN audit_event e ON e.id = s.event_id WHERE s.tenant_id = $1 ORDER BY s.sequence, s.event_id
"""
_WAITING = """
    SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'
"""
_HOLD_LAST = """
    SELECT FROM audit_seal WHERE event_id = (SELECT event_id FROM audit_seal WHERE tenant_id = $1
                                             ORDER BY event_id DESC LIMIT 1) FOR UPDATE
"""
FIRST = date(2040, 1, 1)
UNLOCKED = """
    DO $$ BEGIN EXECUTE replace(pg_get_functiondef('seal_audit'::regproc), 'FOR UPDATE', ''); END $$
"""
UNBARRED = """
    DROP TRIGGER audit_seal_is_final ON audit_seal;
    ALTER TABLE audit_seal DROP CONSTRAINT audit_seal_sequence_unique
"""


@asynccontextmanager
async def ops(settings: Settings) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(settings.database_ops_url)
    try:
        yield connection
    finally:
        await connection.close()


async def act(connection: asyncpg.Connection, company: UUID, day: int) -> None:
    await connection.execute(_ACT, company, FIRST + timedelta(days=day))


async def chain(company: UUID) -> list[Any]:
    async with operations() as connection:
        return list(await connection.fetch(_CHAIN, company))


async def a_sealed_company(world: World) -> UUID:
    company = UUID((await world.company()).id)
    await audit.seal()
    return company


async def meet(settings: Settings, company: UUID) -> BaseException | None:
    """Seal twice at once: the first is held in the middle of its two events, and the second begins.

    An event older than both was committed in between. Gives what the second raised.
    """
    seal = "SELECT seal_audit($1, 2)"
    async with ops(settings) as late, ops(settings) as one, ops(settings) as other, ops(settings) as gate:
        behind, held = late.transaction(), gate.transaction()
        await behind.start()
        await act(late, company, 1)
        await act(one, company, 2)
        await act(one, company, 3)
        await held.start()
        await gate.execute(_HOLD_LAST, company)
        first = asyncio.create_task(one.execute(seal, company))
        await until_waiting(gate, 1)
        await behind.commit()
        second = asyncio.create_task(other.execute(seal, company))
        await until_waiting(gate, 2)
        await held.commit()
        await first
        await asyncio.wait([second])
    return second.exception()


async def until_waiting(connection: asyncpg.Connection, sessions: int) -> None:
    async with asyncio.timeout(5):
        while await connection.fetchval(_WAITING) < sessions:
            # Within a transaction the activity is looked at once, unless it is told to look again.
            await connection.execute("SELECT pg_stat_clear_snapshot()")
            await asyncio.sleep(0.01)


async def broken() -> set[str]:
    return {violation.invariant for violation in await violations()}


async def test_two_who_seal_at_once_make_one_chain_and_a_late_commit_comes_last(
    world: World, settings: Settings
) -> None:
    company = await a_sealed_company(world)

    assert await meet(settings, company) is None

    links = await chain(company)
    days = [(FIRST + timedelta(days=day)).isoformat() for day in (2, 3, 1)]
    assert [link["sequence"] for link in links] == list(range(1, len(links) + 1))
    assert [link["day"] for link in links[-3:]] == days
    assert await broken() == set()


async def test_eight_race_to_seal(world: World, settings: Settings) -> None:
    company = await a_sealed_company(world)
    async with ops(settings) as connection:
        for day in range(1, 21):
            await act(connection, company, day)

    sealed = await asyncio.gather(*(audit.seal() for _ in range(8)))

    assert sum(sealed) == 20
    assert [link["sequence"] for link in await chain(company)] == list(range(1, 26))
    assert await broken() == set()


async def test_more_than_a_batch_is_sealed_in_several(
    world: World, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    company = await a_sealed_company(world)
    async with ops(settings) as connection:
        for day in range(1, 11):
            await act(connection, company, day)
    monkeypatch.setattr(audit, "BATCH", 4)
    with structlog.testing.capture_logs() as told:
        assert await audit.seal() == 10

    assert [line["sequence"] for line in told] == [9, 13, 15]
    assert {line["tenant_id"] for line in told} == {str(company)}
    assert told[-1]["hash"] == (await chain(company))[-1]["hash"].hex()


async def test_without_its_lock_the_second_is_refused_and_without_any_guard_the_chain_is_found_forked(
    app: Litestar, environment: dict[str, str]
) -> None:
    async with cloned(environment, UNLOCKED) as settings, served(app, settings) as client:
        refused = await meet(settings, await a_sealed_company(World(client, environment)))
    async with cloned(environment, UNLOCKED, UNBARRED) as settings, served(app, settings) as client:
        unseen = await meet(settings, await a_sealed_company(World(client, environment)))
        found = await broken()

    assert isinstance(refused, asyncpg.UniqueViolationError)
    assert (unseen, found) == (None, {"audit_chain_holds"})


TAMPERED = {
    "an event changed": "UPDATE audit_event SET action = 'policy.deleted' WHERE action = 'policy.created'",
    "an event's day changed": "UPDATE audit_event SET at = at - interval '1 microsecond' WHERE action ~ 'policy'",
    "an event removed": "DELETE FROM audit_event WHERE action = 'policy.created'",
    "an event and its seal removed": """
        DELETE FROM audit_seal WHERE sequence = 2; DELETE FROM audit_event e
        WHERE NOT EXISTS (SELECT FROM audit_seal WHERE event_id = e.id)""",
    "an event moved to another log": "UPDATE audit_event SET tenant_id = uuidv7() WHERE action = 'policy.created'",
    "an event slipped in": """
        INSERT INTO audit_event SELECT (jsonb_populate_record(e, jsonb_build_object('id', uuidv7()))).*
        FROM audit_event e LIMIT 1""",
    "two seals swapped": """
        ALTER TABLE audit_seal DROP CONSTRAINT audit_seal_sequence_unique;
        UPDATE audit_seal SET sequence = 5 - sequence WHERE sequence IN (2, 3)""",
    "a seal's hash changed": "UPDATE audit_seal SET hash = sha256(hash) WHERE sequence = 2",
    "the last seal removed": """
        DELETE FROM audit_seal s USING audit_head h WHERE s.tenant_id = h.tenant_id AND s.sequence = h.sequence""",
    "the last seal and its event removed": """
        DELETE FROM audit_event e USING audit_seal s, audit_head h
            WHERE s.event_id = e.id AND s.tenant_id = h.tenant_id AND s.sequence = h.sequence;
        DELETE FROM audit_seal s USING audit_head h WHERE s.tenant_id = h.tenant_id AND s.sequence = h.sequence""",
    "the last one unsealed": """
        UPDATE audit_seal s SET sequence = NULL, hash = NULL FROM audit_head h
        WHERE s.tenant_id = h.tenant_id AND s.sequence = h.sequence""",
    "the head set back": "UPDATE audit_head SET sequence = sequence - 1",
    "the head removed": "DELETE FROM audit_head",
}


async def test_whoever_tampers_with_the_log_is_found(
    app: Litestar, settings: Settings, environment: dict[str, str]
) -> None:
    async with served(app, settings) as client:
        await a_sealed_company(World(client, environment))
    found = {}
    for how, change in TAMPERED.items():
        async with cloned(environment, change) as clone:
            await open_pools(clone)
            found[how] = await broken()
            await close_pools()

    assert found == {how: {"audit_chain_holds"} for how in TAMPERED}


async def test_the_worker_seals_and_status_says_what_waits(world: World, settings: Settings) -> None:
    await a_sealed_company(world)
    await world.company()
    before = (await status(settings)).audit_events_unsealed
    (entry,) = [entry for entry in ENTRIES if entry.name == "seal_audit"]
    queue: Any = None  # it seals without one

    assert await entry.run(settings, queue) == before > 0
    assert (await status(settings)).audit_events_unsealed == 0

"""One key, two sessions: both meetings played by hand, the rush, and each of them without its guard."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest
from litestar import Litestar

from api.core import clock
from tests.api.core.asking import assert_problem, fresh_key
from tests.api.core.test_idempotency import test_forty_at_once_have_one_effect as forty_at_once
from tests.make.clone import cloned, reaching
from tests.make.gate import held, until_waiting
from tests.make.served import served
from tests.make.world import World, facts_of

Play = Callable[[World, dict[str, str]], Awaitable[None]]
# Its snapshot is taken before the second session comes to the lock, which is free by then.
_CLAIM = """
    SELECT c.* FROM (SELECT pg_advisory_lock(7)::text AS passed) gate, LATERAL claim_key($1, $2 || gate.passed) c
"""
_KEEP = """
    INSERT INTO idempotency_key (person_id, key, fingerprint, status, headers, body, created_at)
    VALUES ($1, $2, 'asked', 200, '', 'answered', $3)
"""


async def test_the_second_of_two_sessions_writes_nothing(world: World, environment: dict[str, str]) -> None:
    association, employee = await world.association(), world.employee(await world.company())
    application = await world.application(employee, await world.mission(association))
    path, key = f"/v1/applications/{application['id']}/messages", fresh_key()

    def write() -> Any:
        return world.call(employee, "POST", path, {"text": "Bonjour"}, idempotency_key=key)

    async with held(environment, "application", application["id"]) as gate:
        first = asyncio.create_task(write())
        await until_waiting(gate, 1)
        second = asyncio.create_task(write())
        await asyncio.wait({second}, timeout=1)
    answers = [await first, await second, await write()]

    written = (await world.ok(employee, "GET", path))["items"]
    assert len(written) == (await facts_of(application["id"]))["MessageSent"] == 1
    assert [answer.status_code for answer in answers] == [201, 409, 201]
    assert_problem(answers[1], 409, "idempotency-in-flight")
    assert answers[2].content == answers[0].content


async def test_who_finds_the_key_free_finds_the_answer_too(world: World, environment: dict[str, str]) -> None:
    """The first session commits after the second has begun its statement, and before that comes to the lock."""
    who, key = uuid4(), fresh_key()
    sessions = [await _session(environment, who) for _ in range(3)]
    first, second, gate = sessions
    try:
        await gate.execute("SELECT pg_advisory_lock(7)")
        async with first.transaction():
            assert await first.fetchval("SELECT claimed FROM claim_key($1, $2)", who, key)
            await first.execute(_KEEP, who, key, clock.now())
            claim = asyncio.create_task(second.fetchrow(_CLAIM, who, key))
            await until_waiting(gate, 1)
        await gate.execute("SELECT pg_advisory_unlock(7)")
        found = await claim
        assert (found["claimed"], found["body"]) == (True, b"answered")
    finally:
        for session in sessions:
            await session.close()


async def _session(environment: dict[str, str], who: UUID) -> asyncpg.Connection:
    """Open a session of the application, within the walls of a person."""
    connection = await asyncpg.connect(environment["MAILLON_DATABASE_URL"])
    await connection.execute("SELECT set_config('app.person', $1, false)", str(who))
    return connection


async def _rush(world: World, _: dict[str, str]) -> None:
    await forty_at_once(world)


_NOT_UNIQUE = "ALTER TABLE idempotency_key DROP CONSTRAINT idempotency_key_unique"
_UNLOCKED = """
    CREATE OR REPLACE FUNCTION claim_key(who uuid, wanted text)
        RETURNS TABLE (claimed boolean, fingerprint bytea, status integer, headers bytea, body bytea)
        LANGUAGE plpgsql AS $$
    BEGIN
        claimed := true;
        SELECT k.fingerprint, k.status, k.headers, k.body INTO fingerprint, status, headers, body
        FROM idempotency_key k WHERE k.person_id = who AND k.key = wanted;
        RETURN NEXT;
    END $$
"""
_IN_ONE_LOOK = """
    CREATE OR REPLACE FUNCTION claim_key(who uuid, wanted text)
        RETURNS TABLE (claimed boolean, fingerprint bytea, status integer, headers bytea, body bytea)
        LANGUAGE sql STABLE AS $$
    SELECT pg_try_advisory_xact_lock(hashtextextended(who::text || ' ' || wanted, 0)),
           k.fingerprint, k.status, k.headers, k.body
    FROM (SELECT) one LEFT JOIN idempotency_key k ON k.person_id = who AND k.key = wanted $$
"""


@pytest.mark.parametrize(
    ("guard", "play"),
    [
        (_UNLOCKED, test_the_second_of_two_sessions_writes_nothing),
        (_UNLOCKED, _rush),
        (_IN_ONE_LOOK, test_who_finds_the_key_free_finds_the_answer_too),
    ],
)
async def test_without_its_guard_it_goes_wrong(
    app: Litestar, environment: dict[str, str], guard: str, play: Play
) -> None:
    async with cloned(environment, guard, _NOT_UNIQUE) as settings, served(app, settings) as client:
        with pytest.raises(AssertionError):
            await play(World(client, environment), environment | reaching(settings))

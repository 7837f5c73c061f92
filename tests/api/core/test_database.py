"""The one way to open a transaction: walls in BEGIN, savepoints, and connections that always come back."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from uuid import UUID

import asyncpg
import msgspec
import pytest
import pytest_asyncio

from api.core import clock
from api.core.actor import Actor, Employment, system
from api.core.database import bound, close_pools, open_pools, operations, read, retried, transaction
from api.core.ids import new_id
from api.core.outbox import record
from api.core.settings import Settings
from api.missions.facts import MissionPublished
from api.missions.tables import Mission
from tests.make.world import World

SETTINGS = (
    *("app.person", "app.company", "app.employee", "app.association", "app.role", "app.now"),
    *("app.actor", "app.guest", "app.stood_in"),
)
_SHOW = "SELECT " + ", ".join(f"coalesce(current_setting('{name}', true), '')" for name in SETTINGS)


@pytest_asyncio.fixture
async def one(settings: Settings) -> AsyncIterator[None]:
    """A pool of a single connection: what is lost once is missed at once."""
    await open_pools(msgspec.structs.replace(settings, pool_size=1))
    yield
    await close_pools()


def somebody(*roles: str) -> Actor:
    """Make a person of a company and an association."""
    return Actor(
        person_id=new_id(),
        employment=Employment(new_id(), new_id(), frozenset(roles)),
        memberships={new_id(): "owner"},
    )


async def shown(connection: asyncpg.Connection) -> tuple[str, ...]:
    """Give the settings that the walls read."""
    return tuple(await connection.fetchrow(_SHOW))


@pytest.mark.usefixtures("one")
async def test_the_walls_are_there_in_the_transaction_and_gone_after_it() -> None:
    actor = somebody("hr", "employee")
    assert actor.employment
    async with transaction(actor) as connection:
        pid = await connection.fetchval("SELECT pg_backend_pid()")
        inside = await shown(connection)
    async with read(None) as connection:
        assert await connection.fetchval("SELECT pg_backend_pid()") == pid
        assert await shown(connection) == ("",) * 9
    with pytest.raises(ZeroDivisionError):
        async with transaction(actor) as connection:
            raise ZeroDivisionError
    async with transaction(None) as connection:
        assert await shown(connection) == ("",) * 9
    (association,) = actor.memberships
    assert inside == (
        str(actor.person_id),
        str(actor.employment.company_id),
        str(actor.employment.employee_id),
        f"{{{association}}}",
        "{employee,hr}",
        "",
        "person",
        "{}",
        "",
    )


@pytest.mark.usefixtures("one")
async def test_begin_and_the_walls_are_one_round_trip() -> None:
    sent: list[str] = []
    async with transaction(None) as connection:
        same = connection._con
    same.add_query_logger(lambda query: sent.append(query.query))
    async with transaction(somebody()) as connection:
        assert connection._con is same
        await connection.fetchval("SELECT 1")
    assert len(sent) == 3
    assert sent[0].startswith("BEGIN")
    assert "set_config('app.person'" in sent[0]
    assert sent[1:] == ["SELECT 1", "COMMIT;"]


@pytest.mark.usefixtures("one")
async def test_the_moved_clock_rides_with_the_walls() -> None:
    instant = datetime(2031, 5, 6, 7, 8, tzinfo=UTC)
    with clock.at(instant):
        for actor in (None, somebody()):
            async with transaction(actor) as connection:
                assert await connection.fetchval("SELECT maillon_now()") == instant
        async with read(None) as connection:
            assert await connection.fetchval("SELECT maillon_now()") == instant
    async with read(None) as connection:
        assert await connection.fetchval("SELECT maillon_now()") != instant


@pytest.mark.usefixtures("one")
async def test_a_failed_commit_gives_its_connection_back() -> None:
    async with transaction(None) as connection:
        pid = await connection.fetchval("SELECT pg_backend_pid()")
        await connection.execute("CREATE TEMP TABLE vow (id int UNIQUE DEFERRABLE INITIALLY DEFERRED)")
    for _ in range(3):
        with pytest.raises(asyncpg.UniqueViolationError):
            async with transaction(somebody()) as connection:
                await connection.execute("INSERT INTO vow VALUES (1), (1)")
        with pytest.raises(RuntimeError, match="inside"):
            bound()
    async with transaction(None) as connection:
        assert await connection.fetchval("SELECT pg_backend_pid()") == pid
        assert await connection.fetchval("SELECT count(*) FROM vow") == 0
        assert await shown(connection) == ("",) * 9
        await connection.execute("INSERT INTO vow VALUES (1)")
    async with read(None) as connection:
        assert await connection.fetchval("SELECT count(*) FROM vow") == 1


@pytest.mark.usefixtures("one")
async def test_a_cancelled_transaction_gives_its_connection_back() -> None:
    async def hang() -> None:
        async with transaction(somebody()) as connection:
            await connection.execute("SELECT pg_sleep(30)")

    for _ in range(2):
        task = asyncio.create_task(hang())
        await asyncio.sleep(0.1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    async with transaction(None) as connection:
        assert await shown(connection) == ("",) * 9


@pytest.mark.usefixtures("one")
async def test_a_nested_transaction_is_a_savepoint() -> None:
    actor = somebody()
    async with transaction(actor) as connection:
        await connection.execute("CREATE TEMP TABLE step (id int) ON COMMIT DROP")
        with pytest.raises(asyncpg.DivisionByZeroError):
            async with transaction(actor) as same:
                await same.execute("INSERT INTO step VALUES (1); SELECT 1/0")
        async with transaction(actor) as same:
            assert same is connection
            await same.execute("INSERT INTO step VALUES (2)")
        async with read(actor) as same:
            assert same is connection
            assert [row["id"] for row in await same.fetch("SELECT id FROM step")] == [2]
        with pytest.raises(asyncpg.UndefinedTableError):
            async with transaction(actor) as same:
                await same.execute("SELECT * FROM nowhere")
        assert await connection.fetchval("SELECT count(*) FROM step") == 1


@pytest.mark.usefixtures("one")
async def test_a_nested_transaction_of_another_caller_is_refused() -> None:
    actor = somebody()
    company = new_id()
    for outer, inner in (
        (actor, somebody()),
        (actor, None),
        (None, actor),
        (actor, system()),
        (system(company), system(new_id())),
        (system(company), actor),
    ):
        async with transaction(outer) as connection:
            before = await shown(connection)
            for open_again in (transaction, read):
                with pytest.raises(RuntimeError, match="same caller"):
                    async with open_again(inner):
                        raise AssertionError
            assert await shown(connection) == before


@pytest.mark.usefixtures("one")
async def test_the_same_caller_may_be_wider_inside_and_is_not_after() -> None:
    actor = somebody()
    made = new_id()
    wider = msgspec.structs.replace(actor, memberships={**actor.memberships, made: "owner"})
    async with transaction(actor) as connection:
        before = await shown(connection)
        async with transaction(wider):
            assert str(made) in (await shown(connection))[3]
            async with transaction(wider), read(wider):
                assert str(made) in (await shown(connection))[3]
            async with transaction(actor):
                assert await shown(connection) == before
            assert str(made) in (await shown(connection))[3]
        assert await shown(connection) == before
        with pytest.raises(ZeroDivisionError):
            async with transaction(wider):
                raise ZeroDivisionError
        assert await shown(connection) == before
        with pytest.raises(asyncpg.DivisionByZeroError):
            async with transaction(wider):
                await connection.execute("SELECT 1/0")
        assert await shown(connection) == before


@pytest.mark.usefixtures("one")
async def test_a_read_writes_nothing() -> None:
    with pytest.raises(asyncpg.ReadOnlySQLTransactionError):
        async with read(system()) as connection:
            await connection.execute("DELETE FROM mission_search")


@pytest.mark.usefixtures("one")
async def test_nothing_is_recorded_outside_of_a_transaction() -> None:
    with pytest.raises(RuntimeError, match="inside core"):
        await record(MissionPublished(mission_id=new_id()))
    with pytest.raises(RuntimeError, match="inside core"):
        bound()


async def test_a_fact_is_there_when_its_change_is(world: World) -> None:
    fact, undone = MissionPublished(mission_id=new_id()), MissionPublished(mission_id=new_id())
    async with transaction(system()):
        await record(fact)

    async def undo() -> None:
        async with transaction(system()):
            await record(undone)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await undo()
    async with operations() as connection:
        rows = await connection.fetch("SELECT fact, payload FROM outbox ORDER BY id DESC LIMIT 2")
    payloads = [row["payload"] for row in rows if row["fact"] == "MissionPublished"]
    assert msgspec.msgpack.encode(fact) in payloads
    assert msgspec.msgpack.encode(undone) not in payloads


async def test_piccolo_writes_in_the_transaction_that_is_open(world: World) -> None:
    association = await world.association()
    mission = await world.mission(association, publish=False)

    async def undo() -> None:
        async with transaction(system(None, UUID(association.id))) as connection:
            where = Mission.id == UUID(mission["id"])
            assert await Mission.update({"title": "Autre titre"}).where(where).returning(Mission.id)
            row = await connection.fetchrow("SELECT title FROM mission WHERE id = $1", mission["id"])
            assert row["title"] == "Autre titre"
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await undo()
    assert (await world.ok(association.owner, "GET", f"/v1/missions/{mission['id']}"))["title"] == mission[
        "title"
    ]


@pytest.mark.usefixtures("one")
async def test_a_lost_deadlock_is_tried_again_five_times_and_not_inside_another_transaction() -> None:
    tried = 0

    @retried
    async def loses() -> None:
        nonlocal tried
        tried += 1
        raise asyncpg.DeadlockDetectedError

    with pytest.raises(asyncpg.DeadlockDetectedError):
        await loses()
    assert tried == 5
    async with transaction(None):
        with pytest.raises(asyncpg.DeadlockDetectedError):
            await loses()
    assert tried == 6


@pytest.mark.usefixtures("one")
async def test_two_tasks_never_share_a_transaction() -> None:
    first, second = somebody(), somebody()
    seen: dict[UUID, str] = {}

    async def work(actor: Actor) -> None:
        async with transaction(actor) as connection:
            await asyncio.sleep(0.02)
            assert actor.person_id
            seen[actor.person_id] = (await shown(connection))[0]

    await asyncio.gather(work(first), work(second))
    assert seen == {actor.person_id: str(actor.person_id) for actor in (first, second)}

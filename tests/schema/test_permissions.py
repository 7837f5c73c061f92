"""Who may do what: every operation as everybody, against the table of `permissions.txt`.

Each cell is asked on the same stage and taken back. The whole is asked three times: as it is, with the application's
own filters removed (row-level security alone must leak nothing), and with row-level security removed (the filters
alone must give the same table).
"""

import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import httpx
import pytest
import pytest_asyncio
from litestar import Litestar

from api.app import edged
from api.core import database
from api.core.actor import Actor
from api.core.database import ENGINE, Connection, walls
from api.core.settings import Settings
from tests.make.clone import superuser_url
from tests.make.served import served
from tests.make.world import World
from tests.schema.calls import CALLS, PERSONAL, Call
from tests.schema.cast import ACTORS, MARK, STRANGERS, Stage, set_stage
from tests.schema.test_routes import operations

TABLE = Path(__file__).with_name("permissions.txt")
NOBODY = walls(Actor(person_id=None)).removeprefix("; ")
Table = dict[str, dict[str, int]]


class Undone(Connection):
    """A connection inside a transaction that never commits: what the application begins here is a savepoint."""

    async def execute(self, query: str, *args: Any, **options: Any) -> str:
        """Run a command; the application's own BEGIN carries its walls as ever."""
        if query.startswith("SAVEPOINT") and ENGINE.current_transaction.get() is None:
            query = f"{NOBODY}; {query}{database._opening.get()}"
        return str(await super().execute(query, *args, **options))


class OnePool:
    """Gives the one connection to whoever acquires: requests come one after the other here."""

    def __init__(self, connection: asyncpg.Connection) -> None:
        self.connection = connection

    def get_idle_size(self) -> int:
        """Say that nobody waits."""
        return 1

    async def acquire(self, **_: object) -> asyncpg.Connection:
        """Give the connection, with nobody's walls."""
        await self.connection.execute(NOBODY)
        return self.connection

    async def release(self, _: asyncpg.Connection, **__: object) -> None:
        """Keep it for the next."""


class Asker:
    """Asks as somebody, and takes back whatever came of it."""

    def __init__(self, stage: Stage, client: httpx.AsyncClient, connection: asyncpg.Connection) -> None:
        self.stage = stage
        self.client = client
        self.connection = connection

    async def ask(self, actor: str, call: Call, ids: dict[str, str] | None = None) -> httpx.Response:
        """Ask once."""
        undo = self.connection.transaction()
        await undo.start()
        try:
            return await self._ask(actor, call, self.stage.ids | (ids or {}))
        finally:
            await undo.rollback()

    async def _ask(self, actor: str, call: Call, ids: dict[str, str]) -> httpx.Response:
        token = self.stage.tokens[actor]
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        if call.tagged or (call.method == "PATCH" and call.path != "/v1/me"):
            headers["If-Match"] = f'"v{await self._version(call, ids)}-0"'
        path = call.path.format(**ids)
        return await self.client.request(call.method, path, json=_filled(call.body, ids), headers=headers)

    async def _version(self, call: Call, ids: dict[str, str]) -> int:
        name = call.path.rpartition("{")[2].partition("}")[0]
        table = {
            "association_id": "association",
            "company_id": "company",
            "employee_id": "employee",
            "provider_id": "identity_provider",
            "draft_id": "mission",
            "submitted_id": "mission",
            "person_id": "association_member",
        }[name]
        column = "person_id" if name == "person_id" else "id"
        await self.connection.execute("RESET ROLE")
        query = f"SELECT version FROM {table} WHERE {column} = $1"
        version: int | None = await self.connection.fetchval(query, UUID(ids[name]))
        await self.connection.execute("SET ROLE maillon_app")
        return version or 1

    async def written(self, actor: str, call: Call) -> list[str]:
        """Ask once, and give the acts that it left in the two tenants' logs before it was taken back."""
        undo = self.connection.transaction()
        await undo.start()
        try:
            await self._ask(actor, call, self.stage.ids)
            await self.connection.execute("RESET ROLE")
            rows = await self.connection.fetch(
                """SELECT action FROM audit_event WHERE tenant_id = ANY ($1::uuid[])
                   AND xmin::text::bigint >= pg_current_xact_id_if_assigned()::text::bigint""",
                [self.stage.ids["company_id"], self.stage.ids["association_id"]],
            )
            return [row["action"] for row in rows]
        finally:
            await undo.rollback()  # which takes the role back too


def _filled(body: Any, ids: dict[str, str]) -> Any:
    if isinstance(body, dict):
        return {name: _filled(value, ids) for name, value in body.items()}
    if isinstance(body, str) and body.startswith("{"):
        return body.format(**ids)
    return body


STAGE: list[Stage] = []


@pytest_asyncio.fixture
async def stage(app: Litestar, settings: Settings, environment: dict[str, str]) -> Stage:
    if not STAGE:
        async with served(app, settings) as client:
            STAGE.append(await set_stage(World(client, environment)))
    return STAGE[0]


@asynccontextmanager
async def asking(
    app: Litestar, environment: dict[str, str], stage: Stage, *changes: str
) -> AsyncIterator[Asker]:
    """Serve the application on one connection whose transaction never commits, after changes to the schema."""
    connection = await asyncpg.connect(superuser_url(environment, "maillon"), connection_class=Undone)
    whole = connection.transaction()
    await whole.start()
    try:
        for change in changes:
            await connection.execute(change)
        await connection.execute("SET ROLE maillon_app")
        pool: Any = OnePool(connection)
        ENGINE.pool = pool
        served_app: Any = edged(app)
        transport = httpx.ASGITransport(served_app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://maillon") as client:
            yield Asker(stage, client, connection)
    finally:
        ENGINE.pool = None
        await app.state.rates.close()
        await whole.rollback()
        await connection.close()


def written_table() -> Table:
    """Read the table: a line an operation, a column an actor."""
    lines = [line.split() for line in TABLE.read_text().splitlines() if line and not line.startswith("#")]
    header, *rows = lines
    assert tuple(header[1:]) == ACTORS
    return {row[0]: dict(zip(ACTORS, map(int, row[1:]), strict=True)) for row in rows}


def rows() -> Iterator[tuple[str, Call]]:
    """Give every row's name and request."""
    yield from CALLS.items()
    for name, call in PERSONAL.items():
        yield f"{name}:personal", call


async def asked_table(asker: Asker) -> Table:
    """Ask every operation as everybody."""
    return {
        name: {actor: (await asker.ask(actor, call)).status_code for actor in ACTORS} for name, call in rows()
    }


def differences(asked: Table, written: Table) -> list[str]:
    """Say which cells differ, a line each."""
    return [
        f"{name} {actor}: {asked[name][actor]}, written {written.get(name, {}).get(actor)}"
        for name in asked
        for actor in ACTORS
        if asked[name][actor] != written.get(name, {}).get(actor)
    ]


def test_every_operation_has_its_row(app: Litestar) -> None:
    names = {str(handler.operation_id) for handler in operations(app)}
    assert names == CALLS.keys()
    assert written_table().keys() == dict(rows()).keys()


async def test_the_table_is_what_everybody_is_answered(
    app: Litestar, environment: dict[str, str], stage: Stage
) -> None:
    async with asking(app, environment, stage) as asker:
        assert differences(await asked_table(asker), written_table()) == []


async def test_an_object_of_others_and_one_that_never_was_are_told_the_same(
    app: Litestar, environment: dict[str, str], stage: Stage
) -> None:
    told = 0
    async with asking(app, environment, stage) as asker:
        for name, call in rows():
            if call.public or "{" not in call.path:
                continue
            for actor in STRANGERS:
                nothing = {key: str(uuid4()) for key in stage.ids if key.endswith("_id")}
                foreign, random = await asker.ask(actor, call), await asker.ask(actor, call, nothing)
                assert _told(foreign) == _told(random), (name, actor)
                told += foreign.status_code == 404
    assert told > 100


def _told(answer: httpx.Response) -> tuple[int, dict[str, str], bytes]:
    headers = {name: text for name, text in answer.headers.items() if name != "x-request-id"}
    return answer.status_code, headers, answer.content


FILTERS = (
    *("require_company_role", "require_employee", "require_member", "require_keeper", "require_outsider"),
    *("require_applicant", "require_employer", "require_other", "require_administrator", "require_sight"),
)
"""How the rules about who may do what are named, wherever they stand."""


def without_filters(monkeypatch: pytest.MonkeyPatch) -> int:
    """Let every rule about who may do what pass, wherever it was imported; gives how many."""
    removed = 0
    for name, module in list(sys.modules.items()):
        if name.startswith("api."):
            for attribute, value in list(vars(module).items()):
                if callable(value) and attribute.lstrip("_").startswith(FILTERS):
                    monkeypatch.setattr(module, attribute, _pass)
                    removed += 1
    return removed


def _pass(*_: Any, **__: Any) -> Any:
    return None


async def test_row_level_security_alone_leaks_nothing(
    app: Litestar, environment: dict[str, str], stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert without_filters(monkeypatch) > 10
    async with asking(app, environment, stage) as asker:
        for name, call in rows():
            for actor in STRANGERS:
                answer = await asker.ask(actor, call)
                assert MARK.lower() not in answer.text.lower(), (name, actor)
                if call.method != "GET" and name != "applyToMission":
                    assert await asker.written(actor, call) == [], (name, actor)


async def test_the_filters_alone_give_the_same_table(
    app: Litestar, environment: dict[str, str], stage: Stage
) -> None:
    connection = await asyncpg.connect(superuser_url(environment, "maillon"))
    walled = await connection.fetch("SELECT relname FROM pg_class WHERE relrowsecurity AND relkind = 'r'")
    await connection.close()
    lifted = [f"ALTER TABLE {row['relname']} DISABLE ROW LEVEL SECURITY" for row in walled]
    assert len(lifted) > 20
    async with asking(app, environment, stage, *lifted) as asker:
        assert differences(await asked_table(asker), written_table()) == []

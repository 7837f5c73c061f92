"""The floor: what Maillon asks of PostgreSQL and Redis, and its answers, in a bare ASGI application over bare asyncpg.

At its start it asks Maillon itself for each path, and notes the statements; then it replays them.
"""

import logging
import os
from collections.abc import Callable
from typing import Any, NamedTuple

import asyncpg
import httpx
import msgspec
import structlog
from limits import parse
from limits.aio.storage import RedisStorage
from limits.aio.strategies import MovingWindowRateLimiter

from api.app import create_app
from api.core import clock
from api.core.database import ENGINE, close_pools, open_pools
from api.core.settings import read_settings
from api.identity.service import BY_SESSION
from api.identity.sessions import digest
from api.missions.queries import INSIDE, location_of, unpacked
from api.missions.schemas import MissionAssociation, MissionOut
from api.missions.schemas_search import Found, MissionSummary

LIMIT = 20
HEADERS = [(b"content-type", b"application/json")]


class Said(NamedTuple):
    """A statement as Maillon sent it."""

    query: str
    args: tuple[Any, ...]


async def record(environment: dict[str, str], token: str, paths: list[str]) -> dict[str, list[Said]]:
    """Give what Maillon says to PostgreSQL for each path, once it is warm: transactions' own commands included."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    settings = msgspec.structs.replace(read_settings(environment), pool_size=1)
    said: list[Said] = []
    recorded = {}
    await open_pools(settings)
    assert ENGINE.pool
    async with ENGINE.pool.acquire() as connection:
        connection.add_query_logger(lambda each: said.append(Said(each.query, tuple(each.args))))
    app: Any = create_app(settings)
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://floor") as client:
        for path in paths:
            await client.get(path, headers={"Authorization": f"Bearer {token}"})
            said.clear()
            answer = await client.get(path, headers={"Authorization": f"Bearer {token}"})
            answer.raise_for_status()
            recorded[path] = list(said)
    await close_pools()
    return recorded


class Floor:
    """What any implementation on this stack must spend: the count, the statements, the Structs, one encoding."""

    def __init__(self, environment: dict[str, str]) -> None:
        self.environment = environment
        self.paths: list[str] = msgspec.json.decode(environment["BENCH_PATHS"])
        self.pool: Any = None

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer the recorded paths to a valid session, else 401."""
        if scope["type"] == "lifespan":
            await self._live(receive, send)
            return
        asked = scope["path"] + ("?" + scope["query_string"].decode() if scope["query_string"] else "")
        status, body = await self._answer(asked, dict(scope["headers"])[b"authorization"].decode())
        length = (b"content-length", str(len(body)).encode())
        await send({"type": "http.response.start", "status": status, "headers": [*HEADERS, length]})
        await send({"type": "http.response.body", "body": body})

    async def _answer(self, asked: str, authorization: str) -> tuple[int, bytes]:
        token = authorization.removeprefix("Bearer ")
        if not await self.limiter.hit(self.rate, "floor"):
            return 429, b""
        async with self.pool.acquire() as connection:
            if await connection.fetchrow(BY_SESSION, digest(token), clock.now()) is None:
                return 401, b""
            for query, args in self.recorded[asked]:
                if args:
                    rows = await connection.fetch(query, *args)
                else:
                    await connection.execute(query)
        return 200, msgspec.json.encode(_shape(asked)(rows))

    async def _live(self, receive: Any, send: Any) -> None:
        await receive()
        recorded = await record(self.environment, self.environment["BENCH_TOKEN"], self.paths)
        self.recorded = {
            path: [each for each in said if each.query != BY_SESSION] for path, said in recorded.items()
        }
        # As Maillon's own pool: nothing is reset, since nothing outlives its transaction.
        url = self.environment["MAILLON_DATABASE_URL"]
        self.pool = await asyncpg.create_pool(url, min_size=0, max_size=10, reset=_nothing)
        storage = RedisStorage(f"async+{self.environment['MAILLON_REDIS_URL']}", implementation="redispy")
        self.limiter, self.rate = MovingWindowRateLimiter(storage), parse("99999/second")
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await self.pool.close()
        await send({"type": "lifespan.shutdown.complete"})


def _shape(asked: str) -> Callable[[list[Any]], Found | MissionOut]:
    return _found if asked.partition("?")[0] == "/v1/missions" else _mission


def _found(rows: list[Any]) -> Found:
    shown = MissionSummary.__struct_fields__
    plain = not rows or len(rows[0]) == len(shown)
    items = [
        MissionSummary(**row) if plain else MissionSummary(**{name: row[name] for name in shown})
        for row in rows[:LIMIT]
    ]
    return Found(items=items, next="x" * 80 if len(rows) > LIMIT else None)


def _mission(rows: list[Any]) -> MissionOut:
    row = unpacked(rows[0]) | dict.fromkeys(INSIDE)
    host = {name: row[f"association_{name}"] for name in ("id", "name")}
    row["association"] = MissionAssociation(**host, verified=row["verified"], reply_rate=row["reply_rate"])
    row["location"] = location_of(row)
    fields: dict[str, Any] = {name: row.get(name) for name in MissionOut.__struct_fields__}
    return MissionOut(**fields)


async def _nothing(_: object) -> None:
    return None


def create() -> Floor:
    """Make the floor that granian serves."""
    return Floor(dict(os.environ))

"""The floor: the same statements, authentication and answer in a bare ASGI application over bare asyncpg."""

import os
from typing import Any

import asyncpg
import msgspec

from api.core import clock
from api.core.schemas import Page
from api.identity.service import BY_SESSION
from api.identity.sessions import digest
from api.missions.schemas_search import MissionSummary
from api.missions.search import Meant, Question, statement

LIMIT = 20
HEADERS = [(b"content-type", b"application/json")]


class Floor:
    """What any implementation on this stack must spend: two statements, twenty Structs, one encoding."""

    def __init__(self) -> None:
        self.pool: Any = None

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer every request with the first page of missions to a valid session, else 401."""
        if scope["type"] == "lifespan":
            await self._live(receive, send)
            return
        status, body = await self._list(dict(scope["headers"])[b"authorization"].decode())
        length = (b"content-length", str(len(body)).encode())
        await send({"type": "http.response.start", "status": status, "headers": [*HEADERS, length]})
        await send({"type": "http.response.body", "body": body})

    async def _list(self, authorization: str) -> tuple[int, bytes]:
        token = authorization.removeprefix("Bearer ")
        async with self.pool.acquire() as connection:
            if await connection.fetchrow(BY_SESSION, digest(token), clock.now()) is None:
                return 401, b""
            query, given = statement(Question(), Meant())
            rows = await connection.fetch(query, *given)
        items = [MissionSummary(**row) for row in rows[:LIMIT]]
        return 200, msgspec.json.encode(Page(items=items, next="x" * 80))

    async def _live(self, receive: Any, send: Any) -> None:
        await receive()
        url = os.environ["MAILLON_DATABASE_URL"]
        # As Maillon's own pool: nothing is reset, since nothing outlives its transaction.
        self.pool = await asyncpg.create_pool(url, min_size=0, max_size=10, reset=_nothing)
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await self.pool.close()
        await send({"type": "lifespan.shutdown.complete"})


async def _nothing(_: object) -> None:
    return None


app = Floor()

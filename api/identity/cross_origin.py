"""Which pages of other origins may call from a browser: those that a company lists, each for its own people (CORS).

A page holds its company's token and sends it itself: no cookie of ours is ever asked for, so that
`Access-Control-Allow-Credentials` is never said.
"""

from typing import Any
from uuid import UUID

import asyncpg
from litestar.enums import ScopeType
from litestar.types import ASGIApp, Receive, Scope, Send

from api.core.actor import Actor
from api.core.database import AWAY, read

METHODS = b"GET, HEAD, POST, PUT, PATCH, DELETE"
SENT = b"Authorization, Content-Type, Accept-Language, If-Match, If-None-Match, Idempotency-Key, X-Request-Id"
READ = b"ETag, Location, Retry-After, WWW-Authenticate, X-Request-Id, Idempotency-Replayed"
VARY = (b"vary", b"Origin")


class CrossOrigin:
    """ASGI wrapper: answers preflights, and names the origin on what its company's people are answered."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request; one of our own pages, or of no page, passes as it is but for `Vary`."""
        given = dict(scope["headers"]) if scope["type"] == ScopeType.HTTP else {}
        origin = given.get(b"origin")
        if origin and scope["type"] == ScopeType.HTTP and b"access-control-request-method" in given:
            await _preflight(send, origin)
            return

        async def sending(message: Any) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], VARY]
                if origin and await _welcomes(origin, scope.get("user")):
                    message["headers"] += [
                        (b"access-control-allow-origin", origin),
                        (b"access-control-expose-headers", READ),
                    ]
            await send(message)

        await self.app(scope, receive, sending)


async def _preflight(send: Send, origin: bytes) -> None:
    headers = [VARY, (b"content-length", b"0")]
    if await _welcomes(origin, None):
        headers += [
            (b"access-control-allow-origin", origin),
            (b"access-control-allow-methods", METHODS),
            (b"access-control-allow-headers", SENT),
            (b"access-control-max-age", b"600"),
        ]
    await send({"type": "http.response.start", "status": 204, "headers": headers})
    await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _welcomes(origin: bytes, user: Actor | None) -> bool:
    """Tell whether a company lists the origin: the caller's own company where there is one."""
    try:
        companies = await _companies_of(origin.decode("ascii"))
    except (ValueError, asyncpg.PostgresError, *AWAY):
        return False
    return bool(companies) if user is None else user.company_id in companies


async def _companies_of(origin: str) -> list[UUID]:
    async with read(None) as connection:
        companies: list[UUID] = await connection.fetchval("SELECT companies_of_origin($1)", origin[:200])
    return companies

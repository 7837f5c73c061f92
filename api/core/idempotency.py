"""Idempotency-Key: the answer is kept in the transaction that did the work, and given again for 24 hours."""

import hashlib
from collections.abc import Iterable
from typing import Any, cast

import msgspec
from litestar.enums import ScopeType
from litestar.handlers import HTTPRouteHandler
from litestar.types import ASGIApp, Message, Receive, Scope, Send
from litestar.utils.scope.state import ScopeState

from api.core import clock
from api.core.actor import Actor, public
from api.core.database import Connection, transaction
from api.core.language import Words
from api.core.problems import Malformed, Problem
from api.core.requests import cut_short

_CLAIM = "SELECT claimed, fingerprint, status, headers, body FROM claim_key($1, $2)"
_KEEP = """
    INSERT INTO idempotency_key (person_id, key, fingerprint, status, headers, body, created_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7)
"""


class KeyReused(Problem):
    """The key was used for another request."""

    status = 422
    slug = "idempotency-key-reused"
    title = Words("This key was used for another request", "Cette clé a servi à une autre requête")


class InFlight(Problem):
    """A request with the same key is being answered."""

    status = 409
    slug = "idempotency-in-flight"
    title = Words("The same request is being answered", "La même requête est en cours")


class _Refused(Exception):
    """The answer is an error: nothing is kept, the request may be made again."""


class Idempotency:
    """ASGI middleware: runs a POST that carries a key inside one transaction with its stored answer."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a repeated request from its row, another by doing the work once."""
        key, actor, handler = _header(scope), scope.get("user"), cast("Any", scope).get("route_handler")
        if not key or not isinstance(actor, Actor) or not takes_key(handler):
            await self.app(scope, receive, send)
            return
        if not (key.isascii() and key.isprintable() and len(key) <= 255):
            raise Malformed(
                Words(
                    "Idempotency-Key: 1 to 255 printable ASCII.",
                    "Idempotency-Key : 1 à 255 caractères ASCII.",
                )
            )
        # The key is the caller's own for each operation.
        key = f"{handler.operation_id} {key}"
        for message in await self._answer(actor, key, scope, receive):
            await send(message)

    async def _answer(self, actor: Actor, key: str, scope: Any, receive: Receive) -> Iterable[Message]:
        body = await _read(receive)
        fingerprint = hashlib.sha256(
            f"{scope['method']} {scope['path']}?".encode() + scope["query_string"] + b"\n" + body
        ).digest()
        sent: list[Any] = []
        try:
            async with transaction(actor) as connection:
                kept = await connection.fetchrow(_CLAIM, actor.author, key)
                if not kept["claimed"]:
                    raise InFlight
                if kept["fingerprint"]:
                    return _replay(kept, fingerprint)
                await self.app(scope, _replaying(body), _collecting(sent))
                if sent[0]["status"] >= 400:
                    raise _Refused
                await _keep(connection, actor, key, fingerprint, sent)
        except _Refused:
            pass
        except Exception:
            # Litestar takes the collected answer for a started one, and would not answer the error by a problem.
            ScopeState.from_scope(scope).response_started = False
            raise
        return sent


def takes_key(handler: HTTPRouteHandler) -> bool:
    """Tell whether an operation takes a key: a POST of somebody, whose answer is no secret to keep."""
    return (
        "POST" in handler.http_methods
        and public not in handler.resolve_guards()
        and not handler.opt.get("answers_secret")
    )


def _header(scope: Any) -> str | None:
    if scope["type"] != ScopeType.HTTP or scope["method"] != "POST":
        return None
    return next(
        (text.decode("latin-1") for name, text in scope["headers"] if name == b"idempotency-key"), None
    )


async def _read(receive: Receive) -> bytes:
    body, more = b"", True
    while more and len(body) <= 2_000_000:
        message: Any = await receive()
        if message["type"] == "http.disconnect":
            raise cut_short()
        body += message.get("body", b"")
        more = message.get("more_body", False)
    return body


def _replaying(body: bytes) -> Receive:
    async def receive() -> Any:
        return {"type": "http.request", "body": body, "more_body": False}

    return receive


def _collecting(sent: list[Any]) -> Send:
    async def send(message: Message) -> None:
        sent.append(message)

    return send


async def _keep(connection: Connection, actor: Actor, key: str, fingerprint: bytes, sent: list[Any]) -> None:
    headers = [
        (name, text) for name, text in sent[0]["headers"] if name in (b"content-type", b"location", b"etag")
    ]
    body = b"".join(message.get("body", b"") for message in sent[1:])
    await connection.execute(
        _KEEP,
        actor.author,
        key,
        fingerprint,
        sent[0]["status"],
        msgspec.msgpack.encode(headers),
        body,
        clock.now(),
    )


def _replay(row: Any, fingerprint: bytes) -> list[Message]:
    if row["fingerprint"] != fingerprint:
        raise KeyReused
    headers = msgspec.msgpack.decode(row["headers"], type=list[tuple[bytes, bytes]])
    headers.append((b"idempotency-replayed", b"true"))
    return [
        {"type": "http.response.start", "status": row["status"], "headers": headers},
        {"type": "http.response.body", "body": row["body"], "more_body": False},
    ]

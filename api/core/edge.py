"""The outermost layer: request ids, security headers, one log line and one metric a request."""

import re
import time
from functools import cache
from typing import Any

import structlog
from litestar.enums import ScopeType
from litestar.types import ASGIApp, Receive, Scope, Send
from prometheus_client import Counter, Histogram

from api.core.ids import new_id

REQUESTS = Counter("maillon_requests_total", "Requests answered.", ["method", "path", "status"])
SECONDS = Histogram("maillon_request_seconds", "Time to answer.", ["method", "path"])
POLICY = b"default-src 'none'; frame-ancestors 'none'; base-uri 'none'"
DOCS_POLICY = (
    b"default-src 'self'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; "
    b"img-src 'self' data:; frame-ancestors 'none'; base-uri 'none'"
)
_METHODS = frozenset(("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"))
_REQUEST_ID = re.compile(rb"[A-Za-z0-9._-]{8,64}")

log = structlog.get_logger()


class Edge:
    """ASGI wrapper around the whole application, so that a 404 of the router passes here too."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request, adding what every answer carries and this one does not say by itself."""
        if scope["type"] != ScopeType.HTTP:
            await self.app(scope, receive, send)
            return
        given = dict(scope["headers"])
        request_id = given.get(b"x-request-id", b"")
        if not _REQUEST_ID.fullmatch(request_id):
            request_id = str(new_id()).encode()
        structlog.contextvars.bind_contextvars(request_id=request_id.decode())
        started, status = time.perf_counter(), 500

        async def sending(message: Any) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                said = {name.lower() for name, _ in message["headers"]} - {b"vary"}
                added = [each for each in _added(scope, given, request_id) if each[0] not in said]
                message["headers"] = [*message["headers"], *added]
            elif scope["method"] == "HEAD":
                message = {**message, "body": b""}
            await send(message)

        # Litestar leaves HEAD to each handler: here it is a GET whose body is not sent (RFC 9110, 9.3.2).
        inner: Any = {**scope, "method": "GET"} if scope["method"] == "HEAD" else scope
        try:
            await self.app(inner, receive, sending)
        finally:
            _measure(inner, scope["method"], status, time.perf_counter() - started)
            structlog.contextvars.clear_contextvars()


def _added(scope: Any, given: dict[bytes, bytes], request_id: bytes) -> list[tuple[bytes, bytes]]:
    headers = [
        (b"x-request-id", request_id),
        (b"x-content-type-options", b"nosniff"),
        (b"referrer-policy", b"no-referrer"),
        (b"content-security-policy", DOCS_POLICY if scope["path"].startswith("/docs") else POLICY),
    ]
    if b"authorization" in given or b"cookie" in given:
        headers.append((b"cache-control", b"no-store"))
    else:
        headers.append((b"vary", b"Authorization, Accept-Language"))
    return headers


def _measure(scope: Any, asked: str, status: int, seconds: float) -> None:
    path = scope.get("path_template") or "unmatched"
    method = asked if asked in _METHODS else "other"
    requests, times = _series(method, path, status)
    requests.inc()
    times.observe(seconds)
    log.info("request", method=method, path=path, status=status, milliseconds=round(seconds * 1000, 1))


@cache
def _series(method: str, path: str, status: int) -> tuple[Counter, Histogram]:
    """Give what counts and what times the answers of a kind: there are few, and to look one up costs more."""
    return REQUESTS.labels(method, path, status), SECONDS.labels(method, path)

"""SCIM over HTTP: whose directory asks, what it sends, and errors in SCIM's own form (RFC 7644 §3.12)."""

from typing import Any
from urllib.parse import parse_qsl
from uuid import UUID

from litestar.connection import ASGIConnection
from litestar.types import Receive, Scope, Send
from scim2_models import (
    Error,
    InvalidSyntaxException,
    InvalidValueException,
    PayloadTooLargeException,
    SCIMException,
)
from scim2_server.applications.asgi import ASGIApplication
from scim2_server.handler import AsyncScimHandler
from scim2_server.requests import ScimRequest
from scim2_server.responses import ScimResponse
from scim2_server.routing import Operation
from scim2_server.service import ScimService

from api.core.actor import Connection
from api.core.database import retried
from api.core.errors import explained
from api.core.problems import Problem
from api.core.requests import cut_short, decode
from api.identity.authentication import counted, spend_of_network
from api.identity.company_tokens import refused
from api.identity.scim.description import MOST_BYTES, PROVIDER
from api.identity.scim.storage import Directory, MovingHandler
from api.identity.scim_tokens import company_of_token

BASE = "/scim/v2"
MOST_PARAMETERS = 20
LONGEST_FILTER = 2_000


class _Service(ScimService):
    """The library's protocol, which learns here what our Problems and the database's errors mean."""

    @staticmethod
    def error_of(exception: Exception) -> Error:
        """Give the SCIM error of an exception, in a bulk operation too."""
        if isinstance(exception, SCIMException):
            return exception.to_error()
        problem = explained(exception)
        if problem.status in (400, 422):
            return InvalidValueException(detail=_detail(problem)).to_error()
        return Error(status=problem.status, detail=_detail(problem))


SERVICE = _Service(PROVIDER)


async def serve(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer a request of a directory; what it changed is committed by then."""
    try:
        response = await _answer(scope, receive)
    except SCIMException as error:
        response = SERVICE.error_response(error)
    except Exception as error:
        problem = explained(error)
        response = SERVICE.error_response(problem)
        response.headers |= problem.headers or {}
    out: Any = send
    await ASGIApplication.send_response(response, out)


async def _answer(scope: Any, receive: Receive) -> ScimResponse:
    connection: Connection = ASGIConnection(scope)
    request = _head(scope, connection.app.state.settings.public_url)
    header = request.header("Authorization") or ""
    if SERVICE.match(request).operation is Operation.service_provider_config:
        await spend_of_network(connection)
        return SERVICE.service_provider_config(request.url, request.query)
    company_id = await counted(connection, header, lambda: _company_of(header), lambda company: company)
    request.body = await _body(request, receive)
    handler = AsyncScimHandler if request.query else MovingHandler
    return await retried(handler(SERVICE, Directory(company_id)).handle)(request)


async def _company_of(header: str) -> UUID:
    scheme, _, token = header.partition(" ")
    company_id = await company_of_token(token.strip()) if scheme.lower() == "bearer" else None
    if company_id is None:
        raise refused()
    return company_id


def _head(scope: Any, public_url: str) -> ScimRequest:
    asked = scope["query_string"].decode("latin-1")
    try:
        query = dict(parse_qsl(asked, keep_blank_values=True, max_num_fields=MOST_PARAMETERS))
    except ValueError:
        raise InvalidSyntaxException(detail="Too many parameters") from None
    if len(query.get("filter", "")) > LONGEST_FILTER:
        raise InvalidValueException(detail=f"A filter takes {LONGEST_FILTER} characters at most")
    return ScimRequest(
        method=scope["method"],
        base_url=public_url.rstrip("/") + BASE,
        path=scope["path"],
        query=query,
        headers=[(name.decode("latin-1"), value.decode("latin-1")) for name, value in scope["headers"]],
    )


async def _body(request: ScimRequest, receive: Receive) -> bytes:
    """Read a body that is bounded, well-formed JSON without control characters; raises SCIMException, Problem."""
    body, more = b"", True
    while more:
        message: Any = await receive()
        if message["type"] == "http.disconnect":
            raise cut_short()
        body += message.get("body", b"")
        more = message.get("more_body", False)
        if len(body) > MOST_BYTES:
            raise PayloadTooLargeException(detail=f"A body takes {MOST_BYTES} bytes at most")
    if body and request.method in ("POST", "PUT", "PATCH"):
        SERVICE.ensure_json(request.header("Content-Type"))
        decode(body, Any)
    return body


def _detail(problem: Problem) -> str:
    if problem.faults:
        return f"{problem.faults[0].pointer}: {problem.faults[0].words.en}"
    return problem.detail

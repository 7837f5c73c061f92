"""Every error as a problem document: the router's, the decoder's, the database's and ours."""

import traceback
from typing import Any

import asyncpg
import structlog
from litestar import Request, Response
from litestar.exceptions import (
    ClientException,
    MethodNotAllowedException,
    NotFoundException,
    ValidationException,
)
from litestar.exceptions.http_exceptions import RequestEntityTooLarge
from litestar.typing import FieldDefinition

from api.core import problems
from api.core.database import AWAY
from api.core.decoding import said
from api.core.language import Language, Words, preferred
from api.core.parameters import query_fields
from api.core.problems import Fault, Invalid, Malformed, Problem
from api.core.requests import allow

MEDIA_TYPE = "application/problem+json"

log = structlog.get_logger()


def reader_language(request: Request[Any, Any, Any]) -> Language:
    """Give the language of Accept-Language, else the person's, else English."""
    user = request.scope.get("user")
    return preferred(request.headers.get("accept-language", ""), user.language if user else "en")


def answer(request: Request[Any, Any, Any], error: Exception) -> Response[dict[str, Any]]:
    """Answer an exception by its problem document."""
    problem = explained(error, request.scope.get("route_handler"))
    return Response(
        problem.document(reader_language(request)),
        status_code=problem.status,
        media_type=MEDIA_TYPE,
        headers=problem.headers or {},
    )


def explained(error: Exception, handler: Any = None) -> Problem:
    """Give the Problem that an exception means; one that nobody foresaw is logged, without its message."""
    problem = as_problem(error, handler)
    if problem.status == 500:
        log.error("unexpected", error=type(error).__qualname__, frames=_frames(error))
    return problem


def as_problem(error: Exception, handler: Any = None) -> Problem:
    """Translate an exception into the Problem it means."""
    match error:
        case Problem():
            return error
        case NotFoundException():
            return problems.NotFound()
        case MethodNotAllowedException():
            return problems.MethodNotAllowed(headers={"Allow": _allowed(error)})
        case RequestEntityTooLarge():
            return problems.TooLarge()
        case ValidationException():
            return Invalid(faults=_faults(error, query_fields(handler) if handler else {}))
        case ClientException():
            return Malformed()
        case asyncpg.DataError():
            log.error("unbounded value", frames=_frames(error))
            words = Words("A value is out of bounds.", "Une valeur est hors limites.")
            return Invalid(faults=[Fault("", "out-of-bounds", words)])
        case asyncpg.CheckViolationError() if str(error.constraint_name).endswith("_of_living_person"):
            # Erased since this request began: its credential is worth nothing any more.
            return problems.Unauthenticated(error="invalid_token")
    if isinstance(error, AWAY):
        log.warning("database away", error=type(error).__qualname__)
        return problems.Unavailable()
    return problems.Unexpected()


def _allowed(error: MethodNotAllowedException) -> str:
    return allow(set((error.headers or {}).get("allow", "").split(", ")))


def _faults(error: ValidationException, fields: dict[str, FieldDefinition]) -> list[Fault]:
    extra = error.extra if isinstance(error.extra, list) else []
    return [
        _fault(item["message"], str(item.get("key", "")), fields) for item in extra if isinstance(item, dict)
    ] or [_fault(error.detail, "", {})]


def _fault(message: str, key: str, fields: dict[str, FieldDefinition]) -> Fault:
    given = key.partition(".")[0]
    for name, field in fields.items():
        if field.name == given:
            path = ["0"] if field.is_non_string_sequence else []
            return Fault(f"/{name}", "invalid", said(message, field.annotation, path))
    return Fault(f"/{given}" if given else "", "invalid", said(message, Any, []))


def _frames(error: Exception) -> list[str]:
    """Say where it happened; never the message, which may quote a person's data."""
    frames = traceback.extract_tb(error.__traceback__)[-8:]
    return [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames]

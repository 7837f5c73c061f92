"""Reading requests strictly: what Litestar and msgspec would let through by default is refused here."""

import json
import re
from collections.abc import Iterator
from datetime import date, datetime
from email.message import Message
from functools import lru_cache
from typing import Any

import msgspec
from litestar import Request, Response
from litestar.datastructures import State
from litestar.exceptions import InternalServerException

from api.core.actor import Actor
from api.core.decoding import ANY_KEY, said
from api.core.language import Words
from api.core.parameters import HIDDEN, UNREADABLE, check_query, escape
from api.core.problems import Fault, Invalid, Malformed, NotFound, UnsupportedMedia
from api.core.schemas import In

MAX_BODY = 1_000_000
MAX_PATH = 2_000
YEARS = range(2000, 2101)
"""Of every day and instant in a body: far from the calendar's edges, where other offsets have no name for it."""
_FAR = Words("In a year from {first} to {last}.", "Dans une année de {first} à {last}.")
_CONTROL = re.compile(rf"[\x00-\x08\x0b\x0c\x0e-\x1f{HIDDEN}]")
_WHERE = re.compile(r"(?P<what>.*) - at `(?P<key>key in )?\$(?P<path>.*)`$", re.DOTALL)
_BYTE = re.compile(r"\(byte (?P<byte>\d+)\)$")
_MISSING = re.compile(r"missing required field `(?P<name>[^`]+)`")
_UNKNOWN = re.compile(r"unknown field `(?P<name>.+)`", re.DOTALL)


class StrictRequest(Request[Actor | None, Any, State]):
    """A request whose JSON is decoded straight into the handler's Struct, with nothing coerced."""

    async def body(self) -> bytes:
        """Give the whole body; raises Malformed when the client left before its end."""
        try:
            return await super().body()
        except InternalServerException:
            raise cut_short() from None

    async def json(self) -> Any:
        """Give the body as the handler's type; raises Malformed, Invalid."""
        field = self.route_handler.parsed_data_field
        return decode(await self.body(), field.annotation if field else Any)


class Nothing(In, frozen=True, kw_only=True):
    """The body of an act that takes none: an empty object, as some clients always send one."""


def cut_short() -> Malformed:
    """Make the answer to a body whose end never came; whoever sent it has left."""
    return Malformed(Words("The body was cut short.", "Le corps de la requête est incomplet."))


def decode(body: bytes, shape: Any) -> Any:
    """Decode JSON into a type; raises Malformed when it is not JSON, Invalid when it is another shape."""
    try:
        value = msgspec.json.decode(body, type=shape)
        json.loads(body, object_pairs_hook=_once)
        faults = list(_unkept(msgspec.to_builtins(value, builtin_types=(date, datetime)), ""))
    except msgspec.ValidationError as error:
        raise Invalid(faults=[_fault(str(error), shape)]) from None
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        raise Malformed(_unreadable(str(error))) from None
    if faults:
        raise Invalid(faults=faults)
    return value


def _unreadable(error: str) -> Words:
    found = _BYTE.search(error)
    where = f" à l’octet {found['byte']}" if found else ""
    return Words(f"Not JSON we can read: {error}", f"JSON illisible{where}.")


def _once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    named = dict(pairs)
    if len(pairs) != len(named):
        raise Malformed(Words("A field is given twice.", "Un champ est donné deux fois."))
    return named


def _unkept(value: object, pointer: str) -> Iterator[Fault]:
    """Point at what no type refuses: texts that hold what nobody types, days that are out of every calendar.

    PostgreSQL takes no NUL, a terminal obeys an escape, a name that is turned around passes for another.
    """
    match value:
        case str() if _CONTROL.search(value):
            words = Words("No control characters.", "Pas de caractères de contrôle.")
            yield Fault(pointer, "control-characters", words)
        case date() if value.year not in YEARS:
            yield Fault(pointer, "out-of-bounds", _FAR.format(first=YEARS[0], last=YEARS[-1]))
        case dict():
            for name, part in value.items():
                yield from _unkept(part, f"{pointer}/{escape(name)}")
        case list():
            for index, part in enumerate(value):
                yield from _unkept(part, f"{pointer}/{index}")


def _fault(message: str, shape: Any) -> Fault:
    found = _WHERE.match(message)
    what, path = (found["what"], found["path"]) if found else (message, "")
    steps = re.findall(rf"[^.\[\]]+|{re.escape(ANY_KEY)}", path)
    pointer, code = "".join(f"/{step}" for step in steps if step != ANY_KEY), "invalid"
    if named := _MISSING.search(what):
        pointer, code = f"{pointer}/{named['name']}", "required"
    elif named := _UNKNOWN.search(what):
        pointer, code = f"{pointer}/{escape(named['name'])}", "unknown-field"
    return Fault(pointer, code, said(what, shape, steps))


async def strictly(request: Request[Any, Any, Any]) -> Response[None] | None:
    """Refuse, before anything is read, paths, bodies and query parameters that nobody knows."""
    path = request.scope["path"]
    if len(path) > MAX_PATH or UNREADABLE.search(path):
        raise NotFound
    if request.method == "OPTIONS":
        return _options(request)
    if request.method != "GET":
        await _check_body(request)
    check_query(request)
    return None


def _options(request: Request[Any, Any, Any]) -> Response[None]:
    """Name every method of the path; Litestar's own answer knows those of the first handler alone."""
    template = request.scope["path_template"]
    methods = {
        str(method)
        for route in request.app.routes
        if route.path_format == template
        for method in getattr(route, "methods", ())
    }
    return Response(None, status_code=204, headers={"Allow": allow(methods)})


def allow(methods: set[str]) -> str:
    """Write an Allow header: where there is GET, there is HEAD (core.edge)."""
    return ", ".join(sorted(methods | ({"HEAD"} if "GET" in methods else set())))


async def _check_body(request: Request[Any, Any, Any]) -> None:
    field = request.route_handler.parsed_data_field
    if await request.body():
        headers = request.headers
        if not _is_plain_json(headers.get("content-type", "none/none"), headers.get("content-encoding", "")):
            raise UnsupportedMedia
        if field is None:
            decode(await request.body(), Nothing)
    elif field is not None and not field.is_optional:
        raise Malformed(Words("A body is missing.", "Le corps de la requête (body) manque."))


@lru_cache(maxsize=64)
def _is_plain_json(kind: str, coding: str) -> bool:
    described = Message()
    described["content-type"] = kind
    return (
        described.get_content_type() == "application/json"
        and described.get_content_charset("utf-8") in ("utf-8", "us-ascii")
        and coding.strip().lower() in ("", "identity")
    )

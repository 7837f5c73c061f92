"""Reading requests strictly: what Litestar and msgspec would let through by default is refused here."""

import json
import re
from functools import cache
from typing import Any

import msgspec
from litestar import Request
from litestar.datastructures import State
from litestar.handlers import BaseRouteHandler
from litestar.params import QueryParameter

from api.core.actor import Actor
from api.core.language import Words
from api.core.problems import Fault, Invalid, Malformed, UnsupportedMedia

MAX_BODY = 1_000_000
_UNREADABLE = re.compile(r"[\x00-\x1f\x7f\ufffd\ud800-\udfff]")
_WHERE = re.compile(r"(?P<what>.*) - at `(?P<key>key in )?\$(?P<path>.*)`$", re.DOTALL)
_MISSING = re.compile(r"missing required field `(?P<name>[^`]+)`")
_UNKNOWN = re.compile(r"unknown field `(?P<name>.+)`", re.DOTALL)


class StrictRequest(Request[Actor | None, Any, State]):
    """A request whose JSON is decoded straight into the handler's Struct, with nothing coerced."""

    async def json(self) -> Any:
        """Give the body as the handler's type; raises Malformed, Invalid."""
        field = self.route_handler.parsed_data_field
        return decode(await self.body(), field.annotation if field else Any)


def decode(body: bytes, shape: Any) -> Any:
    """Decode JSON into a type; raises Malformed when it is not JSON, Invalid when it is another shape."""
    try:
        value = msgspec.json.decode(body, type=shape)
        json.loads(body, object_pairs_hook=_once)
    except msgspec.ValidationError as error:
        raise Invalid(faults=[_fault(str(error))]) from None
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        raise Malformed(Words(f"Not JSON we can read: {error}", f"JSON illisible : {error}")) from None
    return value


def _once(pairs: list[tuple[str, object]]) -> None:
    names = [name for name, _ in pairs]
    if len(names) != len(set(names)):
        raise ValueError("a field is given twice")


def _fault(message: str) -> Fault:
    found = _WHERE.match(message)
    what, path = (found["what"], found["path"]) if found else (message, "")
    pointer = "".join(f"/{part}" for part in re.findall(r"[^.\[\]]+", path))
    if named := _MISSING.search(what):
        return Fault(f"{pointer}/{named['name']}", "required", Words(what, what))
    if named := _UNKNOWN.search(what):
        return Fault(f"{pointer}/{_escape(named['name'])}", "unknown-field", Words(what, what))
    return Fault(pointer, "invalid", Words(what, what))


def _escape(name: str) -> str:
    return name[:100].replace("~", "~0").replace("/", "~1")


async def strictly(request: Request[Any, Any, Any]) -> None:
    """Refuse, before anything is read, a body that is not JSON and query parameters nobody knows."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if request.method != "GET" and kind != "application/json" and await request.body():
        raise UnsupportedMedia
    _check_query(request)


def _check_query(request: Request[Any, Any, Any]) -> None:
    pairs = list(request.query_params.multi_items())
    known = query_names(request.route_handler)
    faults = [
        Fault(f"/{_escape(name)}", "unknown-parameter", Words("Unknown parameter.", "Paramètre inconnu."))
        for name in dict.fromkeys(name for name, _ in pairs)
        if name not in known
    ]
    faults += [
        Fault(f"/{name}", "invalid", Words("Not plain UTF-8 text.", "Ce n’est pas un texte UTF-8."))
        for name, text in pairs
        if name in known and _UNREADABLE.search(text)
    ]
    if faults:
        raise Invalid(faults=faults)


@cache
def query_names(handler: BaseRouteHandler) -> frozenset[str]:
    """Give the query parameters that a handler declares."""
    return frozenset(
        field.kwarg_definition.name or name
        for name, field in handler.parsed_fn_signature.parameters.items()
        if isinstance(field.kwarg_definition, QueryParameter)
    )

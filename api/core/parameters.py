"""Query parameters read strictly: known, given once, written in the one form of their type."""

import re
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime
from functools import cache
from typing import Any

import msgspec
from litestar import Request
from litestar.handlers import BaseRouteHandler
from litestar.params import QueryParameter
from litestar.typing import FieldDefinition
from msgspec import structs

from api.core.decoding import said
from api.core.language import Words
from api.core.problems import Fault, Invalid

HIDDEN = r"\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff"
"""Characters that no text holds, in a class of a pattern: they break a line unseen, or turn words around."""
UNREADABLE = re.compile(rf"[\x00-\x1f\ufffd{HIDDEN}]")
_UNKNOWN = Words("Unknown parameter.", "Paramètre inconnu.")
_MISSING = Words("This parameter is missing.", "Ce paramètre manque.")
_REPEATED = Words("Give it once.", "Donnez-le une seule fois.")
_NOT_TEXT = Words("Not plain UTF-8 text.", "Ce n’est pas un texte UTF-8.")
_CONTROLS = re.compile(r"[\x00-\x1f\x7f]")
_NO_CONTROLS = Words("No control characters.", "Pas de caractères de contrôle.")
_PASTED = re.compile(r"[\t\n\v\f\r]")
"""What stands between words where somebody pasted them."""
_TURNED = Words("It comes before `{first}`.", "Cette date précède `{first}`.")
_NULL = Words("Leave it out instead of null.", "Omettez-le plutôt que d’écrire null.")
# msgspec's lax mode would take 1.0 and 1e1 for 10, NaN, seconds since 1970, and instants without an offset.
_FORMS = {
    int: (re.compile(r"-?[0-9]{1,18}"), Words("A whole number.", "Un nombre entier.")),
    float: (re.compile(r"-?[0-9]{1,15}(\.[0-9]{1,15})?"), Words("A decimal number.", "Un nombre décimal.")),
    datetime: (
        re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d{1,9})?([Zz]|[+-]\d\d:\d\d)", re.ASCII),
        Words("An instant with its offset (RFC 3339).", "Un instant avec son décalage (RFC 3339)."),
    ),
}
_SPANS = (("from", "to"), ("starts_after", "starts_before"))
"""Parameters that are, together, the two ends of a time."""


def check_query(request: Request[Any, Any, Any]) -> None:
    """Refuse a query that is not understood to the letter; raises Invalid naming every fault."""
    pairs = list(request.query_params.multi_items())
    if request.route_handler.opt.get("any_query"):  # another's redirect decides what it adds
        return
    fields, required = query_fields(request.route_handler), _required(request.route_handler)
    if not pairs and not required:
        return
    given = dict(pairs)
    faults = [*_faults(fields, required, pairs), *_turned(fields, given)]
    if rules := request.route_handler.opt.get("query_rules"):
        faults += rules(given)
    if faults:
        # Nothing is decoded after a refusal: what the decoder would have said of the others is said here.
        said_of = {fault.pointer for fault in faults}
        rest = _undecoded(request.route_handler, fields, pairs)
        raise Invalid(faults=[*faults, *(fault for fault in rest if fault.pointer not in said_of)])


def _faults(
    fields: dict[str, FieldDefinition], required: list[str], pairs: list[tuple[str, str]]
) -> Iterator[Fault]:
    names = [name for name, _ in pairs]
    for name in dict.fromkeys(names):
        if name not in fields:
            yield Fault(f"/{escape(name)}", "unknown-parameter", _UNKNOWN)
        elif names.count(name) > 1 and not fields[name].is_non_string_sequence:
            yield Fault(f"/{name}", "repeated", _REPEATED)
    for name in required:
        if name not in names:
            yield Fault(f"/{name}", "required", _MISSING)
    for name, text in pairs:
        if name in fields and (words := _misread(fields[name], pasted(text) if name == "q" else text)):
            yield Fault(f"/{name}", "invalid", words)


def _misread(field: FieldDefinition, text: str) -> Words | None:
    if UNREADABLE.search(text):
        return _NO_CONTROLS if _CONTROLS.search(text) else _NOT_TEXT
    types = set(_types(field))
    if text.lower() == "null" and str not in types:
        return _NULL
    for kind, (form, words) in _FORMS.items():
        if kind in types and not form.fullmatch(text):
            return words
    return None


def _undecoded(
    handler: BaseRouteHandler, fields: dict[str, FieldDefinition], pairs: list[tuple[str, str]]
) -> Iterator[Fault]:
    shapes = {field.name: field.type for field in structs.fields(handler.signature_model)}
    for name, field in fields.items():
        texts = [text for given, text in pairs if given == name]
        if texts:
            many = field.is_non_string_sequence
            try:
                msgspec.convert(texts if many else texts[-1], shapes[field.name], strict=False)
            except msgspec.ValidationError as error:
                message = str(error).partition(" - at `")[0]
                yield Fault(f"/{name}", "invalid", said(message, field.annotation, ["0"] if many else []))


def pasted(text: str) -> str:
    """Give words that were typed or pasted, with a space where a tab or a line break stood."""
    return _PASTED.sub(" ", text)


def _turned(fields: dict[str, FieldDefinition], given: dict[str, str]) -> Iterator[Fault]:
    for first, last in _SPANS:
        # What is no date at all is refused where it is read; what is not given ends nothing.
        with suppress(KeyError, msgspec.ValidationError):
            begins, ends = (msgspec.convert(given[name], fields[name].annotation) for name in (first, last))
            if ends < begins:
                yield Fault(f"/{last}", "before-start", _TURNED.format(first=first))


def _types(field: FieldDefinition) -> Iterator[Any]:
    yield field.annotation
    for inner in field.inner_types:
        yield from _types(inner)


@cache
def query_fields(handler: BaseRouteHandler) -> dict[str, FieldDefinition]:
    """Give the query parameters that a handler declares, by their public name."""
    return {
        field.kwarg_definition.name or name: field
        for name, field in handler.parsed_fn_signature.parameters.items()
        if isinstance(field.kwarg_definition, QueryParameter)
    }


@cache
def _required(handler: BaseRouteHandler) -> list[str]:
    return [name for name, field in query_fields(handler).items() if not field.has_default]


def escape(name: str) -> str:
    """Write a name inside a JSON pointer (RFC 6901)."""
    return name[:100].replace("~", "~0").replace("/", "~1")

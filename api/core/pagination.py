"""Keyset pagination with signed cursors: a page continues after the last row seen, never by counting."""

import hashlib
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from typing import Annotated, Any, TypeVar

import msgspec
from litestar.params import QueryParameter

from api.core.language import Words
from api.core.problems import Malformed
from api.core.schemas import Page
from api.core.signing import holds, sign

Item = TypeVar("Item")
Limit = Annotated[int, QueryParameter(ge=1, le=100, description="How many items at most.")]
CursorText = Annotated[str | None, QueryParameter(max_length=4000, description="`next` of the page before.")]

_PURPOSE = "cursor"
_SIGNATURE = 32


def page(rows: list[Item], limit: int, question: object, *keys: str) -> Page[Item]:
    """Make a page of `limit + 1` rows read; `keys` are the fields the rows are sorted by."""
    if len(rows) <= limit:
        return Page(items=rows)
    last = rows[limit - 1]
    return Page(items=rows[:limit], next=_write([getattr(last, key) for key in keys], question))


def read_cursor(text: str | None, question: object, *types: Any) -> tuple[Any, ...] | None:
    """Read back the sort keys of a cursor given for the same question; raises Malformed otherwise."""
    if text is None:
        return None
    try:
        raw = urlsafe_b64decode(text + "=" * (-len(text) % 4))
        signature, payload = raw[:_SIGNATURE], raw[_SIGNATURE:]
        if not holds(_PURPOSE, signature, _signed(payload, question)):
            raise ValueError(text)
        return msgspec.msgpack.decode(payload, type=tuple.__class_getitem__(types))  # type: ignore[no-any-return]
    except (ValueError, msgspec.MsgspecError):
        raise Malformed(
            Words("This cursor is not of this list.", "Ce curseur n’est pas celui de cette liste."),
            pointer="/cursor",
        ) from None


def narrowed(
    conditions: Mapping[str, str], asked: Mapping[str, object], first: int
) -> tuple[str, list[object]]:
    """Give the conditions of what is asked, None asking nothing, with places from `first` on; and their arguments."""
    given = {name: value for name, value in asked.items() if value is not None}
    where = " ".join(conditions[name].format(place) for place, name in enumerate(given, first))
    return where, list(given.values())


def _write(keys: list[object], question: object) -> str:
    payload = msgspec.msgpack.encode(keys)
    signature = sign(_PURPOSE, _signed(payload, question))
    return urlsafe_b64encode(signature + payload).rstrip(b"=").decode()


def _signed(payload: bytes, question: object) -> bytes:
    return hashlib.sha256(msgspec.msgpack.encode(question)).digest() + payload

"""Keyset pagination with signed cursors: a page continues after the last row seen, never by counting."""

import hashlib
import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Annotated, Any, TypeVar

import msgspec
from litestar.params import QueryParameter

from api.core.language import Words
from api.core.problems import Malformed
from api.core.schemas import Page

Item = TypeVar("Item")
Limit = Annotated[int, QueryParameter(ge=1, le=100, description="How many items at most.")]
CursorText = Annotated[str | None, QueryParameter(max_length=1000, description="`next` of the page before.")]

_secrets: tuple[str, ...] = ()


def sign_with(secrets: tuple[str, ...]) -> None:
    """Take the secrets: the first signs, all verify."""
    global _secrets  # noqa: PLW0603
    _secrets = secrets


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
        signature, payload = raw[:16], raw[16:]
        if not any(hmac.compare_digest(signature, _sign(secret, payload, question)) for secret in _secrets):
            raise ValueError(text)
        return msgspec.msgpack.decode(payload, type=tuple.__class_getitem__(types))  # type: ignore[no-any-return]
    except (ValueError, msgspec.MsgspecError):
        raise Malformed(
            Words("This cursor is not of this list.", "Ce curseur n’est pas celui de cette liste."),
            pointer="/cursor",
        ) from None


def _write(keys: list[object], question: object) -> str:
    payload = msgspec.msgpack.encode(keys)
    return urlsafe_b64encode(_sign(_secrets[0], payload, question) + payload).rstrip(b"=").decode()


def _sign(secret: str, payload: bytes, question: object) -> bytes:
    asked = msgspec.msgpack.encode(question)
    return hmac.digest(secret.encode(), b"cursor" + hashlib.sha256(asked).digest() + payload, "sha256")[:16]

"""Base Structs and bounded types of every request body and answer."""

from datetime import datetime
from typing import Annotated, Any, Generic, TypeVar

import msgspec
from msgspec import Meta

Item = TypeVar("Item")

NO_CONTROL = r"^[^\x00-\x1f\x7f]*$(?!\n)"
NO_CONTROL_BUT_LINES = r"^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f]*$"
SEEN = r"[^\s\u00ad\u034f\u061c\u115f\u1160\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\u2800\u3164\ufeff\uffa0]"
"""A character that shows something."""
WORDED_LINE = rf"^(?=.*{SEEN})[^\x00-\x1f\x7f]*$(?!\n)"
WORDED = rf"^(?=[\s\S]*{SEEN})[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f]*$"
ADDRESS = r"^[^\s@\x00-\x1f<>\",;:\\]{1,64}@[^\s@\x00-\x1f<>\",;:\\]+\.[a-zA-Z]{2,63}$(?!\n)"
IDENTIFIER = r"^[0-9A-Za-z ]+$(?!\n)"
LANGUAGE = r"^[a-z]{2}$(?!\n)"
PHONE = r"^\+?[0-9][0-9 .()-]{5,28}$(?!\n)"
POSTCODE = r"^[0-9]{5}$(?!\n)"
SKILL = r"^[a-z0-9]+(-[a-z0-9]+)*$(?!\n)"
YEAR_DAY = r"^(0[1-9]|1[0-2])-(0[1-9]|1[0-9]|2[0-8])$(?!\n)"
WEB = r"^https?://[^\s\x00-\x1f]+$(?!\n)"

Line = Annotated[str, Meta(min_length=1, max_length=200, pattern=WORDED_LINE)]
"""A line of words."""
Text = Annotated[str, Meta(max_length=5000, pattern=NO_CONTROL_BUT_LINES)]
"""A text of several paragraphs."""
Reason = Annotated[str, Meta(min_length=1, max_length=1000, pattern=WORDED)]
Reasons = Annotated[
    list[Annotated[str, Meta(min_length=1, max_length=500, pattern=WORDED_LINE)]],
    Meta(min_length=1, max_length=10),
]
Email = Annotated[str, Meta(max_length=254, pattern=ADDRESS)]
"""A mail address (RFC 5321 lengths), compared without case."""
WebUrl = Annotated[str, Meta(max_length=2000, pattern=WEB)]
Instant = Annotated[datetime, Meta(tz=True)]
Minutes = Annotated[int, Meta(ge=1, le=1_000_000)]


class In(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A request body: unknown fields are refused."""


class Out(msgspec.Struct, frozen=True, kw_only=True):
    """An answer."""


class Page(msgspec.Struct, Generic[Item], frozen=True, kw_only=True):
    """A list's page: `next` is the cursor of the following one, null on the last."""

    items: list[Item]
    next: str | None = None


def changes(patch: In) -> dict[Any, Any]:
    """Give the fields that a merge patch names; those it leaves out are UNSET (RFC 7396)."""
    return {
        name: value for name, value in msgspec.structs.asdict(patch).items() if value is not msgspec.UNSET
    }


def merged(present: dict[str, Any] | None, patch: In) -> dict[str, Any] | None:
    """Give an object as a merge patch leaves it (RFC 7396), all its fields named; None where it says nothing more."""
    fields = dict.fromkeys(patch.__struct_fields__) | (present or {}) | msgspec.to_builtins(patch)
    return fields if any(value is not None for value in fields.values()) else None


class Reasoned(In, frozen=True, kw_only=True):
    """An act that must say why."""

    reason: Reason


class ReasonsIn(In, frozen=True, kw_only=True):
    """Why something is sent back, shown to its author."""

    reasons: Reasons

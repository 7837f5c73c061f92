"""Facts: what happened, recorded in the transaction that made it happen; workers react to them later."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, ClassVar
from uuid import UUID

import msgspec

from api.core import clock
from api.core.database import bound
from api.core.ids import new_id

_history: ContextVar[bool] = ContextVar("history", default=False)

FACTS: dict[str, "type[Fact]"] = {}

_RECORD = """
    INSERT INTO outbox (id, fact, payload, company_id, association_id, recorded_at, relayed_at, about)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
"""


class Fact(msgspec.Struct, frozen=True, kw_only=True):
    """Something that happened: ids only, past tense; the tenant is whose walls a reaction runs behind.

    `about`: the field that names its object, whose facts are reacted to in their order.
    """

    name: ClassVar[str]
    about: ClassVar[str | None] = None
    company_id: UUID | None = None
    association_id: UUID | None = None

    def __init_subclass__(cls, **_: Any) -> None:
        super().__init_subclass__()
        cls.name = cls.__name__
        FACTS[cls.__name__] = cls


@contextmanager
def history() -> Iterator[None]:
    """Record the facts of the block as relayed already: they are kept, and nobody is told of them any more."""
    token = _history.set(True)
    try:
        yield
    finally:
        _history.reset(token)


async def record(*facts: Fact) -> None:
    """Record facts in the open transaction; raises RuntimeError outside of one."""
    now = clock.now()
    relayed = now if _history.get() else None
    rows = [
        (
            new_id(),
            fact.name,
            msgspec.msgpack.encode(fact),
            fact.company_id,
            fact.association_id,
            now,
            relayed,
            getattr(fact, fact.about) if fact.about else None,
        )
        for fact in facts
    ]
    await bound().executemany(_RECORD, rows)

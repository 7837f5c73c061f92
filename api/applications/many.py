"""The same answer to many applications: each in a transaction of its own, or a savepoint of the one that is open."""

from collections.abc import Awaitable, Callable
from uuid import UUID

import asyncpg

from api.applications.schemas import ApplicationOut, ManyOut, OneOfMany
from api.core.actor import Actor
from api.core.database import CONTENTION, read
from api.core.problems import Problem, Unavailable

_IN_ORDER = """
    SELECT wanted.id FROM unnest($1::uuid[]) WITH ORDINALITY AS wanted (id, place)
    LEFT JOIN application a ON a.id = wanted.id ORDER BY a.mission_id, place
"""


async def answer_many(
    actor: Actor, ids: list[UUID], act: Callable[[UUID], Awaitable[ApplicationOut]]
) -> ManyOut:
    """Answer applications mission by mission, as asked within one; what one of them meets keeps no other waiting.

    Gives what became of each in the order asked, a Problem or contention as the problem of that one alone.
    """
    wanted = list(dict.fromkeys(ids))
    async with read(actor) as connection:
        rows = await connection.fetch(_IN_ORDER, wanted)
    # The lock order: under an Idempotency-Key, every mission stays locked until the last is answered.
    became = {row["id"]: await _answered(actor, row["id"], act) for row in rows}
    return ManyOut(items=[became[one] for one in wanted])


async def _answered(actor: Actor, one: UUID, act: Callable[[UUID], Awaitable[ApplicationOut]]) -> OneOfMany:
    try:
        return OneOfMany(id=one, status=200, state=(await act(one)).state)
    except Problem as met:
        problem = met
    except (*CONTENTION, asyncpg.LockNotAvailableError):
        problem = Unavailable()
    return OneOfMany(id=one, status=problem.status, problem=problem.document(actor.language))

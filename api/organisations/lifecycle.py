"""Use cases of an association's life after it was verified: suspension and its end, closing."""

from typing import Any
from uuid import UUID

import asyncpg

from api.core import clock
from api.core.actor import Actor
from api.core.database import Connection, found, transaction
from api.core.language import Words
from api.core.lifecycle import Move, starts
from api.core.outbox import record
from api.core.problems import Forbidden, Problem
from api.organisations import policy, queries
from api.organisations.facts import AssociationClosed, AssociationReinstated, AssociationSuspended
from api.organisations.schemas import AssociationOut
from api.organisations.tables import Association

_LOCK = "SELECT lock_association($1)"
_PRESENT = """
    SELECT a.state, a.version, a.name, m.role FROM association a
    LEFT JOIN association_member m ON m.association_id = a.id AND m.person_id = $2 WHERE a.id = $1
"""
_REVOKE_ALL = """
    UPDATE invitation SET revoked_at = $2
    WHERE association_id = $1 AND accepted_at IS NULL AND revoked_at IS NULL
"""


class HoursWaiting(Problem):
    """Hours declared to the association wait for its answer, and nobody could give it afterwards; `waiting` counts."""

    status = 409
    slug = "hours-waiting"
    title = Words("Declared hours wait for your answer", "Des heures déclarées attendent votre réponse")


async def enter(connection: Connection, actor: Actor, association_id: UUID) -> asyncpg.Record:
    """Lock an association; gives its state, version and name, and the caller's own role. Raises NotFound.

    The role is read after the lock: the caller may have lost it since they were signed in.
    """
    await connection.execute(_LOCK, association_id)
    return found(await connection.fetchrow(_PRESENT, association_id, actor.author))


async def suspend_association(
    actor: Actor, association_id: UUID, reason: str, asked: int | None
) -> AssociationOut:
    """Suspend a verified association and pause its published missions, as a moderator from outside.

    Raises NotFound, Forbidden, WrongState, VersionChanged.
    """
    async with transaction(actor) as connection:
        present = await enter(connection, actor, association_id)
        policy.require_outsider(actor, association_id)
        if await _move(association_id, policy.SUSPEND, present, asked, reason):
            await record(AssociationSuspended(association_id=association_id))
        return await queries.get_association(connection, association_id, actor)


async def reinstate_association(actor: Actor, association_id: UUID, asked: int | None) -> AssociationOut:
    """End a suspension, and publish again the missions that it paused, as a moderator from outside.

    Raises NotFound, Forbidden, WrongState, VersionChanged.
    """
    async with transaction(actor) as connection:
        present = await enter(connection, actor, association_id)
        policy.require_outsider(actor, association_id)
        if await _move(association_id, policy.REINSTATE, present, asked):
            await record(AssociationReinstated(association_id=association_id))
        return await queries.get_association(connection, association_id, actor)


async def close_association(actor: Actor, association_id: UUID, asked: int | None) -> AssociationOut:
    """Close an association without live missions for ever, as its owner: its members have no seat any more.

    Raises NotFound, Forbidden, WrongState, VersionChanged, HoursWaiting.
    """
    async with transaction(actor) as connection:
        present = await enter(connection, actor, association_id)
        # By the row: who closed it has no membership left, and may ask again.
        if present["role"] != "owner":
            raise Forbidden
        if await _close(association_id, present, asked):
            await connection.execute(_REVOKE_ALL, association_id, clock.now())
            await record(AssociationClosed(association_id=association_id))
        return await queries.get_association(connection, association_id, actor)


async def _close(association_id: UUID, present: asyncpg.Record, asked: int | None) -> bool:
    try:
        return await _move(association_id, policy.CLOSE, present, asked)
    except asyncpg.CheckViolationError as error:
        if error.constraint_name != "association_closes_without_hours":
            raise
        raise _hours_waiting(int(error.detail or 0)) from None


def _hours_waiting(waiting: int) -> HoursWaiting:
    words = Words(
        "Hours that wait for you to confirm or reject them: {waiting}. Answer them before closing.",
        "Heures qui attendent d’être confirmées ou refusées : {waiting}. Répondez-y avant de fermer.",
    )
    return HoursWaiting(words.format(waiting=waiting), waiting=waiting)


async def _move(
    association_id: UUID, act: Move, present: asyncpg.Record, asked: int | None, reason: str | None = None
) -> bool:
    """Move an association that is locked, its missions with it (a trigger); tells whether it had to."""
    if not starts(act, present["state"], version=present["version"], asked=asked):
        return False
    change: dict[Any, Any] = {"state": act.target, "state_reason": reason}
    await Association.update(change).where(Association.id == association_id)
    return True

"""What ends missions, and with them every live application: nobody is left without an answer."""

from typing import Any
from uuid import UUID

import msgspec

from api.applications.facts import (
    ApplicationCancelled,
    ApplicationCompleted,
    ApplicationExpired,
    ApplicationFact,
    EmployerApproved,
    EmployerRefused,
)
from api.applications.moves import ids
from api.core.actor import Actor
from api.core.database import Connection, retried, transaction
from api.core.lifecycle import Move, starts
from api.core.outbox import record
from api.missions import policy
from api.missions.facts import MissionCancelled, MissionCompleted
from api.missions.lifecycle import enter, move_mission, require_keeper
from api.missions.queries import get_mission
from api.missions.schemas import MissionOut
from api.organisations import lifecycle, service
from api.organisations.policy import require_member
from api.organisations.schemas import AssociationOut

_LIVE_MISSIONS = "SELECT id FROM mission WHERE association_id = $1 AND state = ANY ($2) ORDER BY id"
_END = """
    UPDATE application a SET state = $3, state_reason = $4
    FROM (SELECT id FROM application WHERE mission_id = $1 AND state = ANY ($2) ORDER BY id FOR UPDATE) was
    WHERE a.id = was.id RETURNING a.id AS application_id, a.association_id, a.company_id
"""
FACTS: dict[str, type[ApplicationFact]] = {
    "cancelled": ApplicationCancelled,
    "completed": ApplicationCompleted,
    "expired": ApplicationExpired,
}
_SETTLED = "SELECT application_id, association_id, company_id, told FROM settle_pending($1)"
_WORDS: dict[str, type[ApplicationFact]] = {"approved": EmployerApproved, "refused": EmployerRefused}
_WAITING = ["submitted", "shortlisted", "waitlisted", "offered"]


@retried
async def cancel_mission(actor: Actor, mission_id: UUID, reason: str, asked: int | None) -> MissionOut:
    """Cancel a mission and every live application, each told why, as its association or a moderator.

    Raises NotFound, Forbidden, WrongState, VersionChanged.
    """
    async with transaction(actor) as connection:
        present = await enter(connection, mission_id, actor)
        association_id = present["association_id"]
        require_keeper(actor, association_id)
        if starts(policy.CANCEL, present["state"], version=present["version"], asked=asked):
            async with transaction(_inside(actor, association_id)) as inside:
                await _cancel(inside, mission_id, association_id, reason)
        return await get_mission(connection, mission_id, actor)


@retried
async def complete_mission(actor: Actor, mission_id: UUID, asked: int | None) -> MissionOut:
    """End a mission in progress: who was accepted did it, whoever still waited is told that it is over.

    Where an employer is still asked, what it agreed to before stands, else its silence decides by its policy.
    Raises NotFound, Forbidden, WrongState, VersionChanged.
    """
    async with transaction(actor) as connection:
        present = await enter(connection, mission_id, actor)
        require_member(actor, present["association_id"])
        if starts(policy.COMPLETE, present["state"], version=present["version"], asked=asked):
            await _settle(connection, mission_id)
            await _end(connection, mission_id, ["accepted"], "completed", None)
            await _end(connection, mission_id, _WAITING, "expired", "mission_completed")
            await _close(policy.COMPLETE, mission_id, MissionCompleted, present["association_id"])
        return await get_mission(connection, mission_id, actor)


@retried
async def close_association(actor: Actor, association_id: UUID, asked: int | None) -> AssociationOut:
    """Close an association for ever, as its owner: its live missions are cancelled, its members lose their seats.

    Raises NotFound, Forbidden, WrongState, VersionChanged, HoursWaiting.
    """
    async with transaction(actor) as connection:
        await _cancel_all(connection, actor, association_id, "association_closed")
        return await lifecycle.close_association(actor, association_id, asked)


@retried
async def refuse_association(
    actor: Actor, association_id: UUID, reasons: list[str], asked: int | None
) -> AssociationOut:
    """Refuse to verify an association, with reasons its owner reads; its live missions are cancelled.

    Raises NotFound, Forbidden, WrongState, VersionChanged.
    """
    async with transaction(actor) as connection:
        await _cancel_all(connection, actor, association_id, "association_refused")
        return await service.refuse_association(actor, association_id, reasons, asked)


async def _cancel_all(connection: Connection, actor: Actor, association_id: UUID, reason: str) -> None:
    """Cancel the live missions of an association; the caller's act is refused, or not, after that, and undoes it."""
    await lifecycle.enter(connection, actor, association_id)
    async with transaction(_inside(actor, association_id)) as inside:
        for row in await inside.fetch(_LIVE_MISSIONS, association_id, list(policy.LIVE)):
            await enter(inside, row["id"], _inside(actor, association_id))
            await _cancel(inside, row["id"], association_id, reason)


async def _cancel(connection: Connection, mission_id: UUID, association_id: UUID, reason: str) -> None:
    await _end(connection, mission_id, [*_WAITING, "accepted"], "cancelled", "mission_cancelled")
    await _close(policy.CANCEL, mission_id, MissionCancelled, association_id, reason)


async def _settle(connection: Connection, mission_id: UUID) -> None:
    """Give the word of the employers of a mission that is locked who are still asked, and say so where it is new."""
    for row in await connection.fetch(_SETTLED, mission_id):
        if row["told"]:
            await record(_WORDS[row["told"]](**ids(*row[:3])))


async def _end(
    connection: Connection, mission_id: UUID, sources: list[str], state: str, reason: str | None
) -> None:
    """End the applications of a mission that is locked, and say so of each."""
    ended = await connection.fetch(_END, mission_id, sources, state, reason)
    await record(*(FACTS[state](**row) for row in ended))


async def _close(
    act: Move, mission_id: UUID, fact: Any, association_id: UUID, reason: str | None = None
) -> None:
    await move_mission(mission_id, act.target, reason)
    await record(fact(mission_id=mission_id, association_id=association_id))


def _inside(actor: Actor, association_id: UUID) -> Actor:
    """Let a moderator in for the act: applications are behind the association's walls."""
    if association_id in actor.memberships or "moderator" not in actor.roles:
        return actor
    return msgspec.structs.replace(actor, memberships={**actor.memberships, association_id: "system"})

"""What the employer says of confirmed working time, and who is asked for it."""

from uuid import UUID

import asyncpg

from api.applications import policy as applications
from api.applications.employer import standing_in
from api.core.actor import Actor
from api.core.database import retried, transaction
from api.core.lifecycle import starts
from api.core.outbox import record
from api.core.problems import Forbidden
from api.hours import policy, queries
from api.hours.facts import HoursApproved, HoursHandedOn
from api.hours.moves import lock, move, tenants_of
from api.hours.schemas import HoursOut

_TO_HR = """
    UPDATE hours_entry h SET manager_id = NULL FROM employee e
    WHERE h.id = $1 AND e.id = h.manager_id AND NOT e.active AND h.state = 'confirmed' RETURNING h.id
"""


@retried
async def approve_hours(actor: Actor, hours_id: UUID, asked: int | None) -> HoursOut:
    """Approve confirmed working time as manager or HR; raises NotFound, Forbidden, WrongState, VersionChanged."""
    actor = await standing_in(actor)
    async with transaction(actor) as connection:
        entry = await lock(connection, hours_id, actor)
        require_employer(actor, entry)
        if starts(policy.APPROVE, entry["state"], version=entry["version"], asked=asked):
            await move(entry, state=policy.APPROVE.target, approved_by=actor.author)
            await record(HoursApproved(hours_id=hours_id, **tenants_of(entry)))
        return await queries.get_hours(connection, hours_id, actor)


async def ask_hr_instead(actor: Actor, hours_id: UUID) -> None:
    """Ask HR in the place of a manager who left without an answer; in the system's name."""
    async with transaction(actor) as connection:
        entry = await lock(connection, hours_id, actor)
        if await connection.fetchval(_TO_HR, hours_id):
            await record(HoursHandedOn(hours_id=hours_id, **tenants_of(entry)))


def require_employer(actor: Actor, entry: asyncpg.Record) -> None:
    """Let in the manager in charge, or HR, of somebody else's working time; raises Forbidden."""
    if entry["regime"] != "working_time":
        raise Forbidden
    applications.require_employer(actor, entry["company_id"], entry["manager_id"], entry["person_id"])

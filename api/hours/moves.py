"""What every act on hours shares: the lock of the application first, then the entry; the move."""

from typing import Any
from uuid import UUID

import asyncpg

from api.applications.moves import not_own
from api.applications.policy import require_sight
from api.core.actor import Actor
from api.core.database import Connection, found
from api.core.language import Words
from api.core.problems import NotFound, WrongState
from api.hours import policy
from api.hours.tables import HoursEntry

_ABSENT = Words(
    "You said that this person did not come: say first that they did the mission.",
    "Vous avez dit que cette personne n’est pas venue : dites d’abord qu’elle a fait la mission.",
)


def tenants_of(row: asyncpg.Record) -> dict[str, UUID]:
    """Give the tenants of a fact about a row."""
    return {"association_id": row["association_id"], "company_id": row["company_id"]}


async def move(entry: asyncpg.Record, **change: object) -> None:
    """Write to an entry that is locked; raises NotFound, Forbidden, and WrongState for whoever did not come."""
    where = (HoursEntry.id == entry["id"]) & (HoursEntry.state == entry["state"])
    try:
        with not_own():
            if not await HoursEntry.update(dict[Any, Any](change)).where(where).returning(HoursEntry.id):
                raise NotFound
    except asyncpg.CheckViolationError as error:
        if error.constraint_name != "hours_entry_of_who_came":
            raise
        raise WrongState(_ABSENT, state="no_show", allowed=sorted(policy.WORKING)) from None


async def lock_engagement(connection: Connection, application_id: UUID, actor: Actor) -> asyncpg.Record:
    """Lock an application that the caller sees, and give its row with its mission's time zone; raises NotFound."""
    engagement = found(
        await connection.fetchrow(
            """SELECT p.*, m.time_zone FROM application p JOIN mission m ON m.id = p.mission_id
               WHERE p.id = $1 FOR NO KEY UPDATE OF p""",
            application_id,
        )
    )
    require_sight(actor, engagement)
    return engagement


async def lock(connection: Connection, hours_id: UUID, actor: Actor) -> asyncpg.Record:
    """Lock an entry that the caller sees, its application first, and give its row; raises NotFound."""
    application_id = found(
        await connection.fetchval("SELECT application_id FROM hours_entry WHERE id = $1", hours_id)
    )
    await lock_engagement(connection, application_id, actor)
    return found(await connection.fetchrow("SELECT * FROM hours_entry WHERE id = $1 FOR UPDATE", hours_id))

"""Edits of a mission that its applications follow."""

from uuid import UUID

import msgspec

from api.applications.moves import AssociationSuspended, offer_places
from api.core.actor import Actor
from api.core.database import retried, transaction
from api.missions import service
from api.missions.queries import get_mission
from api.missions.schemas import MissionOut, MissionPatch

_KEPT_WAITING = """
    SELECT EXISTS (SELECT FROM application WHERE mission_id = m.id AND state = 'waitlisted')
    FROM mission m JOIN association s ON s.id = m.association_id
    WHERE m.id = $1 AND s.state = 'suspended' AND m.taken < m.places
"""


@retried
async def update_mission(actor: Actor, mission_id: UUID, given: MissionPatch, edited: int) -> MissionOut:
    """Edit a mission, and offer the places that it gains to whoever waits, in their order.

    Raises NotFound, Forbidden, WrongState, VersionChanged, Invalid, PlacesTaken, PeopleApplied,
    SessionAgreed, and AssociationSuspended where somebody waits for the places that nobody may be offered now.
    """
    async with transaction(actor) as connection:
        mission = await service.update_mission(actor, mission_id, given, edited)
        if given.places is msgspec.UNSET:
            return mission
        if await connection.fetchval(_KEPT_WAITING, mission_id):
            raise AssociationSuspended
        await offer_places(connection, mission_id)
        return await get_mission(connection, mission_id, actor)

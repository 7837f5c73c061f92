"""Edits of a mission that its applications follow."""

from uuid import UUID

import msgspec

from api.applications.moves import offer_places
from api.core.actor import Actor
from api.core.database import retried, transaction
from api.missions import service
from api.missions.queries import get_mission
from api.missions.schemas import MissionOut, MissionPatch


@retried
async def update_mission(actor: Actor, mission_id: UUID, given: MissionPatch, edited: int) -> MissionOut:
    """Edit a mission, and offer the places that it gains to whoever waits, in their order.

    Raises NotFound, Forbidden, WrongState, VersionChanged, Invalid, PlacesTaken, PeopleApplied.
    """
    async with transaction(actor) as connection:
        mission = await service.update_mission(actor, mission_id, given, edited)
        if given.places is msgspec.UNSET:
            return mission
        await offer_places(connection, mission_id)
        return await get_mission(connection, mission_id, actor)

"""Missions over HTTP."""

from typing import Annotated
from uuid import UUID

from litestar import Response, Router, delete, get, post
from litestar.params import FromPath, JSONBody, QueryParameter

from api.core.actor import public, signed_in
from api.core.database import read
from api.core.pagination import CursorText, Limit
from api.core.problems import Forbidden, Invalid, NotFound, VersionChanged, WrongState
from api.core.routing import AskedVersion, Caller, Viewer, created
from api.core.schemas import Page
from api.missions import queries, service
from api.missions.routes_search import search
from api.missions.schemas import (
    MissionIn,
    MissionLine,
    MissionOut,
    MissionState,
)
from api.organisations.policy import require_member
from api.organisations.queries import association_state


@post(
    "/v1/missions",
    operation_id="createMission",
    scope="missions:write",
    guards=[signed_in],
    raises=[NotFound, Forbidden, Invalid],
)
async def create_mission(actor: Caller, data: JSONBody[MissionIn]) -> Response[MissionOut]:
    """Write a draft, which may be incomplete: `problems` say what is missing."""
    mission = await service.create_mission(actor, data)
    return created(mission, f"/v1/missions/{mission.id}")


@get(
    "/v1/missions/{mission_id:uuid}",
    operation_id="getMission",
    scope="missions:read",
    guards=[public],
    raises=[NotFound],
)
async def get_mission(viewer: Viewer, mission_id: FromPath[UUID]) -> MissionOut:
    """Give a mission that was published to those it is for; any other to its association, and to moderators.

    A draft is its association's alone, a text that is contested is for whoever applied too.
    """
    async with read(viewer) as connection:
        return await queries.get_mission(connection, mission_id, viewer)


@post(
    "/v1/missions/{mission_id:uuid}/duplicate",
    operation_id="duplicateMission",
    scope="missions:write",
    guards=[signed_in],
    raises=[NotFound, Forbidden],
)
async def duplicate_mission(actor: Caller, mission_id: FromPath[UUID]) -> Response[MissionOut]:
    """Copy a mission of one's association, in any state, into a new draft without its days."""
    mission = await service.duplicate_mission(actor, mission_id)
    return created(mission, f"/v1/missions/{mission.id}")


@delete(
    "/v1/missions/{mission_id:uuid}",
    operation_id="deleteMission",
    scope="missions:write",
    guards=[signed_in],
    raises=[NotFound, Forbidden, WrongState, VersionChanged],
)
async def delete_mission(actor: Caller, mission_id: FromPath[UUID], asked: AskedVersion) -> None:
    """Delete a draft, or a mission that was rejected; any other is cancelled."""
    await service.delete_mission(actor, mission_id, asked)


@get(
    "/v1/associations/{association_id:uuid}/missions",
    operation_id="listAssociationMissions",
    scope="missions:read",
    guards=[signed_in],
    raises=[NotFound, Forbidden],
)
async def list_association_missions(
    actor: Caller,
    association_id: FromPath[UUID],
    wanted: Annotated[MissionState | None, QueryParameter(name="state")] = None,
    limit: Limit = 20,
    cursor: CursorText = None,
) -> Page[MissionLine]:
    """List an association's missions of every state, to its members."""
    async with read(actor) as connection:
        await association_state(connection, association_id, actor)
        require_member(actor, association_id)
        return await queries.list_association_missions(connection, association_id, wanted, limit, cursor)


router = Router(
    "/",
    route_handlers=[
        create_mission,
        search,
        get_mission,
        duplicate_mission,
        delete_mission,
        list_association_missions,
    ],
    tags=["missions"],
)

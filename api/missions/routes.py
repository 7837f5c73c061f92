"""Missions over HTTP."""

from typing import Annotated
from uuid import UUID

from litestar import Request, Response, Router, get, patch, post
from litestar.datastructures import State
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter

from api.core.actor import Actor, moderator, public, signed_in
from api.core.database import read
from api.core.errors import reader_language
from api.core.pagination import CursorText, Limit
from api.core.problems import Forbidden, Invalid, NotFound, VersionChanged, VersionRequired, WrongState
from api.core.routing import AskedVersion, Caller, EditedVersion, Viewer, created
from api.core.schemas import Page
from api.missions import queries, service
from api.missions.schemas import (
    Format,
    MissionIn,
    MissionLine,
    MissionOut,
    MissionPatch,
    MissionState,
    MissionSummary,
    Remote,
)
from api.organisations.policy import require_member
from api.organisations.queries import get_association
from api.organisations.schemas import Cause, ReasonsIn, Regime

JUDGE = [NotFound, Forbidden, WrongState, VersionChanged]


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


@get("/v1/missions", operation_id="searchMissions", guards=[public])
async def search_missions(
    association: FromQuery[UUID | None] = None,
    format: FromQuery[Format | None] = None,  # noqa: A002
    cause: FromQuery[Cause | None] = None,
    remote: FromQuery[Remote | None] = None,
    regime: FromQuery[Regime | None] = None,
    has_places: Annotated[bool, QueryParameter(description="Only where a place is left.")] = False,
    limit: Limit = 20,
    cursor: CursorText = None,
) -> Page[MissionSummary]:
    """List the published missions, the newest first."""
    async with read(None) as connection:
        return await queries.search_missions(
            connection,
            limit,
            cursor,
            association=association,
            format=format,
            cause=cause,
            remote=remote,
            regime=regime,
            has_places=has_places,
        )


@get(
    "/v1/missions/{mission_id:uuid}",
    operation_id="getMission",
    scope="missions:read",
    guards=[public],
    raises=[NotFound],
)
async def get_mission(
    viewer: Viewer, mission_id: FromPath[UUID], request: Request[Actor | None, None, State]
) -> MissionOut:
    """Give a mission that was published; any other to its association and to moderators."""
    async with read(viewer) as connection:
        return await queries.get_mission(connection, mission_id, viewer, reader_language(request))


@patch(
    "/v1/missions/{mission_id:uuid}",
    operation_id="updateMission",
    scope="missions:write",
    guards=[signed_in],
    raises=[NotFound, Forbidden, Invalid, WrongState, VersionChanged, VersionRequired, service.PlacesTaken],
)
async def update_mission(
    actor: Caller, mission_id: FromPath[UUID], data: JSONBody[MissionPatch], edited: EditedVersion
) -> MissionOut:
    """Edit a mission of one's association; a submitted one becomes a draft again."""
    return await service.update_mission(actor, mission_id, data, edited)


@post(
    "/v1/missions/{mission_id:uuid}/submit",
    operation_id="submitMission",
    scope="missions:write",
    guards=[signed_in],
    status_code=200,
    raises=[*JUDGE, Invalid],
)
async def submit_mission(actor: Caller, mission_id: FromPath[UUID], asked: AskedVersion) -> MissionOut:
    """Submit a draft: published at once for a verified association, else read by a moderator first."""
    return await service.submit_mission(actor, mission_id, asked)


@post(
    "/v1/missions/{mission_id:uuid}/publish",
    operation_id="publishMission",
    guards=[moderator],
    status_code=200,
    raises=JUDGE,
)
async def publish_mission(actor: Caller, mission_id: FromPath[UUID], asked: AskedVersion) -> MissionOut:
    """Publish a submitted mission, as a moderator who is not of its association."""
    return await service.publish_mission(actor, mission_id, asked)


@post(
    "/v1/missions/{mission_id:uuid}/reject",
    operation_id="rejectMission",
    guards=[moderator],
    status_code=200,
    raises=[*JUDGE, Invalid],
)
async def reject_mission(
    actor: Caller, mission_id: FromPath[UUID], data: JSONBody[ReasonsIn], asked: AskedVersion
) -> MissionOut:
    """Send a submitted mission back with reasons."""
    return await service.reject_mission(actor, mission_id, data.reasons, asked)


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
        await get_association(connection, association_id, actor)
        require_member(actor, association_id)
        return await queries.list_association_missions(connection, association_id, wanted, limit, cursor)


router = Router(
    "/",
    route_handlers=[
        create_mission,
        search_missions,
        get_mission,
        update_mission,
        submit_mission,
        publish_mission,
        reject_mission,
        list_association_missions,
    ],
    tags=["missions"],
)

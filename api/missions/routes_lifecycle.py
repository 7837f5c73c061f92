"""A mission's life, and its moderation, over HTTP."""

from typing import Annotated
from uuid import UUID

from litestar import Response, Router, get, post
from litestar.params import FromPath, JSONBody, QueryParameter

from api.core.actor import moderator, signed_in
from api.core.database import read
from api.core.language import Words
from api.core.pagination import CursorText, Limit
from api.core.problems import Fault, Forbidden, Invalid, NotFound, VersionChanged, VersionRequired, WrongState
from api.core.routing import AskedVersion, Caller, EditedVersion, created
from api.core.schemas import Page, ReasonsIn
from api.missions import lifecycle, moderation
from api.missions.schemas import FlagIn, FlagOut, MissionOut, Resolved, Submitted, Waiting
from api.organisations.policy import AlreadyRegistered
from api.organisations.schemas import AssociationOut

ACT = [NotFound, Forbidden, WrongState, VersionChanged]
JUDGE = [*ACT, VersionRequired]
KINDS = ("association", "mission", "flag")


@post(
    "/v1/missions/{mission_id:uuid}/submit",
    operation_id="submitMission",
    scope="missions:write",
    guards=[signed_in],
    status_code=200,
    raises=[*ACT, Invalid],
)
async def submit_mission(
    actor: Caller, mission_id: FromPath[UUID], asked: AskedVersion, data: JSONBody[Submitted | None] = None
) -> MissionOut:
    """Submit a draft: published at once for a verified association, else read by a moderator first."""
    ask_review = data is not None and data.ask_review
    return await lifecycle.submit_mission(actor, mission_id, asked, ask_review=ask_review)


@post(
    "/v1/missions/{mission_id:uuid}/publish",
    operation_id="publishMission",
    guards=[moderator],
    status_code=200,
    raises=JUDGE,
)
async def publish_mission(actor: Caller, mission_id: FromPath[UUID], edited: EditedVersion) -> MissionOut:
    """Publish a mission in the version read: a submitted one, or one that a moderator holds; else end its review."""
    return await lifecycle.publish_mission(actor, mission_id, edited)


@post(
    "/v1/missions/{mission_id:uuid}/reject",
    operation_id="rejectMission",
    guards=[moderator],
    status_code=200,
    raises=[*JUDGE, Invalid],
)
async def reject_mission(
    actor: Caller, mission_id: FromPath[UUID], data: JSONBody[ReasonsIn], edited: EditedVersion
) -> MissionOut:
    """Send a submitted mission back with reasons, in the version read."""
    return await lifecycle.reject_mission(actor, mission_id, data.reasons, edited)


@post(
    "/v1/missions/{mission_id:uuid}/pause",
    operation_id="pauseMission",
    scope="missions:write",
    guards=[signed_in],
    status_code=200,
    raises=ACT,
)
async def pause_mission(actor: Caller, mission_id: FromPath[UUID], asked: AskedVersion) -> MissionOut:
    """Take a published mission out of search, as its association or a moderator; its clock goes on."""
    return await lifecycle.pause_mission(actor, mission_id, asked)


@post(
    "/v1/missions/{mission_id:uuid}/resume",
    operation_id="resumeMission",
    scope="missions:write",
    guards=[signed_in],
    status_code=200,
    raises=ACT,
)
async def resume_mission(actor: Caller, mission_id: FromPath[UUID], asked: AskedVersion) -> MissionOut:
    """Put a paused mission back into search."""
    return await lifecycle.resume_mission(actor, mission_id, asked)


@post(
    "/v1/missions/{mission_id:uuid}/start",
    operation_id="startMission",
    scope="missions:write",
    guards=[signed_in],
    status_code=200,
    raises=[*ACT, lifecycle.NobodyAccepted],
)
async def start_mission(actor: Caller, mission_id: FromPath[UUID], asked: AskedVersion) -> MissionOut:
    """Start a mission with those who were accepted; by the clock it starts on its first day."""
    return await lifecycle.start_mission(actor, mission_id, asked)


@post(
    "/v1/associations/{association_id:uuid}/verify",
    operation_id="verifyAssociation",
    guards=[moderator],
    status_code=200,
    raises=[*JUDGE, AlreadyRegistered],
)
async def verify_association(
    actor: Caller, association_id: FromPath[UUID], asked: AskedVersion
) -> AssociationOut:
    """Say that an association is who it says, as a moderator from outside; what waited for that is published."""
    return await lifecycle.verify_association(actor, association_id, asked)


@post(
    "/v1/missions/{mission_id:uuid}/flags",
    operation_id="flagMission",
    guards=[signed_in],
    raises=[NotFound, Forbidden, moderation.AlreadyFlagged],
)
async def flag_mission(
    actor: Caller, mission_id: FromPath[UUID], data: JSONBody[FlagIn]
) -> Response[FlagOut]:
    """Tell the moderators what is wrong with a mission; its association never learns who did."""
    return created(await moderation.flag_mission(actor, mission_id, data), f"/v1/missions/{mission_id}")


@post(
    "/v1/flags/{flag_id:uuid}/resolve",
    operation_id="resolveFlag",
    guards=[moderator],
    status_code=200,
    raises=[NotFound, Forbidden, WrongState],
)
async def resolve_flag(actor: Caller, flag_id: FromPath[UUID], data: JSONBody[Resolved]) -> FlagOut:
    """Decide on a flag; whoever raised it is told."""
    return await moderation.resolve_flag(actor, flag_id, data.outcome)


@get(
    "/v1/moderation/queue",
    operation_id="listModerationQueue",
    guards=[moderator],
    raises=[Forbidden, Invalid],
)
async def list_moderation_queue(
    actor: Caller,
    kind: Annotated[
        str | None,
        QueryParameter(max_length=40, description="`association`, `mission`, `flag`: some, by commas."),
    ] = None,
    limit: Limit = 20,
    cursor: CursorText = None,
) -> Page[Waiting]:
    """List what waits for a moderator, the longest first, but for the bodies the caller belongs to."""
    kinds = kind.split(",") if kind else list(KINDS)
    if set(kinds) - set(KINDS):
        words = Words("association, mission or flag.", "association, mission ou flag.")
        raise Invalid(faults=[Fault("/kind", "unknown-kind", words)])
    async with read(actor) as connection:
        return await moderation.list_moderation_queue(connection, kinds, limit, cursor)


router = Router(
    "/",
    route_handlers=[
        submit_mission,
        publish_mission,
        reject_mission,
        pause_mission,
        resume_mission,
        start_mission,
        verify_association,
        flag_mission,
        resolve_flag,
        list_moderation_queue,
    ],
    tags=["missions"],
)

"""What is done to missions and to their applications at once, over HTTP."""

from uuid import UUID

from litestar import Router, patch, post
from litestar.params import FromPath, JSONBody

from api.applications import edits, endings
from api.applications.moves import AssociationSuspended
from api.core.actor import moderator, signed_in
from api.core.problems import Forbidden, Invalid, NotFound, VersionChanged, VersionRequired, WrongState
from api.core.routing import AskedVersion, Caller, EditedVersion
from api.core.schemas import Reasoned, ReasonsIn
from api.missions.schemas import MissionOut, MissionPatch
from api.missions.service import PeopleApplied, PlacesTaken, SessionAgreed
from api.organisations.lifecycle import HoursWaiting
from api.organisations.schemas import AssociationOut

ACT = [NotFound, Forbidden, WrongState, VersionChanged]


@patch(
    "/v1/missions/{mission_id:uuid}",
    operation_id="updateMission",
    tags=["missions"],
    scope="missions:write",
    guards=[signed_in],
    raises=[*ACT, Invalid, VersionRequired, PlacesTaken, PeopleApplied, SessionAgreed, AssociationSuspended],
)
async def update_mission(
    actor: Caller, mission_id: FromPath[UUID], data: JSONBody[MissionPatch], edited: EditedVersion
) -> MissionOut:
    """Edit a mission of one's association; a submitted one becomes a draft again, who waits is offered new places.

    Until it starts all may change, but for `format`, `regimes`, `reserved_to` and `time_zone` once somebody applied
    (the two lists may still open it to more). In progress `places`, `contact` and `managers` do; days and effort are
    proposed person by person (proposeChange). Once it is over nothing does: duplicate it.
    """
    return await edits.update_mission(actor, mission_id, data, edited)


@post(
    "/v1/missions/{mission_id:uuid}/complete",
    operation_id="completeMission",
    scope="missions:write",
    guards=[signed_in],
    status_code=200,
    raises=ACT,
)
async def complete_mission(actor: Caller, mission_id: FromPath[UUID], asked: AskedVersion) -> MissionOut:
    """End a mission in progress; by the clock it ends after its last day."""
    return await endings.complete_mission(actor, mission_id, asked)


@post(
    "/v1/missions/{mission_id:uuid}/cancel",
    operation_id="cancelMission",
    scope="missions:write",
    guards=[signed_in],
    status_code=200,
    raises=[*ACT, Invalid],
)
async def cancel_mission(
    actor: Caller, mission_id: FromPath[UUID], data: JSONBody[Reasoned], asked: AskedVersion
) -> MissionOut:
    """Cancel a mission with every live application, as its association or a moderator; each is told why."""
    return await endings.cancel_mission(actor, mission_id, data.reason, asked)


@post(
    "/v1/associations/{association_id:uuid}/close",
    operation_id="closeAssociation",
    guards=[signed_in],
    status_code=200,
    raises=[*ACT, HoursWaiting],
)
async def close_association(
    actor: Caller, association_id: FromPath[UUID], asked: AskedVersion
) -> AssociationOut:
    """Close an association for ever, as its owner, once declared hours are answered; live missions are cancelled."""
    return await endings.close_association(actor, association_id, asked)


@post(
    "/v1/associations/{association_id:uuid}/refuse",
    operation_id="refuseAssociation",
    guards=[moderator],
    status_code=200,
    raises=[*ACT, Invalid],
)
async def refuse_association(
    actor: Caller, association_id: FromPath[UUID], data: JSONBody[ReasonsIn], asked: AskedVersion
) -> AssociationOut:
    """Refuse to verify, with reasons its owner reads; its live missions are cancelled."""
    return await endings.refuse_association(actor, association_id, data.reasons, asked)


# Without `update_mission`: its path is of another router too, and each would bring its own OPTIONS.
router = Router(
    "/",
    route_handlers=[complete_mission, cancel_mission, close_association, refuse_association],
    tags=["missions"],
)

"""What ends missions, and the applications with them, over HTTP."""

from uuid import UUID

from litestar import Router, post
from litestar.params import FromPath, JSONBody

from api.applications import endings
from api.core.actor import moderator, signed_in
from api.core.problems import Forbidden, Invalid, NotFound, VersionChanged, WrongState
from api.core.routing import AskedVersion, Caller
from api.core.schemas import Reasoned
from api.missions.schemas import MissionOut
from api.organisations.schemas import AssociationOut, ReasonsIn

ACT = [NotFound, Forbidden, WrongState, VersionChanged]


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
    raises=ACT,
)
async def close_association(
    actor: Caller, association_id: FromPath[UUID], asked: AskedVersion
) -> AssociationOut:
    """Close an association for ever, as its owner; its live missions are cancelled."""
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


router = Router(
    "/",
    route_handlers=[complete_mission, cancel_mission, close_association, refuse_association],
    tags=["missions"],
)

"""Changing what was agreed, over HTTP."""

from uuid import UUID

from litestar import Response, Router, get, post
from litestar.params import FromPath, JSONBody

from api.applications import changes
from api.applications.moves import LIMITS, EmployerConditions
from api.applications.schemas import ChangeIn, ChangeOut
from api.core.actor import signed_in
from api.core.database import read
from api.core.pagination import CursorText, Limit
from api.core.problems import Forbidden, Invalid, NotFound, VersionChanged, WrongState
from api.core.routing import AskedVersion, Caller, created
from api.core.schemas import Page

ACT = [NotFound, Forbidden, WrongState, VersionChanged]


@post(
    "/v1/applications/{application_id:uuid}/changes",
    operation_id="proposeChange",
    scope="applications:write",
    guards=[signed_in],
    raises=[NotFound, Forbidden, WrongState, Invalid, changes.ChangeWaiting],
)
async def propose_change(
    actor: Caller, application_id: FromPath[UUID], data: JSONBody[ChangeIn]
) -> Response[ChangeOut]:
    """Propose to the other side of an engagement to change its days, sessions or effort."""
    change = await changes.propose_change(actor, application_id, data)
    return created(change, f"/v1/applications/{application_id}/changes")


@get(
    "/v1/applications/{application_id:uuid}/changes",
    operation_id="listChanges",
    scope="applications:read",
    guards=[signed_in],
    raises=[NotFound, Forbidden],
)
async def list_changes(
    actor: Caller, application_id: FromPath[UUID], limit: Limit = 20, cursor: CursorText = None
) -> Page[ChangeOut]:
    """List the changes proposed on an engagement to its two sides, the newest first."""
    async with read(actor) as connection:
        return await changes.list_changes(connection, application_id, actor, limit, cursor)


@post(
    "/v1/changes/{change_id:uuid}/accept",
    operation_id="acceptChange",
    scope="applications:write",
    guards=[signed_in],
    status_code=200,
    raises=[*ACT, *LIMITS, EmployerConditions, Invalid],
)
async def accept_change(actor: Caller, change_id: FromPath[UUID], asked: AskedVersion) -> ChangeOut:
    """Accept what the other side proposed; on working time a longer effort asks the employer again."""
    return await changes.accept_change(actor, change_id, asked)


@post(
    "/v1/changes/{change_id:uuid}/decline",
    operation_id="declineChange",
    scope="applications:write",
    guards=[signed_in],
    status_code=200,
    raises=ACT,
)
async def decline_change(actor: Caller, change_id: FromPath[UUID], asked: AskedVersion) -> ChangeOut:
    """Decline what the other side proposed: all stays as it was agreed."""
    return await changes.decline_change(actor, change_id, asked)


@post(
    "/v1/changes/{change_id:uuid}/withdraw",
    operation_id="withdrawChange",
    scope="applications:write",
    guards=[signed_in],
    status_code=200,
    raises=ACT,
)
async def withdraw_change(actor: Caller, change_id: FromPath[UUID], asked: AskedVersion) -> ChangeOut:
    """Take back what one's own side proposed."""
    return await changes.withdraw_change(actor, change_id, asked)


router = Router(
    "/",
    route_handlers=[propose_change, list_changes, accept_change, decline_change, withdraw_change],
    tags=["applications"],
)

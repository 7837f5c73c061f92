"""Applications over HTTP."""

from datetime import date
from typing import Annotated
from uuid import UUID

from litestar import Response, Router, get, post
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter

from api.applications import admission, employer, queries, service
from api.applications.moves import LIMITS, AssociationSuspended
from api.applications.queries import Wanted
from api.applications.schemas import (
    AllowanceOut,
    ApplicationIn,
    ApplicationOut,
    ApplicationState,
    EmployerApproval,
    Withdrawn,
)
from api.core.actor import employed, signed_in
from api.core.database import read
from api.core.pagination import CursorText, Limit
from api.core.problems import Forbidden, Invalid, NotFound, VersionChanged, WrongState
from api.core.routing import AskedVersion, Caller, created
from api.core.schemas import Page, Reasoned
from api.missions.queries import get_mission
from api.organisations.policy import require_employee, require_member
from api.organisations.queries import association_state, get_company

# Litestar keeps the name `state` for itself.
InState = Annotated[ApplicationState | None, QueryParameter(name="state")]
Approval = Annotated[
    EmployerApproval | None,
    QueryParameter(description="`pending`: what still waits for the employer's word."),
]
First = Annotated[
    date | None, QueryParameter(name="from", description="Applied on this day of the company or later.")
]
Last = Annotated[date | None, QueryParameter(name="to", description="Applied on this day or before.")]
ACT = [NotFound, Forbidden, WrongState, VersionChanged]


@post(
    "/v1/missions/{mission_id:uuid}/applications",
    operation_id="applyToMission",
    guards=[employed],
    raises=[
        NotFound,
        Forbidden,
        Invalid,
        WrongState,
        service.AlreadyApplied,
        admission.ApplicationsClosed,
        admission.DeclinedBefore,
        service.TooManyApplications,
        *LIMITS,
    ],
)
async def apply_to_mission(
    actor: Caller, mission_id: FromPath[UUID], data: JSONBody[ApplicationIn]
) -> Response[ApplicationOut]:
    """Apply to a published mission, on working or personal time."""
    application = await service.apply_to_mission(actor, mission_id, data)
    return created(application, f"/v1/applications/{application.id}")


@get(
    "/v1/missions/{mission_id:uuid}/applications",
    operation_id="listMissionApplications",
    scope="applications:read",
    guards=[signed_in],
    raises=[NotFound, Forbidden],
)
async def list_mission_applications(
    actor: Caller,
    mission_id: FromPath[UUID],
    in_state: InState = None,
    limit: Limit = 20,
    cursor: CursorText = None,
) -> Page[ApplicationOut]:
    """List who applied to a mission, to its association."""
    async with read(actor) as connection:
        mission = await get_mission(connection, mission_id, actor)
        require_member(actor, mission.association.id)
        return await queries.list_applications(
            connection, "mission", mission_id, actor, Wanted(in_state), limit, cursor
        )


@get(
    "/v1/associations/{association_id:uuid}/applications",
    operation_id="listAssociationApplications",
    scope="applications:read",
    guards=[signed_in],
    raises=[NotFound, Forbidden],
)
async def list_association_applications(
    actor: Caller,
    association_id: FromPath[UUID],
    in_state: InState = None,
    mission: FromQuery[UUID | None] = None,
    limit: Limit = 20,
    cursor: CursorText = None,
) -> Page[ApplicationOut]:
    """List who applied to an association, to its members: all of them, or those of one mission."""
    async with read(actor) as connection:
        await association_state(connection, association_id, actor)
        require_member(actor, association_id)
        return await queries.list_applications(
            connection, "association", association_id, actor, Wanted(in_state, mission), limit, cursor
        )


@get(
    "/v1/companies/{company_id:uuid}/applications",
    operation_id="listCompanyApplications",
    scope="applications:read",
    guards=[signed_in],
    raises=[NotFound, Forbidden],
)
async def list_company_applications(
    actor: Caller,
    company_id: FromPath[UUID],
    in_state: InState = None,
    employer_approval: Approval = None,
    employee: FromQuery[UUID | None] = None,
    first: First = None,
    last: Last = None,
    limit: Limit = 20,
    cursor: CursorText = None,
) -> Page[ApplicationOut]:
    """List a company's working-time applications: all to HR, to anybody else those of their team."""
    wanted = Wanted(in_state, None, employer_approval, employee, first, last)
    viewer = await employer.standing_in(actor)
    async with read(viewer) as connection:
        await get_company(connection, company_id, viewer)
        require_employee(viewer, company_id)
        return await queries.list_applications(
            connection, "company", company_id, viewer, wanted, limit, cursor
        )


@get("/v1/me/applications", operation_id="listMyApplications", guards=[signed_in])
async def list_my_applications(
    actor: Caller,
    in_state: InState = None,
    limit: Limit = 20,
    cursor: CursorText = None,
) -> Page[ApplicationOut]:
    """List one's own applications, the newest first."""
    async with read(actor) as connection:
        return await queries.list_applications(
            connection, "person", actor.author, actor, Wanted(in_state), limit, cursor
        )


@get("/v1/me/allowance", operation_id="getMyAllowance", guards=[employed], raises=[NotFound])
async def get_my_allowance(
    actor: Caller, year: Annotated[int | None, QueryParameter(ge=2000, le=2100)] = None
) -> AllowanceOut:
    """Give the working time one's employer gives a year: this one, or the one that begins in the year asked for."""
    async with read(actor) as connection:
        return await queries.get_allowance(connection, actor, year)


@get(
    "/v1/applications/{application_id:uuid}",
    operation_id="getApplication",
    scope="applications:read",
    guards=[signed_in],
    raises=[NotFound],
)
async def get_application(actor: Caller, application_id: FromPath[UUID]) -> ApplicationOut:
    """Give an application to its two sides; one on working time to the employer too, without the message."""
    viewer = await employer.standing_in(actor)
    async with read(viewer) as connection:
        return await queries.get_application(connection, application_id, viewer)


@post(
    "/v1/applications/{application_id:uuid}/withdraw",
    operation_id="withdrawApplication",
    guards=[signed_in],
    status_code=200,
    raises=[*ACT, Invalid],
)
async def withdraw_application(
    actor: Caller, application_id: FromPath[UUID], data: JSONBody[Withdrawn], asked: AskedVersion
) -> ApplicationOut:
    """Withdraw one's own application; its place is free again."""
    return await service.withdraw_application(actor, application_id, data, asked)


@post(
    "/v1/applications/{application_id:uuid}/accept-offer",
    operation_id="acceptOffer",
    guards=[signed_in],
    status_code=200,
    raises=[*ACT, AssociationSuspended, *LIMITS],
)
async def accept_offer(actor: Caller, application_id: FromPath[UUID], asked: AskedVersion) -> ApplicationOut:
    """Take the place that is kept for oneself, before its deadline."""
    return await service.accept_offer(actor, application_id, asked)


@post(
    "/v1/applications/{application_id:uuid}/approve",
    operation_id="approveApplication",
    scope="applications:write",
    guards=[signed_in],
    status_code=200,
    raises=ACT,
)
async def approve_application(
    actor: Caller, application_id: FromPath[UUID], asked: AskedVersion
) -> ApplicationOut:
    """Give the employer's agreement, as the manager in charge or HR."""
    return await employer.approve_application(actor, application_id, asked)


@post(
    "/v1/applications/{application_id:uuid}/refuse",
    operation_id="refuseApplication",
    scope="applications:write",
    guards=[signed_in],
    status_code=200,
    raises=[*ACT, Invalid],
)
async def refuse_application(
    actor: Caller, application_id: FromPath[UUID], data: JSONBody[Reasoned], asked: AskedVersion
) -> ApplicationOut:
    """Refuse as the employer, which ends the application and frees its place."""
    return await employer.refuse_application(actor, application_id, data.reason, asked)


router = Router(
    "/",
    route_handlers=[
        apply_to_mission,
        list_mission_applications,
        list_association_applications,
        list_company_applications,
        list_my_applications,
        get_my_allowance,
        get_application,
        accept_offer,
        withdraw_application,
        approve_application,
        refuse_application,
    ],
    tags=["applications"],
)

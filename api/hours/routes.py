"""Hours and the ledger over HTTP."""

from datetime import date
from typing import Annotated
from uuid import UUID

from litestar import Response, Router, get, post
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter

from api.applications.employer import standing_in
from api.applications.moves import EmployerPending
from api.applications.queries import get_application
from api.core.actor import signed_in
from api.core.database import read
from api.core.pagination import CursorText, Limit
from api.core.problems import Forbidden, Invalid, NotFound, VersionChanged, WrongState
from api.core.routing import AskedVersion, Caller, created
from api.core.schemas import Page, Reasoned
from api.hours import employer, queries, service
from api.hours.queries import Wanted
from api.hours.schemas import Confirmed, HoursIn, HoursOut, HoursState, LedgerLineOut
from api.organisations.policy import require_company_role, require_employee, require_member
from api.organisations.queries import association_state, get_company

# Litestar keeps the name `state` for itself.
InState = Annotated[HoursState | None, QueryParameter(name="state")]
First = Annotated[date | None, QueryParameter(name="from", description="Worked on this day or later.")]
Last = Annotated[date | None, QueryParameter(name="to", description="Worked on this day or before.")]
ACT = [NotFound, Forbidden, WrongState, VersionChanged]


@post(
    "/v1/applications/{application_id:uuid}/hours",
    operation_id="declareHours",
    guards=[signed_in],
    raises=[NotFound, Forbidden, WrongState, Invalid, EmployerPending, service.DayDeclared],
)
async def declare_hours(
    actor: Caller, application_id: FromPath[UUID], data: JSONBody[HoursIn]
) -> Response[HoursOut]:
    """Declare minutes worked on a day of one's engagement."""
    entry = await service.declare_hours(actor, application_id, data)
    return created(entry, f"/v1/hours/{entry.id}")


@get(
    "/v1/applications/{application_id:uuid}/hours",
    operation_id="listHours",
    scope="hours:read",
    guards=[signed_in],
    raises=[NotFound],
)
async def list_hours(
    actor: Caller,
    application_id: FromPath[UUID],
    in_state: InState = None,
    limit: Limit = 20,
    cursor: CursorText = None,
) -> Page[HoursOut]:
    """List the entries of an engagement to those who may see it."""
    viewer = await standing_in(actor)
    async with read(viewer) as connection:
        await get_application(connection, application_id, viewer)
        return await queries.list_hours(
            connection, "application", application_id, viewer, Wanted(in_state), limit, cursor
        )


@get("/v1/me/hours", operation_id="listMyHours", guards=[signed_in])
async def list_my_hours(
    actor: Caller,
    in_state: InState = None,
    limit: Limit = 20,
    cursor: CursorText = None,
) -> Page[HoursOut]:
    """List one's own entries, the newest first."""
    async with read(actor) as connection:
        return await queries.list_hours(
            connection, "person", actor.author, actor, Wanted(in_state), limit, cursor
        )


@get(
    "/v1/associations/{association_id:uuid}/hours",
    operation_id="listAssociationHours",
    scope="hours:read",
    guards=[signed_in],
    raises=[NotFound, Forbidden],
)
async def list_association_hours(
    actor: Caller,
    association_id: FromPath[UUID],
    in_state: InState = None,
    mission: FromQuery[UUID | None] = None,
    limit: Limit = 20,
    cursor: CursorText = None,
) -> Page[HoursOut]:
    """List the entries of an association's engagements, to its members."""
    async with read(actor) as connection:
        await association_state(connection, association_id, actor)
        require_member(actor, association_id)
        return await queries.list_hours(
            connection, "association", association_id, actor, Wanted(in_state, mission), limit, cursor
        )


@get(
    "/v1/companies/{company_id:uuid}/hours",
    operation_id="listCompanyHours",
    scope="hours:read",
    guards=[signed_in],
    raises=[NotFound, Forbidden],
)
async def list_company_hours(
    actor: Caller,
    company_id: FromPath[UUID],
    in_state: InState = None,
    employee: FromQuery[UUID | None] = None,
    first: First = None,
    last: Last = None,
    limit: Limit = 20,
    cursor: CursorText = None,
) -> Page[HoursOut]:
    """List a company's working-time entries: all to HR, to anybody else those of their team."""
    wanted = Wanted(in_state, None, employee, first, last)
    viewer = await standing_in(actor)
    async with read(viewer) as connection:
        await get_company(connection, company_id, viewer)
        require_employee(viewer, company_id)
        return await queries.list_hours(connection, "company", company_id, viewer, wanted, limit, cursor)


@get(
    "/v1/hours/{hours_id:uuid}",
    operation_id="getHours",
    scope="hours:read",
    guards=[signed_in],
    raises=[NotFound],
)
async def get_hours(actor: Caller, hours_id: FromPath[UUID]) -> HoursOut:
    """Give an entry to those who may see it."""
    viewer = await standing_in(actor)
    async with read(viewer) as connection:
        return await queries.get_hours(connection, hours_id, viewer)


@post(
    "/v1/hours/{hours_id:uuid}/confirm",
    operation_id="confirmHours",
    scope="hours:write",
    guards=[signed_in],
    status_code=200,
    raises=[*ACT, Invalid],
)
async def confirm_hours(
    actor: Caller, hours_id: FromPath[UUID], asked: AskedVersion, data: JSONBody[Confirmed | None] = None
) -> HoursOut:
    """Confirm an entry as the association, or lower it with a reason; it is never raised."""
    return await service.confirm_hours(actor, hours_id, data or Confirmed(), asked)


@post(
    "/v1/hours/{hours_id:uuid}/accept",
    operation_id="acceptHours",
    guards=[signed_in],
    status_code=200,
    raises=ACT,
)
async def accept_hours(actor: Caller, hours_id: FromPath[UUID], asked: AskedVersion) -> HoursOut:
    """Accept the association's lower figure, as the one who worked."""
    return await service.accept_hours(actor, hours_id, asked)


@post(
    "/v1/hours/{hours_id:uuid}/cancel",
    operation_id="cancelHours",
    guards=[signed_in],
    status_code=200,
    raises=ACT,
)
async def cancel_hours(actor: Caller, hours_id: FromPath[UUID], asked: AskedVersion) -> HoursOut:
    """Take back one's own entry while it is not confirmed."""
    return await service.cancel_hours(actor, hours_id, asked)


@post(
    "/v1/hours/{hours_id:uuid}/approve",
    operation_id="approveHours",
    scope="hours:write",
    guards=[signed_in],
    status_code=200,
    raises=ACT,
)
async def approve_hours(actor: Caller, hours_id: FromPath[UUID], asked: AskedVersion) -> HoursOut:
    """Approve confirmed working time, as the manager in charge or HR; the database posts it."""
    return await employer.approve_hours(actor, hours_id, asked)


@post(
    "/v1/hours/{hours_id:uuid}/reject",
    operation_id="rejectHours",
    scope="hours:write",
    guards=[signed_in],
    status_code=200,
    raises=[*ACT, Invalid],
)
async def reject_hours(
    actor: Caller, hours_id: FromPath[UUID], data: JSONBody[Reasoned], asked: AskedVersion
) -> HoursOut:
    """Reject an entry with a reason: a declared one as the association, a confirmed one as the employer."""
    return await service.reject_hours(actor, hours_id, data.reason, asked)


@get(
    "/v1/companies/{company_id:uuid}/ledger",
    operation_id="listLedger",
    scope="ledger:read",
    guards=[signed_in],
    raises=[NotFound, Forbidden],
)
async def list_ledger(
    actor: Caller,
    company_id: FromPath[UUID],
    first: Annotated[date | None, QueryParameter(name="from")] = None,
    last: Annotated[date | None, QueryParameter(name="to")] = None,
    employee: FromQuery[UUID | None] = None,
    limit: Limit = 20,
    cursor: CursorText = None,
) -> Page[LedgerLineOut]:
    """List a company's working-time lines by the day posted, to HR."""
    async with read(actor) as connection:
        await get_company(connection, company_id, actor)
        require_company_role(actor, company_id, "hr")
        return await queries.list_ledger(connection, company_id, first, last, employee, limit, cursor)


router = Router(
    "/",
    route_handlers=[
        declare_hours,
        list_hours,
        list_my_hours,
        list_association_hours,
        list_company_hours,
        get_hours,
        confirm_hours,
        accept_hours,
        cancel_hours,
        approve_hours,
        reject_hours,
        list_ledger,
    ],
    tags=["hours"],
)

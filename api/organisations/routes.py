"""Associations and companies over HTTP."""

from uuid import UUID

from litestar import Response, Router, get, patch, post
from litestar.params import FromPath, JSONBody

from api.core.actor import admin, public, signed_in
from api.core.database import read
from api.core.pagination import CursorText, Limit
from api.core.problems import Forbidden, Invalid, NotFound, VersionChanged, VersionRequired
from api.core.routing import Caller, EditedVersion, Viewer, created
from api.core.schemas import Page
from api.organisations import companies, queries, service
from api.organisations.policy import AlreadyRegistered, require_company_role
from api.organisations.schemas import (
    AssociationIn,
    AssociationOut,
    AssociationPatch,
    AssociationSummary,
    CompanyIn,
    CompanyOut,
    CompanyPatch,
    EmployeeOut,
    EmployeePatch,
)

EDIT = [NotFound, Forbidden, Invalid, VersionChanged, VersionRequired]


@post(
    "/v1/associations",
    operation_id="registerAssociation",
    guards=[signed_in],
    raises=[Invalid, AlreadyRegistered],
)
async def register_association(actor: Caller, data: JSONBody[AssociationIn]) -> Response[AssociationOut]:
    """Register an unverified association; its author becomes its owner."""
    association = await service.register_association(actor, data)
    return created(association, f"/v1/associations/{association.id}")


@get("/v1/associations", operation_id="listAssociations", guards=[public])
async def list_associations(limit: Limit = 20, cursor: CursorText = None) -> Page[AssociationSummary]:
    """List the verified associations by name."""
    async with read(None) as connection:
        return await queries.list_associations(connection, limit, cursor)


@get(
    "/v1/associations/{association_id:uuid}",
    operation_id="getAssociation",
    guards=[public],
    raises=[NotFound],
)
async def get_association(viewer: Viewer, association_id: FromPath[UUID]) -> AssociationOut:
    """Give an association; a refused one to its members, moderators and administrators alone."""
    async with read(viewer) as connection:
        return await queries.get_association(connection, association_id, viewer)


@patch(
    "/v1/associations/{association_id:uuid}",
    operation_id="updateAssociation",
    guards=[signed_in],
    raises=[*EDIT, AlreadyRegistered],
)
async def update_association(
    actor: Caller, association_id: FromPath[UUID], data: JSONBody[AssociationPatch], edited: EditedVersion
) -> AssociationOut:
    """Edit an association, as its owner."""
    return await service.update_association(actor, association_id, data, edited)


@post("/v1/companies", operation_id="createCompany", guards=[admin], raises=[Invalid, AlreadyRegistered])
async def create_company(actor: Caller, data: JSONBody[CompanyIn]) -> Response[CompanyOut]:
    """Create a company with sensible defaults and its first company_admin."""
    company = await companies.create_company(actor, data)
    return created(company, f"/v1/companies/{company.id}")


@patch("/v1/companies/{company_id:uuid}", operation_id="updateCompany", guards=[signed_in], raises=EDIT)
async def update_company(
    actor: Caller, company_id: FromPath[UUID], data: JSONBody[CompanyPatch], edited: EditedVersion
) -> CompanyOut:
    """Edit a company, as its administrator."""
    return await companies.update_company(actor, company_id, data, edited)


@get("/v1/companies/{company_id:uuid}", operation_id="getCompany", guards=[signed_in], raises=[NotFound])
async def get_company(actor: Caller, company_id: FromPath[UUID]) -> CompanyOut:
    """Give a company to its own people."""
    async with read(actor) as connection:
        return await queries.get_company(connection, company_id, actor)


@get(
    "/v1/companies/{company_id:uuid}/employees",
    operation_id="listEmployees",
    scope="employees:read",
    guards=[signed_in],
    raises=[NotFound, Forbidden],
)
async def list_employees(
    actor: Caller, company_id: FromPath[UUID], limit: Limit = 20, cursor: CursorText = None
) -> Page[EmployeeOut]:
    """List a company's employees, to HR and its administrators."""
    async with read(actor) as connection:
        await queries.get_company(connection, company_id, actor)
        require_company_role(actor, company_id, "hr", "company_admin")
        return await queries.list_employees(connection, company_id, limit, cursor)


@get(
    "/v1/companies/{company_id:uuid}/employees/{employee_id:uuid}",
    operation_id="getEmployee",
    scope="employees:read",
    guards=[signed_in],
    raises=[NotFound],
)
async def get_employee(actor: Caller, company_id: FromPath[UUID], employee_id: FromPath[UUID]) -> EmployeeOut:
    """Give an employee to themselves, their manager and HR."""
    async with read(actor) as connection:
        return await queries.get_employee(connection, company_id, employee_id, actor)


@patch(
    "/v1/companies/{company_id:uuid}/employees/{employee_id:uuid}",
    operation_id="updateEmployee",
    guards=[signed_in],
    raises=EDIT,
)
async def update_employee(
    actor: Caller,
    company_id: FromPath[UUID],
    employee_id: FromPath[UUID],
    data: JSONBody[EmployeePatch],
    edited: EditedVersion,
) -> EmployeeOut:
    """Edit an employee: HR; their roles: a company_admin, who does not take that role from themself."""
    return await companies.update_employee(actor, company_id, employee_id, data, edited)


router = Router(
    "/",
    route_handlers=[
        register_association,
        list_associations,
        get_association,
        update_association,
        create_company,
        update_company,
        get_company,
        list_employees,
        get_employee,
        update_employee,
    ],
    tags=["organisations"],
)

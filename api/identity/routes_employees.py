"""Employees leaving and coming back over HTTP."""

from uuid import UUID

from litestar import Router, post
from litestar.params import FromPath, JSONBody

from api.core.actor import signed_in
from api.core.problems import Forbidden, Invalid, NotFound
from api.core.routing import Caller
from api.identity import importing, leaving
from api.identity.arrivals import EmployedElsewhere
from api.identity.schemas import ImportIn, ImportOut
from api.organisations.schemas import EmployeeOut


@post(
    "/v1/companies/{company_id:uuid}/employees/{employee_id:uuid}/deactivate",
    operation_id="deactivateEmployee",
    guards=[signed_in],
    status_code=200,
    raises=[NotFound, Forbidden],
)
async def deactivate_employee(
    actor: Caller, company_id: FromPath[UUID], employee_id: FromPath[UUID]
) -> EmployeeOut:
    """End another employee's access, as HR: when this is answered, nothing that came through the company works."""
    return await leaving.deactivate_employee(actor, company_id, employee_id)


@post(
    "/v1/companies/{company_id:uuid}/employees/{employee_id:uuid}/reactivate",
    operation_id="reactivateEmployee",
    guards=[signed_in],
    status_code=200,
    raises=[NotFound, Forbidden, EmployedElsewhere],
)
async def reactivate_employee(
    actor: Caller, company_id: FromPath[UUID], employee_id: FromPath[UUID]
) -> EmployeeOut:
    """Let an employee in again, as HR: access comes back, places do not."""
    return await leaving.reactivate_employee(actor, company_id, employee_id)


@post(
    "/v1/companies/{company_id:uuid}/employees/import",
    operation_id="importEmployees",
    guards=[signed_in],
    status_code=200,
    raises=[NotFound, Forbidden, Invalid, EmployedElsewhere],
)
async def import_employees(actor: Caller, company_id: FromPath[UUID], data: JSONBody[ImportIn]) -> ImportOut:
    """Take in a file of employees, as HR: first a dry run, then all of it or nothing."""
    return await importing.import_employees(actor, company_id, data)


router = Router(
    "/", route_handlers=[deactivate_employee, reactivate_employee, import_employees], tags=["organisations"]
)

"""A company's dated policies over HTTP."""

from datetime import date
from uuid import UUID

from litestar import Router, delete, get, put
from litestar.params import FromPath, JSONBody

from api.core import clock
from api.core.actor import signed_in
from api.core.database import read
from api.core.pagination import CursorText, Limit
from api.core.problems import Forbidden, Invalid, NotFound, WrongState
from api.core.routing import Caller
from api.core.schemas import Page
from api.organisations import company_policies, queries
from api.organisations.policy import require_company_role
from api.organisations.schemas_policy import PolicyIn, PolicyOut


@get(
    "/v1/companies/{company_id:uuid}/policy",
    operation_id="getPolicy",
    guards=[signed_in],
    raises=[NotFound, Forbidden],
)
async def get_policy(actor: Caller, company_id: FromPath[UUID]) -> PolicyOut:
    """Give the policy in force today, to HR and the company's administrators."""
    async with read(actor) as connection:
        company = await queries.get_company(connection, company_id, actor)
        require_company_role(actor, company_id, "hr", "company_admin")
        return await queries.get_policy(connection, company_id, clock.today(company.time_zone))


@put(
    "/v1/companies/{company_id:uuid}/policy",
    operation_id="putPolicy",
    guards=[signed_in],
    raises=[NotFound, Forbidden, Invalid],
)
async def put_policy(actor: Caller, company_id: FromPath[UUID], data: JSONBody[PolicyIn]) -> PolicyOut:
    """Set what the company allows from a day on; a body for the same day replaces the whole policy of that day."""
    return await company_policies.put_policy(actor, company_id, data)


@get(
    "/v1/companies/{company_id:uuid}/policies",
    operation_id="listPolicies",
    guards=[signed_in],
    raises=[NotFound, Forbidden],
)
async def list_policies(
    actor: Caller, company_id: FromPath[UUID], limit: Limit = 20, cursor: CursorText = None
) -> Page[PolicyOut]:
    """List a company's policies, the planned ones first, then what was in force, to HR and its administrators."""
    async with read(actor) as connection:
        await queries.get_company(connection, company_id, actor)
        require_company_role(actor, company_id, "hr", "company_admin")
        return await queries.list_policies(connection, company_id, limit, cursor)


@delete(
    "/v1/companies/{company_id:uuid}/policies/{effective_from:date}",
    operation_id="deletePolicy",
    guards=[signed_in],
    raises=[NotFound, Forbidden, WrongState],
)
async def delete_policy(actor: Caller, company_id: FromPath[UUID], effective_from: FromPath[date]) -> None:
    """Take back a policy before its day; the one before it then goes on."""
    await company_policies.delete_policy(actor, company_id, effective_from)


router = Router(
    "/", route_handlers=[get_policy, put_policy, list_policies, delete_policy], tags=["organisations"]
)

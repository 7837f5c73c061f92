"""Figures over HTTP."""

from datetime import date
from typing import Annotated, Literal
from uuid import UUID

from litestar import Router, get
from litestar.params import FromPath, FromQuery, QueryParameter

from api.core.actor import signed_in
from api.core.problems import Forbidden, Invalid, NotFound
from api.core.routing import Caller
from api.reporting import queries
from api.reporting.schemas import EngagementReport

AsOf = Annotated[
    str | None,
    QueryParameter(
        pattern=r"^\d{4}-\d\d-\d\d([Tt]\d\d:\d\d:\d\d(\.\d{1,6})?([Zz]|[+-]\d\d:\d\d))?$",
        description="An instant (RFC 3339), or a day of the company's zone: its end.",
    ),
]


@get(
    "/v1/companies/{company_id:uuid}/reports/engagement",
    operation_id="getEngagementReport",
    scope="reports:read",
    guards=[signed_in],
    raises=[NotFound, Forbidden, Invalid],
)
async def get_engagement_report(
    actor: Caller,
    company_id: FromPath[UUID],
    first: Annotated[date, QueryParameter(name="from", description="First day posted.")],
    last: Annotated[date, QueryParameter(name="to", description="Last day posted, included.")],
    by: FromQuery[Literal["month"]] = "month",
    as_of: AsOf = None,
) -> EngagementReport:
    """Give a company's working time by month posted, as it stood at an instant, to HR."""
    return await queries.get_engagement_report(actor, company_id, first, last, as_of)


router = Router("/", route_handlers=[get_engagement_report], tags=["reporting"])

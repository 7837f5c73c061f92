"""The audit logs of associations and companies over HTTP."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from litestar import Router, get
from litestar.params import FromPath, QueryParameter

from api.core.actor import signed_in
from api.core.audit import AuditEventOut, AuditQuestion, list_audit_events
from api.core.database import read
from api.core.pagination import CursorText, Limit
from api.core.problems import Forbidden, NotFound
from api.core.routing import Caller
from api.core.schemas import Page
from api.organisations.policy import require_company_role, require_member
from api.organisations.queries import association_state, get_company

ObjectType = Annotated[
    str | None, QueryParameter(pattern=r"^[a-z_]{1,40}$", description="`policy`, `hours`…")
]
ObjectId = Annotated[UUID | None, QueryParameter(description="One object alone.")]
First = Annotated[datetime | None, QueryParameter(name="from", description="From this instant.")]
Last = Annotated[datetime | None, QueryParameter(name="to", description="Before this instant.")]


@get(
    "/v1/companies/{company_id:uuid}/audit-events",
    operation_id="listAuditEvents",
    guards=[signed_in],
    raises=[NotFound, Forbidden],
)
async def list_company_audit_events(
    actor: Caller,
    company_id: FromPath[UUID],
    object_type: ObjectType = None,
    object_id: ObjectId = None,
    first: First = None,
    last: Last = None,
    limit: Limit = 20,
    cursor: CursorText = None,
) -> Page[AuditEventOut]:
    """List who did what in a company, the newest first, to HR and administrators; personal time is not in it."""
    asked = AuditQuestion(object_type=object_type, object_id=object_id, first=first, last=last)
    async with read(actor) as connection:
        await get_company(connection, company_id, actor)
        require_company_role(actor, company_id, "hr", "company_admin")
        return await list_audit_events(connection, company_id, asked, limit, cursor)


@get(
    "/v1/associations/{association_id:uuid}/audit-events",
    operation_id="listAssociationAuditEvents",
    guards=[signed_in],
    raises=[NotFound, Forbidden],
)
async def list_association_audit_events(
    actor: Caller,
    association_id: FromPath[UUID],
    object_type: ObjectType = None,
    object_id: ObjectId = None,
    first: First = None,
    last: Last = None,
    limit: Limit = 20,
    cursor: CursorText = None,
) -> Page[AuditEventOut]:
    """List who did what in an association, the newest first, to its owners."""
    asked = AuditQuestion(object_type=object_type, object_id=object_id, first=first, last=last)
    async with read(actor) as connection:
        await association_state(connection, association_id, actor)
        require_member(actor, association_id, "owner")
        return await list_audit_events(connection, association_id, asked, limit, cursor)


router = Router(
    "/",
    route_handlers=[list_company_audit_events, list_association_audit_events],
    tags=["organisations"],
)

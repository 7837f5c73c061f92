"""Reads of associations, companies, employees and policies."""

from datetime import date
from uuid import UUID

import msgspec

from api.core import clock, pagination
from api.core.actor import Actor
from api.core.database import Connection, fetch_all, fetch_one, found
from api.core.schemas import Page
from api.organisations.policy import (
    require_sight_of_association,
    require_sight_of_company,
    require_sight_of_employee,
)
from api.organisations.schemas import (
    Address,
    AssociationEvent,
    AssociationOut,
    AssociationSummary,
    CompanyOut,
    Duplicate,
    EmployeeOut,
    FeedbackFigures,
    InvitationOut,
    MemberOut,
)
from api.organisations.schemas_policy import PolicyOut

_ASSOCIATION = """
    SELECT a.id, version, state, state_reason, name, legal_form, purpose, rna, siren, siret, street, postal_code, city,
           latitude, longitude, causes, website, contact_email, public_interest, created_at,
           rate AS reply_rate, median AS reply_median_minutes,
           round(them.again::numeric / nullif(them.answers, 0), 2)::float8 AS people_again,
           round(it.again::numeric / nullif(it.answers, 0), 2)::float8 AS association_again,
           round(it.used::numeric / nullif(it.answers, 0), 2)::float8 AS deliverables_used
    FROM association a CROSS JOIN LATERAL replies_of(a.id, $2)
    LEFT JOIN feedback_total them ON them.association_id = a.id AND NOT them.from_association
    LEFT JOIN feedback_total it ON it.association_id = a.id AND it.from_association
    WHERE a.id = $1
"""
_STATE = "SELECT state FROM association WHERE id = $1"
_INSIDE = """
    SELECT (SELECT jsonb_agg(jsonb_build_object('state', to_state, 'reason', reason, 'at', at) ORDER BY at, id)
            FROM state_event WHERE object = 'association' AND object_id = $1) AS history,
           CASE WHEN $2 THEN (SELECT jsonb_agg(d) FROM duplicates_of($1) d) END AS duplicates
"""
_ASSOCIATIONS = """
    SELECT id, name, city, causes, state FROM association
    WHERE state = $1 AND ($2::text IS NULL OR (name, id) > ($2, $3)) ORDER BY name, id LIMIT $4
"""
_MEMBERS = """
    SELECT m.person_id, m.version, n.given_name, n.family_name, n.email, m.role, m.since
    FROM association_member m JOIN member_names($1) n ON n.person_id = m.person_id
    WHERE m.association_id = $1
"""
_INVITATIONS = """
    SELECT id, email, role, expires_at FROM invitation
    WHERE association_id = $1 AND accepted_at IS NULL AND revoked_at IS NULL AND expires_at > $2
      AND ($3::uuid IS NULL OR id > $3) ORDER BY id LIMIT $4
"""
_COMPANY = """
    SELECT id, version, slug, name, siren, legal_form, time_zone, origins, group_roles FROM company WHERE id = $1
"""
_POLICIES = """
    SELECT effective_from, regimes, legal_form, approval, approval_days, approval_silence, hours_approval, just_in_time,
           formats, causes, associations, yearly_minutes, budget_minutes, day_minutes, year_starts FROM policy
    WHERE company_id = $1
"""
_EMPLOYEE = """
    SELECT id, version, given_name, family_name, email, roles, group_roles, site, department, manager_id, active
    FROM employee WHERE company_id = $1
"""


async def get_association(
    connection: Connection, association_id: UUID, viewer: Actor | None = None
) -> AssociationOut:
    """Give an association that the caller may see, what is its members' own to them; raises NotFound."""
    fields = dict(found(await connection.fetchrow(_ASSOCIATION, association_id, clock.now())))
    require_sight_of_association(viewer, association_id, fields["state"])
    moderates = viewer is not None and "moderator" in viewer.roles
    if moderates or (viewer is not None and association_id in viewer.memberships):
        inside = found(await connection.fetchrow(_INSIDE, association_id, moderates))
        fields["history"] = msgspec.json.decode(inside["history"] or "[]", type=list[AssociationEvent])
        fields["duplicates"] = read_duplicates(inside["duplicates"]) if moderates else None
    else:
        fields |= dict.fromkeys(("contact_email", "state_reason", "history", "duplicates"))
    address = Address(**{name: fields.pop(name) for name in Address.__struct_fields__})
    figures = FeedbackFigures(**{name: fields.pop(name) for name in FeedbackFigures.__struct_fields__})
    return AssociationOut(**fields, address=address, feedback=figures)


def read_duplicates(rows: str | None) -> list[Duplicate]:
    """Read what `duplicates_of` found."""
    return msgspec.json.decode(rows or "[]", type=list[Duplicate])


async def association_state(connection: Connection, association_id: UUID, viewer: Actor | None) -> str:
    """Give the state of an association that the caller may see; raises NotFound."""
    state: str = found(await connection.fetchval(_STATE, association_id))
    require_sight_of_association(viewer, association_id, state)
    return state


async def list_associations(
    connection: Connection, limit: int, cursor: str | None
) -> Page[AssociationSummary]:
    """List the verified associations by name."""
    question = ("associations", "verified")
    name, last = pagination.read_cursor(cursor, question, str, UUID) or (None, None)
    rows = await fetch_all(connection, AssociationSummary, _ASSOCIATIONS, "verified", name, last, limit + 1)
    return pagination.page(rows, limit, question, "name", "id")


async def get_member(connection: Connection, association_id: UUID, person_id: UUID) -> MemberOut:
    """Give a member of an association, within its walls; raises NotFound."""
    query = _MEMBERS + "AND m.person_id = $2"
    return found(await fetch_one(connection, MemberOut, query, association_id, person_id))


async def list_members(
    connection: Connection, association_id: UUID, limit: int, cursor: str | None
) -> Page[MemberOut]:
    """List the members of an association, within its walls."""
    question = ("members", str(association_id))
    (last,) = pagination.read_cursor(cursor, question, UUID) or (None,)
    query = _MEMBERS + "AND ($2::uuid IS NULL OR m.person_id > $2) ORDER BY m.person_id LIMIT $3"
    rows = await fetch_all(connection, MemberOut, query, association_id, last, limit + 1)
    return pagination.page(rows, limit, question, "person_id")


async def list_invitations(
    connection: Connection, association_id: UUID, limit: int, cursor: str | None
) -> Page[InvitationOut]:
    """List the invitations of an association that wait for an answer, within its walls."""
    question = ("invitations", str(association_id))
    (last,) = pagination.read_cursor(cursor, question, UUID) or (None,)
    asked = (association_id, clock.now(), last, limit + 1)
    rows = await fetch_all(connection, InvitationOut, _INVITATIONS, *asked)
    return pagination.page(rows, limit, question, "id")


async def get_company(connection: Connection, company_id: UUID, viewer: Actor) -> CompanyOut:
    """Give a company to its own people and to administrators; raises NotFound."""
    require_sight_of_company(viewer, company_id)
    fields = dict(found(await connection.fetchrow(_COMPANY, company_id)))
    fields["group_roles"] = msgspec.json.decode(fields["group_roles"])
    return CompanyOut(**fields)


async def get_policy(connection: Connection, company_id: UUID, day: date) -> PolicyOut:
    """Give the policy in force on a day; raises NotFound."""
    query = _POLICIES + "AND effective_from <= $2 ORDER BY effective_from DESC LIMIT 1"
    return found(await fetch_one(connection, PolicyOut, query, company_id, day))


async def list_policies(
    connection: Connection, company_id: UUID, limit: int, cursor: str | None
) -> Page[PolicyOut]:
    """List the policies of a company that the caller may see, the last to come into force first."""
    question = ("policies", str(company_id))
    (last,) = pagination.read_cursor(cursor, question, date) or (None,)
    query = _POLICIES + "AND ($2::date IS NULL OR effective_from < $2) ORDER BY effective_from DESC LIMIT $3"
    rows = await fetch_all(connection, PolicyOut, query, company_id, last, limit + 1)
    return pagination.page(rows, limit, question, "effective_from")


async def get_employee(
    connection: Connection, company_id: UUID, employee_id: UUID, viewer: Actor
) -> EmployeeOut:
    """Give an employee whom the caller may see; raises NotFound."""
    query = _EMPLOYEE + "AND id = $2"
    employee = found(await fetch_one(connection, EmployeeOut, query, company_id, employee_id))
    require_sight_of_employee(viewer, company_id, employee_id, employee.manager_id)
    return employee


async def list_employees(
    connection: Connection, company_id: UUID, limit: int, cursor: str | None
) -> Page[EmployeeOut]:
    """List a company's employees, the newest last."""
    question = ("employees", str(company_id))
    (last,) = pagination.read_cursor(cursor, question, UUID) or (None,)
    rows = await fetch_all(
        connection,
        EmployeeOut,
        _EMPLOYEE + "AND ($2::uuid IS NULL OR id > $2) ORDER BY id LIMIT $3",
        company_id,
        last,
        limit + 1,
    )
    return pagination.page(rows, limit, question, "id")

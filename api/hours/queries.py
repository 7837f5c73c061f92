"""Reads of hours entries and of the ledger."""

from datetime import date, datetime
from typing import Any, NamedTuple
from uuid import UUID

from api.applications.policy import require_sight, team_of
from api.core import pagination
from api.core.actor import Actor
from api.core.database import Connection, fetch_all, found
from api.core.schemas import Page
from api.hours.schemas import HoursMission, HoursOut, HoursPerson, LedgerLineOut

_HOURS = """
    SELECT h.id, h.version, h.state, h.application_id, h.mission_id, h.person_id, h.association_id, h.company_id,
           h.manager_id, h.worked_on, h.starts_at, h.minutes,
           h.declared_minutes, h.regime, h.note, h.state_reason AS reason, h.confirmed_by, h.approved_by,
           l.id AS ledger_id, h.created_at, m.title, p.applicant_name
    FROM hours_entry h
    JOIN application p ON p.id = h.application_id
    JOIN mission m ON m.id = h.mission_id
    LEFT JOIN ledger_line l ON l.hours_id = h.id
"""
_AFTER = "AND ($2::timestamptz IS NULL OR (h.created_at, h.id) < ($2, $3::uuid))"
_ORDER = "ORDER BY h.created_at DESC, h.id DESC LIMIT $4"
_ONE = _HOURS + "WHERE h.id = $1"
_OF = {
    "application": "WHERE h.application_id = $1",
    "person": "WHERE h.person_id = $1",
    "association": "WHERE h.association_id = $1",
    "company": "WHERE h.company_id = $1 AND h.regime = 'working_time'",
}
_WHERE = {
    "state": "AND h.state = ${}",
    "mission": "AND h.mission_id = ${}",
    "employee": "AND h.employee_id = ${}",
    "team": "AND ARRAY[h.manager_id, h.person_id] && ${}::uuid[]",
    "first": "AND h.worked_on >= ${}",
    "last": "AND h.worked_on <= ${}",
}
_LEDGER = """
    SELECT id, hours_id, employee_id, association_id, mission_id, worked_on, posted_on, posted_at, minutes,
           regime, legal_form, department, site, cause
    FROM ledger_line
    WHERE company_id = $1 AND regime = 'working_time'
      AND ($2::date IS NULL OR posted_on >= $2) AND ($3::date IS NULL OR posted_on <= $3)
      AND ($4::uuid IS NULL OR employee_id = $4)
      AND ($5::timestamptz IS NULL OR posted_at > $5)
    ORDER BY posted_at LIMIT $6
"""


async def get_hours(connection: Connection, hours_id: UUID, viewer: Actor) -> HoursOut:
    """Give an entry that the caller may see; raises NotFound."""
    row = found(await connection.fetchrow(_ONE, hours_id))
    require_sight(viewer, row)
    return _entry(row)


class Wanted(NamedTuple):
    """Which entries to list: None for any; `first` and `last` are days worked, both included."""

    state: str | None = None
    mission: UUID | None = None
    employee: UUID | None = None
    first: date | None = None
    last: date | None = None


async def list_hours(
    connection: Connection,
    of: str,
    owner: UUID,
    viewer: Actor,
    wanted: Wanted,
    limit: int,
    cursor: str | None,
) -> Page[HoursOut]:
    """List the entries of an application, person, association or company (working time), the newest first."""
    question = ("hours", of, str(owner), *map(str, wanted))
    at, last = pagination.read_cursor(cursor, question, datetime, UUID) or (None, None)
    asked = wanted._asdict() | {"team": team_of(viewer) if of == "company" else None}
    where, given = pagination.narrowed(_WHERE, asked, 5)
    sql = " ".join([_HOURS, _OF[of], where, _AFTER, _ORDER])
    rows = await connection.fetch(sql, owner, at, last, limit + 1, *given)
    return pagination.page([_entry(row) for row in rows], limit, question, "created_at", "id")


def _entry(row: Any) -> HoursOut:
    fields = dict(row)
    for tenant in ("association_id", "company_id", "manager_id"):
        del fields[tenant]
    mission = HoursMission(id=fields.pop("mission_id"), title=fields.pop("title"))
    person = HoursPerson(id=fields.pop("person_id"), name=fields.pop("applicant_name"))
    return HoursOut(mission=mission, person=person, **fields)


async def list_ledger(
    connection: Connection,
    company_id: UUID,
    first: date | None,
    last: date | None,
    employee_id: UUID | None,
    limit: int,
    cursor: str | None,
) -> Page[LedgerLineOut]:
    """List a company's working-time lines by the day posted, in the order they were posted."""
    question = ("ledger", str(company_id), first, last, str(employee_id))
    (after,) = pagination.read_cursor(cursor, question, datetime) or (None,)
    rows = await fetch_all(
        connection, LedgerLineOut, _LEDGER, company_id, first, last, employee_id, after, limit + 1
    )
    return pagination.page(rows, limit, question, "posted_at")

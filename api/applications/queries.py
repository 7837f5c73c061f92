"""Reads of applications, each reader seeing what is theirs to see."""

from datetime import date, datetime
from typing import Any, NamedTuple
from uuid import UUID

import msgspec

from api.applications.policy import SETTLED, require_sight, team_of
from api.applications.schemas import (
    AgreedTerms,
    AllowanceOut,
    Applicant,
    ApplicationEvent,
    ApplicationMission,
    ApplicationOut,
    ApplicationWarning,
    Convention,
    ReachableContact,
)
from api.core import clock, pagination
from api.core.actor import Actor
from api.core.database import Connection, fetch_one, found
from api.core.language import Words
from api.core.schemas import Page
from api.missions.schemas import Session
from api.organisations.queries import get_company

_APPLICATION = """
    SELECT p.id, p.version, p.state, p.state_reason, p.mission_id, p.association_id, p.company_id, p.person_id,
           p.manager_id, p.applicant_name, p.regime, p.legal_form,
           CASE WHEN p.employer_approval = 'pending' AND is_live(p.state) = 0 THEN 'not_required'
               ELSE p.employer_approval END AS employer_approval,
           p.employer_reason, p.message, p.created_at, p.approval_due_at, p.reply_due_at, p.offer_expires_at,
           CASE p.state WHEN 'waitlisted' THEN waitlist_position(p.id) END AS waitlist_position,
           CASE WHEN p.state IN ('accepted', 'completed') AND p.person_id = app_person()
               THEN contact_of_engagement(p.id) END AS contact,
           CASE p.regime WHEN 'personal_time' THEN address_of_applicant(p.id) ELSE p.applicant_email END
               AS applicant_email,
           CASE WHEN p.person_id = app_person() THEN overlaps_of(p.id) END AS overlaps,
           p.wanted_sessions, p.agreed_starts_on, p.agreed_ends_on, p.agreed_minutes, p.agreed_sessions, p.convention,
           m.title, a.name AS association, m.starts_on, m.ends_on,
           history_of(p.id) AS history
    FROM application p
    JOIN mission m ON m.id = p.mission_id
    JOIN association a ON a.id = p.association_id
"""
_AFTER = "AND ($2::timestamptz IS NULL OR (p.created_at, p.id) < ($2, $3::uuid))"
_ORDER = "ORDER BY p.created_at DESC, p.id DESC LIMIT $4"
_ONE = _APPLICATION + "WHERE p.id = $1"
_OF = {
    "mission": "WHERE p.mission_id = $1",
    "person": "WHERE p.person_id = $1",
    "association": "WHERE p.association_id = $1",
    "company": "WHERE p.company_id = $1 AND p.regime = 'working_time'",
}
_MIDNIGHT = "AT TIME ZONE (SELECT time_zone FROM company WHERE id = $1)"
_WHERE = {
    "state": "AND p.state = ${}",
    "mission": "AND p.mission_id = ${}",
    "approval": """AND CASE ${0} WHEN 'not_required'
        THEN p.employer_approval = ${0} OR (p.employer_approval = 'pending' AND is_live(p.state) = 0)
        ELSE p.employer_approval = ${0} AND (p.employer_approval <> 'pending' OR is_live(p.state) = 1) END""",
    "employee": "AND p.employee_id = ${}",
    "team": "AND ARRAY[p.manager_id, p.person_id] && ${}::uuid[]",
    "first": "AND p.created_at >= ${}::date::timestamp " + _MIDNIGHT,
    "last": "AND p.created_at < (${}::date + 1)::timestamp " + _MIDNIGHT,
}
_OVERLAP = Words(
    "It falls on days of “{title}”, for which you were accepted.",
    "Elle tombe sur des jours de « {title} », où votre candidature est acceptée.",
)
_ALLOWANCE = """
    SELECT first AS starts_on, (first + interval '1 year')::date - 1 AS ends_on, to_each AS granted,
           coalesce(a.reserved, 0) AS reserved, coalesce(a.used, 0) AS used,
           CASE WHEN to_each IS NOT NULL THEN greatest(0, to_each - coalesce(a.reserved + a.used, 0)) END AS left,
           (SELECT day_minutes FROM policy WHERE company_id = $1 AND effective_from <= $4
            ORDER BY effective_from DESC LIMIT 1) AS day_minutes
    FROM year_of($1, coalesce(make_date($3, 12, 31), $4)) AS first CROSS JOIN LATERAL granted($1, first)
    LEFT JOIN allowance a ON a.company_id = $1 AND a.employee_id = $2 AND a.year = first
"""


async def get_application(connection: Connection, application_id: UUID, viewer: Actor) -> ApplicationOut:
    """Give an application that the caller may see, with its history; raises NotFound."""
    row = found(await connection.fetchrow(_ONE, application_id))
    require_sight(viewer, row)
    return _shown(row, viewer)


class Overlap(msgspec.Struct, frozen=True):
    """An engagement of the same person that falls on the same days."""

    application_id: UUID
    title: str


class Wanted(NamedTuple):
    """Which applications to list: None for any; `first` and `last` are days of the company, both included."""

    state: str | None = None
    mission: UUID | None = None
    approval: str | None = None
    employee: UUID | None = None
    first: date | None = None
    last: date | None = None


async def list_applications(
    connection: Connection,
    of: str,
    owner: UUID,
    viewer: Actor,
    wanted: Wanted,
    limit: int,
    cursor: str | None,
) -> Page[ApplicationOut]:
    """List the applications of a mission, person, association or company (working time), the newest first."""
    question = ("applications", of, str(owner), *map(str, wanted))
    at, last = pagination.read_cursor(cursor, question, datetime, UUID) or (None, None)
    asked = wanted._asdict() | {"team": team_of(viewer) if of == "company" else None}
    where, given = pagination.narrowed(_WHERE, asked, 5)
    sql = " ".join([_APPLICATION, _OF[of], where, _AFTER, _ORDER])
    rows = await connection.fetch(sql, owner, at, last, limit + 1, *given)
    return pagination.page([_shown(row, viewer) for row in rows], limit, question, "created_at", "id")


async def get_allowance(connection: Connection, actor: Actor, year: int | None) -> AllowanceOut:
    """Give one's allowance of the year that begins in `year`, by default of today's; raises NotFound."""
    job = actor.employment
    company = await get_company(connection, found(job).company_id, actor)
    asked = (company.id, found(job).employee_id, year, clock.today(company.time_zone))
    return found(await fetch_one(connection, AllowanceOut, _ALLOWANCE, *asked))


def _shown(row: Any, viewer: Actor) -> ApplicationOut:
    applicant = viewer.person_id == row["person_id"]
    association = row["association_id"] in viewer.memberships
    reachable = row["state"] in ("accepted", "completed") and row["employer_approval"] in SETTLED
    return ApplicationOut(
        id=row["id"],
        version=row["version"],
        state=row["state"],
        reason=row["state_reason"],
        mission_id=row["mission_id"],
        mission=ApplicationMission(
            title=row["title"],
            association=row["association"],
            starts_on=row["starts_on"],
            ends_on=row["ends_on"],
        ),
        person=Applicant(
            id=row["person_id"],
            name=row["applicant_name"],
            email=row["applicant_email"] if applicant or (association and reachable) else None,
        ),
        regime=row["regime"],
        legal_form=row["legal_form"],
        employer_approval=row["employer_approval"],
        employer_reason=row["employer_reason"] if applicant or not association else None,
        message=row["message"] if applicant or association else None,
        contact=msgspec.json.decode(row["contact"], type=ReachableContact) if row["contact"] else None,
        created_at=row["created_at"],
        approval_due_at=row["approval_due_at"] if row["employer_approval"] == "pending" else None,
        reply_due_at=row["reply_due_at"] if row["state"] in ("submitted", "shortlisted") else None,
        offer_expires_at=row["offer_expires_at"] if row["state"] == "offered" else None,
        waitlist_position=row["waitlist_position"],
        sessions=row["wanted_sessions"],
        agreed=_agreed(row) if row["agreed_minutes"] else None,
        convention=msgspec.json.decode(row["convention"], type=Convention) if row["convention"] else None,
        warnings=_warnings(row, viewer),
        history=msgspec.json.decode(row["history"] or "[]", type=list[ApplicationEvent]),
    )


def _warnings(row: Any, viewer: Actor) -> list[ApplicationWarning]:
    overlaps = msgspec.json.decode(row["overlaps"], type=list[Overlap]) if row["overlaps"] else []
    return [
        ApplicationWarning(
            code="overlap",
            detail=_OVERLAP.format(title=each.title).read(viewer.language),
            application_id=each.application_id,
        )
        for each in overlaps
    ]


def _agreed(row: Any) -> AgreedTerms:
    return AgreedTerms(
        starts_on=row["agreed_starts_on"],
        ends_on=row["agreed_ends_on"],
        effort_minutes=row["agreed_minutes"],
        sessions=msgspec.json.decode(row["agreed_sessions"], type=list[Session]),
    )

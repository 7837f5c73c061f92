"""Reads of engagements for calendars: of a person's feed, and of the mail that tells one."""

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from api.applications.calendar import Agreed, Slot, Telling, slots
from api.applications.policy import SETTLED
from api.applications.schemas import ReachableContact
from api.core.database import Connection
from api.core.language import Language
from api.missions.schemas import Session

_ENGAGEMENT = """
    SELECT a.id, a.person_id, a.association_id, a.company_id, a.regime, a.state, a.employer_approval,
           a.agreed_starts_on, a.agreed_ends_on, a.agreed_sessions, m.title, s.name AS association,
           m.time_zone, m.remote, m.location_label, m.postal_code,
           contact_of_engagement(a.id) AS contact, told.events AS told,
           a.version + coalesce(told.version, 0) AS sequence, greatest(history.changed_at, m.changed_at) AS changed_at
    FROM application a
    JOIN mission m ON m.id = a.mission_id
    JOIN association s ON s.id = a.association_id
    LEFT JOIN calendar_invitation told ON told.application_id = a.id
    CROSS JOIN LATERAL (
        SELECT max(e.at) AS changed_at, bool_or(e.from_state = 'accepted' AND e.to_state = a.state) AS engaged
        FROM state_event e
        WHERE e.object_id = ANY (a.id || ARRAY(SELECT c.id FROM change_proposal c WHERE c.application_id = a.id))
    ) history
"""
_ONE = _ENGAGEMENT + "WHERE a.id = $1"
_FEED = (
    _ENGAGEMENT
    + """
    WHERE a.person_id = $1 AND a.employer_approval = ANY ($3) AND a.agreed_sessions IS NOT NULL
      AND (a.state = 'accepted'
           OR (a.state = 'completed' AND a.ended_at > $2::timestamptz - interval '3 months')
           OR (a.state IN ('cancelled', 'withdrawn') AND history.engaged
               AND a.ended_at > $2::timestamptz - interval '1 month'))
    ORDER BY a.created_at DESC, a.id DESC LIMIT 500
"""
)


class Engagement(msgspec.Struct, frozen=True, kw_only=True):
    """An application as its calendar needs it: the slots it agrees on, those `told` by mail before, None if never."""

    id: UUID
    person_id: UUID
    association_id: UUID
    company_id: UUID
    personal: bool
    state: str
    settled: bool
    slots: list[Slot]
    told: list[Slot] | None
    contact: ReachableContact | None
    sequence: int
    changed_at: datetime


async def engagement(connection: Connection, application_id: UUID) -> Engagement | None:
    """Give what the calendar of one application's person may be told, None where there is no such application."""
    row = await connection.fetchrow(_ONE, application_id)
    return _engagement(row) if row else None


async def list_told(
    connection: Connection, person_id: UUID, language: Language, now: datetime
) -> list[tuple[Slot, Telling]]:
    """List the slots of a person's engagements, those completed of 3 months, those ended before of one."""
    rows = await connection.fetch(_FEED, person_id, now, list(SETTLED))
    return [
        (
            slot,
            Telling(it.sequence, it.changed_at, language, it.contact, it.state in ("cancelled", "withdrawn")),
        )
        for it in map(_engagement, rows)
        for slot in it.slots
    ]


def _engagement(row: Any) -> Engagement:
    contact, told = row["contact"], row["told"]
    return Engagement(
        id=row["id"],
        person_id=row["person_id"],
        association_id=row["association_id"],
        company_id=row["company_id"],
        personal=row["regime"] == "personal_time",
        state=row["state"],
        settled=row["employer_approval"] in SETTLED,
        slots=slots(_agreed(row)) if row["agreed_sessions"] else [],
        told=msgspec.json.decode(told, type=list[Slot]) if told else None,
        contact=msgspec.json.decode(contact, type=ReachableContact) if contact else None,
        sequence=row["sequence"],
        changed_at=row["changed_at"],
    )


def _agreed(row: Any) -> Agreed:
    return Agreed(
        id=row["id"],
        title=row["title"],
        association=row["association"],
        zone=row["time_zone"],
        remote=row["remote"],
        place=", ".join(filter(None, (row["location_label"], row["postal_code"]))),
        starts_on=row["agreed_starts_on"],
        ends_on=row["agreed_ends_on"],
        sessions=msgspec.json.decode(row["agreed_sessions"], type=list[Session]),
    )

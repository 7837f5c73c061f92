"""What pages show, read for who looks at them."""

from datetime import date, datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec

from api.applications.policy import LIVE, require_employer, require_sight
from api.core import clock
from api.core.actor import Actor
from api.core.database import Connection, found

_ASKED = """
    SELECT p.id, p.version, p.state, p.employer_approval, p.company_id, p.association_id, p.person_id, p.manager_id,
           p.regime, p.legal_form, p.applicant_name AS applicant, p.engaged_on,
           p.approval_due_at AS due_at, silence_of(c.id) AS silence, c.time_zone, m.time_zone AS mission_zone,
           m.title AS mission, a.name AS association,
           coalesce(p.agreed_starts_on, m.starts_on) AS starts_on, coalesce(p.agreed_ends_on, m.ends_on) AS ends_on,
           CASE WHEN p.state IN ('submitted', 'shortlisted', 'waitlisted', 'offered') THEN p.asked_minutes
               ELSE coalesce(p.agreed_minutes, p.asked_minutes) END AS effort_minutes
    FROM application p JOIN mission m ON m.id = p.mission_id JOIN association a ON a.id = p.association_id
    LEFT JOIN company c ON c.id = p.company_id
    WHERE p.id = $1
"""


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What an employer is asked to agree to, as its decider reads it: never the motivation message.

    `engaged_on`: since when it is agreed, where a longer effort is asked; `silence`: what no answer in time will mean.
    `standing`: `asked`, `agreed` (it may still be taken back), `begun` (no more), or the state that ended it.
    """

    id: UUID
    version: int
    standing: str
    applicant: str
    mission: str
    association: str
    starts_on: date
    ends_on: date | None
    effort_minutes: int
    legal_form: str
    engaged_on: date | None
    due_at: datetime | None
    silence: str


async def get_asked(connection: Connection, application_id: UUID, viewer: Actor) -> Asked:
    """Give what is asked to the manager in charge or HR, in the company's time; raises NotFound, Forbidden."""
    row = found(await connection.fetchrow(_ASKED, application_id))
    require_sight(viewer, row)
    require_employer(viewer, row["company_id"], row["manager_id"], row["person_id"])
    standing = _standing(row)
    shown = {name: row[name] for name in Asked.__struct_fields__ if name in row and name != "due_at"}
    due_at = row["due_at"].astimezone(ZoneInfo(row["time_zone"])) if standing == "asked" else None
    return Asked(**shown, standing=standing, due_at=due_at)


def _standing(row: Any) -> str:
    if row["state"] not in LIVE:
        return str(row["state"])
    if row["employer_approval"] == "pending":
        return "asked"
    return "agreed" if clock.today(row["mission_zone"]) < row["starts_on"] else "begun"

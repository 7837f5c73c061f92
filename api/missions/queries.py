"""Reads of missions."""

from datetime import datetime
from typing import Any
from uuid import UUID

from api.core import clock, pagination
from api.core.actor import Actor
from api.core.database import Connection, fetch_all, found
from api.core.language import Language
from api.core.schemas import Page
from api.missions.policy import EDITABLE, broken_rules, require_sight
from api.missions.schemas import (
    Location,
    MissionAssociation,
    MissionLine,
    MissionOut,
    MissionProblem,
    MissionSummary,
)

_MISSION = """
    SELECT m.id, m.version, m.state, m.state_reason, m.association_id, a.name AS association_name,
           a.state = 'verified' AS verified, m.title, m.summary, m.description, m.deliverable, m.format, m.causes,
           m.places, m.places - m.taken AS places_left, m.effort_minutes, m.regimes, m.remote, m.location_label,
           m.postal_code, m.latitude, m.longitude, m.time_zone, m.starts_on, m.ends_on, m.apply_by, m.languages,
           m.created_at, m.published_at
    FROM mission m JOIN association a ON a.id = m.association_id WHERE m.id = $1
"""
SEARCH = """
    SELECT id, version, association_id, association_name, title, summary, format, causes, places, places_left,
           effort_minutes, regimes, remote, location_label, postal_code, starts_on, ends_on, apply_by, languages,
           published_at
    FROM mission_search
    WHERE ($1::timestamptz IS NULL OR (published_at, id) < ($1, $2::uuid))
      AND ($3::uuid IS NULL OR association_id = $3)
      AND ($4::text IS NULL OR format = $4)
      AND ($5::text IS NULL OR $5 = ANY (causes))
      AND ($6::text IS NULL OR remote = $6)
      AND ($7::text IS NULL OR $7 = ANY (regimes))
      AND (NOT $8::boolean OR places_left > 0)
    ORDER BY published_at DESC, id DESC LIMIT $9
"""
_OF_ASSOCIATION = """
    SELECT id, version, state, title, places, places - taken AS places_left, starts_on, ends_on, created_at
    FROM mission
    WHERE association_id = $1 AND ($2::text IS NULL OR state = $2)
      AND ($3::timestamptz IS NULL OR (created_at, id) < ($3, $4::uuid))
    ORDER BY created_at DESC, id DESC LIMIT $5
"""


async def get_mission(
    connection: Connection, mission_id: UUID, viewer: Actor | None, language: Language = "fr"
) -> MissionOut:
    """Give a mission that the caller may see, with its problems to its coordinators; raises NotFound."""
    row = dict(found(await connection.fetchrow(_MISSION, mission_id)))
    require_sight(viewer, row)
    mine = viewer is not None and row["association_id"] in viewer.memberships
    problems = problems_of(row, language) if mine else None
    association = MissionAssociation(
        id=row.pop("association_id"), name=row.pop("association_name"), verified=row.pop("verified")
    )
    label = row.pop("location_label")
    place = {name: row.pop(name) for name in ("postal_code", "latitude", "longitude")}
    location = Location(label=label, **place) if label or any(place.values()) else None
    return MissionOut(association=association, location=location, problems=problems, **row)


def problems_of(mission: dict[str, Any], language: Language) -> list[MissionProblem]:
    """Say what keeps a mission from being published, while it can still be edited."""
    if mission["state"] not in EDITABLE:
        return []
    return [
        MissionProblem(pointer=fault.pointer, code=fault.code, detail=fault.words.read(language))
        for fault in broken_rules(mission, clock.today(mission["time_zone"]))
    ]


async def search_missions(
    connection: Connection,
    limit: int,
    cursor: str | None,
    *,
    association: UUID | None = None,
    format: str | None = None,  # noqa: A002
    cause: str | None = None,
    remote: str | None = None,
    regime: str | None = None,
    has_places: bool = False,
) -> Page[MissionSummary]:
    """List the published missions that anyone may see, the newest first."""
    filters = (association, format, cause, remote, regime, has_places)
    question = ("missions", [str(value) for value in filters])
    at, last = pagination.read_cursor(cursor, question, datetime, UUID) or (None, None)
    rows = await fetch_all(connection, MissionSummary, SEARCH, at, last, *filters, limit + 1)
    return pagination.page(rows, limit, question, "published_at", "id")


async def list_association_missions(
    connection: Connection, association_id: UUID, state: str | None, limit: int, cursor: str | None
) -> Page[MissionLine]:
    """List an association's missions of every state, the newest first."""
    question = ("association-missions", str(association_id), state)
    at, last = pagination.read_cursor(cursor, question, datetime, UUID) or (None, None)
    rows = await fetch_all(
        connection, MissionLine, _OF_ASSOCIATION, association_id, state, at, last, limit + 1
    )
    return pagination.page(rows, limit, question, "created_at", "id")

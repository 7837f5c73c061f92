"""Reads of missions."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from api.core import clock, pagination
from api.core.actor import Actor
from api.core.database import Connection, fetch_all, found
from api.core.language import Language
from api.core.schemas import Page
from api.missions.policy import LIVE, require_sight
from api.missions.rules import broken_rules
from api.missions.schemas import (
    Location,
    MissionAssociation,
    MissionEvent,
    MissionLine,
    MissionOut,
    MissionProblem,
    Review,
)
from api.missions.wording import CONTESTABLE

DOCUMENTS = frozenset({"prerequisites", "skills", "sessions", "contact"})
"""The columns of a mission that hold JSON."""
PLACE = {
    "label": "location_label",
    "postal_code": "postal_code",
    "latitude": "latitude",
    "longitude": "longitude",
}
"""The columns of a mission that hold its location."""
INSIDE = ("problems", "contact", "managers", "reserved_to", "live_applications")
"""What a mission shows to its association alone."""
_MISSION = """
    SELECT m.id, m.version, m.state, m.state_reason, m.association_id, a.name AS association_name,
           a.website, a.state = 'verified' AS verified, r.rate AS reply_rate,
           m.title, m.summary, m.description, m.deliverable, m.format, m.causes,
           m.places, m.places - m.taken AS places_left, m.effort_minutes, m.regimes, m.remote, m.location_label,
           m.postal_code, m.latitude, m.longitude, m.time_zone, m.starts_on, m.ends_on, m.apply_by, m.languages,
           m.created_at, m.published_at, m.template, m.prerequisites, m.steps, m.skills, m.sessions, m.contact,
           m.managers, m.reserved_to, m.live AS live_applications, m.review_since, m.review_reasons,
           m.reserved_to <> '{}' AS reserved,
           (m.reserved_to <> '{}' OR is_contested(m.review_reasons)) AND applied_to(m.id) AS applied,
           CASE WHEN $2 THEN (
               SELECT jsonb_agg(jsonb_build_object('state', e.to_state, 'reason', e.reason, 'at', e.at) ORDER BY at, id)
               FROM state_event e WHERE e.object_id = m.id) END AS history
    FROM mission m JOIN association a ON a.id = m.association_id, replies_of(a.id, $3) r WHERE m.id = $1
"""
_OF_ASSOCIATION = """
    SELECT id, version, state, title, places, places - taken AS places_left, live AS live_applications, starts_on,
           ends_on, apply_by, created_at
    FROM mission
    WHERE association_id = $1 AND ($2::text IS NULL OR state = $2)
      AND ($3::timestamptz IS NULL OR (created_at, id) < ($3, $4::uuid))
    ORDER BY created_at DESC, id DESC LIMIT $5
"""


async def get_mission(connection: Connection, mission_id: UUID, viewer: Actor | None) -> MissionOut:
    """Give a mission that the caller may see, with what is its association's own to its members; raises NotFound."""
    keeps = viewer is not None and bool(viewer.memberships or "moderator" in viewer.roles)
    row = unpacked(found(await connection.fetchrow(_MISSION, mission_id, keeps, clock.now())))
    require_sight(viewer, row)
    mine = viewer is not None and row["association_id"] in viewer.memberships
    if mine or (viewer is not None and "moderator" in viewer.roles):
        row["history"] = msgspec.json.decode(row["history"], type=list[MissionEvent])
        row["review"] = _review(row)
    else:
        # Why is told to those concerned, each by themselves: it is somebody's words, which may name people.
        row |= {"history": None, "state_reason": None}
    row |= {"problems": problems_of(row, viewer.language)} if mine and viewer else dict.fromkeys(INSIDE)
    row["association"] = MissionAssociation(
        id=row["association_id"],
        name=row["association_name"],
        verified=row["verified"],
        reply_rate=row["reply_rate"],
    )
    place = location_of(row)
    row["location"] = Location(**place) if place else None
    fields: dict[str, Any] = {name: row.get(name) for name in MissionOut.__struct_fields__}
    return MissionOut(**fields)


def unpacked(row: Mapping[str, Any]) -> dict[str, Any]:
    """Give a mission's row with its documents read."""
    return dict(row) | {name: msgspec.json.decode(row[name]) if row[name] else None for name in DOCUMENTS}


def location_of(row: Mapping[str, Any]) -> dict[str, Any] | None:
    """Give a mission's location, None where it says nothing of it."""
    place = {name: row[column] for name, column in PLACE.items()}
    return place if any(value is not None for value in place.values()) else None


def _review(row: dict[str, Any]) -> Review | None:
    waits = row["review_since"] and row["state"] in LIVE
    return Review(since=row["review_since"], reasons=row["review_reasons"]) if waits else None


def problems_of(mission: dict[str, Any], language: Language) -> list[MissionProblem]:
    """Say what keeps a mission from being published, until it is."""
    if mission["state"] not in ("draft", "rejected"):
        return []
    return [
        MissionProblem(
            pointer=fault.pointer,
            code=fault.code,
            detail=fault.words.read(language),
            contestable=fault.code in CONTESTABLE,
        )
        for fault in broken_rules(mission, clock.now())
    ]


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

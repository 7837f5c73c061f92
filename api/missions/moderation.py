"""What moderators read and decide: the queue, and what people flag."""

from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg

from api.core import clock, pagination
from api.core.actor import Actor
from api.core.database import Connection, fetch_one, found, transaction
from api.core.ids import new_id
from api.core.language import Words
from api.core.lifecycle import move, starts
from api.core.outbox import record
from api.core.problems import Forbidden, Problem
from api.core.schemas import Page
from api.missions.facts import FlagResolved
from api.missions.queries import get_mission
from api.missions.schemas import FlagIn, FlagOut, Outcome, Waiting
from api.missions.tables import Flag
from api.organisations.policy import require_outsider
from api.organisations.queries import read_duplicates

_QUEUE = """
    SELECT item.*, CASE kind WHEN 'association' THEN
        (SELECT jsonb_agg(d) FROM duplicates_of(item.id) d) END AS duplicates
    FROM (
        SELECT 'association' AS kind, id, version, review_since AS since, name AS title, id AS association_id,
               name AS association_name, NULL::uuid AS mission_id, review_reasons AS reasons, NULL AS text
        FROM association WHERE review_since IS NOT NULL AND state <> 'closed'
        UNION ALL
        SELECT 'mission', m.id, m.version, m.review_since, m.title, a.id, a.name, m.id, m.review_reasons, NULL
        FROM mission m JOIN association a ON a.id = m.association_id
        WHERE m.review_since IS NOT NULL AND m.state IN ('submitted', 'published', 'paused', 'in_progress')
        UNION ALL
        SELECT 'flag', f.id, m.version, f.created_at, m.title, a.id, a.name, m.id, ARRAY[f.reason], f.text
        FROM flag f JOIN mission m ON m.id = f.mission_id JOIN association a ON a.id = m.association_id
        WHERE f.resolved_at IS NULL AND f.person_id <> app_person()
    ) item
    WHERE kind = ANY ($1) AND association_id <> ALL (coalesce(app_associations(), '{}'))
      AND ($2::timestamptz IS NULL OR (since, id) > ($2, $3::uuid))
    ORDER BY since, id LIMIT $4
"""
_FLAG = """
    SELECT id, mission_id, reason, text, created_at, outcome, resolved_at FROM flag WHERE id = $1
"""
_LOCK_FLAG = "SELECT association_id, person_id, outcome FROM flag WHERE id = $1 FOR UPDATE"


class AlreadyFlagged(Problem):
    """The caller's flag on this mission still waits for a moderator."""

    status = 409
    slug = "already-flagged"
    title = Words("You have reported it already", "Vous l’avez déjà signalée")


async def list_moderation_queue(
    connection: Connection, kinds: list[str], limit: int, cursor: str | None
) -> Page[Waiting]:
    """List what waits for a moderator, the longest first, but for the bodies the caller belongs to."""
    question = ("moderation", sorted(kinds))
    since, last = pagination.read_cursor(cursor, question, datetime, UUID) or (None, None)
    rows = await connection.fetch(_QUEUE, kinds, since, last, limit + 1)
    items = [Waiting(**dict(row) | {"duplicates": read_duplicates(row["duplicates"])}) for row in rows]
    return pagination.page(items, limit, question, "since", "id")


async def flag_mission(actor: Actor, mission_id: UUID, given: FlagIn) -> FlagOut:
    """Say what is wrong with a mission one sees; its association never learns who did.

    Raises NotFound, Forbidden, AlreadyFlagged.
    """
    if actor.person_id is None:
        raise Forbidden
    flag_id = new_id()
    try:
        async with transaction(actor) as connection:
            mission = await get_mission(connection, mission_id, actor)
            await Flag.insert(
                Flag(
                    id=flag_id,
                    mission_id=mission_id,
                    association_id=mission.association.id,
                    person_id=actor.person_id,
                    reason=given.reason,
                    text=given.text,
                    created_at=clock.now(),
                )
            )
            return found(await fetch_one(connection, FlagOut, _FLAG, flag_id))
    except asyncpg.UniqueViolationError:
        raise AlreadyFlagged from None


async def resolve_flag(actor: Actor, flag_id: UUID, outcome: Outcome) -> FlagOut:
    """Decide on a flag, as a moderator who is neither of the association nor its author; its author is told.

    Raises NotFound, Forbidden, WrongState.
    """
    async with transaction(actor) as connection:
        present = found(await connection.fetchrow(_LOCK_FLAG, flag_id))
        require_outsider(actor, present["association_id"])
        if actor.person_id == present["person_id"]:
            raise Forbidden
        if starts(move(outcome, "open"), present["outcome"] or "open"):
            change: dict[Any, Any] = {
                "outcome": outcome,
                "resolved_by": actor.author,
                "resolved_at": clock.now(),
            }
            await Flag.update(change).where(Flag.id == flag_id)
            await record(FlagResolved(flag_id=flag_id, association_id=present["association_id"]))
        return found(await fetch_one(connection, FlagOut, _FLAG, flag_id))

"""Use cases of missions."""

from collections.abc import Container
from typing import Any
from uuid import UUID

import asyncpg
import msgspec

from api.core import clock
from api.core.actor import Actor
from api.core.database import Connection, found, transaction
from api.core.ids import new_id
from api.core.language import Words
from api.core.lifecycle import starts
from api.core.outbox import record
from api.core.problems import Fault, Invalid, Problem, VersionChanged, WrongState
from api.core.schemas import changes
from api.missions import policy, queries
from api.missions.facts import MissionPublished, MissionRejected
from api.missions.schemas import Location, MissionIn, MissionOut, MissionPatch
from api.missions.tables import Mission
from api.organisations.policy import check_time_zone, require_member, require_outsider
from api.organisations.queries import get_association
from api.organisations.schemas import one_reason

LIVELY = frozenset({"unverified", "verified"})
"""States of an association in which its missions may be submitted and published."""


class PlacesTaken(Problem):
    """Fewer places than are taken already."""

    status = 409
    slug = "places-taken"
    title = Words("More places are taken already", "Davantage de places sont déjà prises")


async def create_mission(actor: Actor, given: MissionIn) -> MissionOut:
    """Write a draft, which may be incomplete; raises NotFound, Forbidden, Invalid."""
    check_time_zone(given.time_zone)
    mission = Mission(
        id=new_id(),
        created_by=actor.author,
        created_at=clock.now(),
        **_columns(msgspec.structs.asdict(given)),
    )
    try:
        async with transaction(actor) as connection:
            await get_association(connection, given.association_id, actor)
            require_member(actor, given.association_id)
            await Mission.insert(mission)
            return await queries.get_mission(connection, mission.id, actor, actor.language)
    except asyncpg.CheckViolationError as error:
        raise _refusal(error) from None


def _columns(fields: dict[Any, Any]) -> dict[Any, Any]:
    """Spread the location over its columns."""
    if "location" in fields:
        place = fields.pop("location") or Location()
        fields |= {
            "location_label": place.label,
            "postal_code": place.postal_code,
            "latitude": place.latitude,
            "longitude": place.longitude,
        }
    return fields


async def update_mission(actor: Actor, mission_id: UUID, given: MissionPatch, edited: int) -> MissionOut:
    """Edit a mission; a submitted one becomes a draft, a published one must still obey the rules.

    Raises NotFound, Forbidden, WrongState, VersionChanged, Invalid, PlacesTaken.
    """
    edits = changes(given)
    if "time_zone" in edits:
        check_time_zone(edits["time_zone"])
    try:
        async with transaction(actor) as connection:
            present = await _lock(connection, mission_id, actor)
            require_member(actor, present["association_id"])
            if present["version"] != edited:
                raise VersionChanged
            if present["state"] not in policy.EDITABLE:
                raise WrongState(state=present["state"], allowed=sorted(policy.EDITABLE))
            edits = _columns(edits)
            if present["state"] in ("published", "paused"):
                _require_rules(dict(present) | edits, edits)
            elif present["state"] in ("submitted", "rejected"):
                edits["state"] = "draft"
            if edits:
                await Mission.update(edits).where(Mission.id == mission_id)
            return await queries.get_mission(connection, mission_id, actor, actor.language)
    except asyncpg.CheckViolationError as error:
        raise _refusal(error) from None


def _refusal(error: asyncpg.CheckViolationError) -> Problem:
    if error.constraint_name == "mission_places_not_oversold":
        return PlacesTaken()
    words = Words("The days are not in order.", "Les jours ne sont pas dans l’ordre.")
    return Invalid(faults=[Fault("/ends_on", "dates", words)])


async def submit_mission(actor: Actor, mission_id: UUID, asked: int | None) -> MissionOut:
    """Submit a draft: published at once for a verified association, else a moderator reads it.

    Raises NotFound, Forbidden, WrongState, VersionChanged, Invalid with every broken rule.
    """
    async with transaction(actor) as connection:
        present = await _lock(connection, mission_id, actor)
        require_member(actor, present["association_id"])
        if present["state"] != "published" and starts(
            policy.SUBMIT, present["state"], version=present["version"], asked=asked
        ):
            state = await _require_open(connection, present["association_id"], actor)
            _require_rules(dict(present))
            if state == "verified":
                await _publish(present)
            else:
                await _move(mission_id, policy.SUBMIT.target, review=["unverified"])
        return await queries.get_mission(connection, mission_id, actor, actor.language)


async def publish_mission(actor: Actor, mission_id: UUID, asked: int | None) -> MissionOut:
    """Publish a submitted mission, as a moderator; raises NotFound, Forbidden, WrongState, VersionChanged."""
    async with transaction(actor) as connection:
        present = await _lock(connection, mission_id, actor)
        require_outsider(actor, present["association_id"])
        if starts(policy.PUBLISH, present["state"], version=present["version"], asked=asked):
            await _require_open(connection, present["association_id"], actor)
            await _publish(present)
        return await queries.get_mission(connection, mission_id, actor, actor.language)


async def reject_mission(actor: Actor, mission_id: UUID, reasons: list[str], asked: int | None) -> MissionOut:
    """Send a submitted mission back with reasons; raises NotFound, Forbidden, WrongState, VersionChanged."""
    async with transaction(actor) as connection:
        present = await _lock(connection, mission_id, actor)
        require_outsider(actor, present["association_id"])
        if starts(policy.REJECT, present["state"], version=present["version"], asked=asked):
            await _move(mission_id, policy.REJECT.target, one_reason(reasons))
            await record(MissionRejected(mission_id=mission_id, association_id=present["association_id"]))
        return await queries.get_mission(connection, mission_id, actor, actor.language)


async def _publish(present: asyncpg.Record) -> None:
    change: dict[Any, Any] = {
        "state": "published",
        "state_reason": None,
        "published_at": clock.now(),
        "review_since": None,
        "review_reasons": [],
    }
    await Mission.update(change).where(Mission.id == present["id"])
    await record(MissionPublished(mission_id=present["id"], association_id=present["association_id"]))


async def _move(
    mission_id: UUID, state: str, reason: str | None = None, review: list[str] | None = None
) -> None:
    """Move a mission; `review` says why a moderator is to read it, where one is."""
    change: dict[Any, Any] = {
        "state": state,
        "state_reason": reason,
        "review_since": clock.now() if review else None,
        "review_reasons": review or [],
    }
    await Mission.update(change).where(Mission.id == mission_id)


def _require_rules(mission: dict[str, Any], edits: Container[str] | None = None) -> None:
    """Raise Invalid with every broken rule; of a published mission's edit, those of the edited fields."""
    faults = policy.broken_rules(mission, clock.today(mission["time_zone"]))
    if faults := [fault for fault in faults if edits is None or fault.pointer[1:] in edits]:
        raise Invalid(faults=faults)


async def _lock(connection: Connection, mission_id: UUID, actor: Actor) -> asyncpg.Record:
    """Lock a mission to write it, its association first; one that is seen but not written answers Forbidden later."""
    association_id = found(
        await connection.fetchval("SELECT association_id FROM mission WHERE id = $1", mission_id)
    )
    await connection.execute("SELECT lock_association($1), lock_mission($2)", association_id, mission_id)
    mission = found(await connection.fetchrow("SELECT * FROM mission WHERE id = $1", mission_id))
    policy.require_sight(actor, mission)
    return mission


async def _require_open(connection: Connection, association_id: UUID, actor: Actor) -> str:
    """Give the state of an association whose missions may go live; raises WrongState."""
    association = await get_association(connection, association_id, actor)
    if association.state not in LIVELY:
        raise WrongState(state=association.state, allowed=sorted(LIVELY))
    return association.state

"""Use cases of a mission's life up to its start; what ends it lies with its applications."""

from collections.abc import Callable
from functools import partial
from itertools import chain
from typing import Any
from uuid import UUID

import asyncpg

from api.core import clock
from api.core.actor import Actor
from api.core.database import Connection, found, retried, transaction
from api.core.language import Words
from api.core.lifecycle import starts
from api.core.outbox import record
from api.core.problems import Fault, Forbidden, Invalid, Problem, VersionChanged, WrongState
from api.missions import policy, queries, rules, wording
from api.missions.facts import (
    MissionPaused,
    MissionPublished,
    MissionRejected,
    MissionResumed,
    MissionReviewed,
)
from api.missions.schemas import MissionOut
from api.missions.tables import Mission
from api.organisations import service as organisations
from api.organisations.policy import require_member, require_outsider
from api.organisations.queries import association_state
from api.organisations.schemas import AssociationOut, one_reason

LIVELY = frozenset({"unverified", "verified"})
"""States of an association in which its missions may be submitted and published."""
_OF_ASSOCIATION = Words(
    "It is the association’s state that does not allow it.",
    "C’est l’état de l’association qui ne le permet pas.",
)
_ASSOCIATION_OF = "SELECT association_id FROM mission WHERE id = $1"
_AWAITING_VERIFICATION = """
    SELECT id FROM mission WHERE association_id = $1 AND state = 'submitted' AND 'unverified' = ANY (review_reasons)
    ORDER BY id
"""
_PRESENT = """
    SELECT m.*, a.website, (m.reserved_to <> '{}' OR is_contested(m.review_reasons)) AND applied_to(m.id) AS applied
    FROM mission m JOIN association a ON a.id = m.association_id WHERE m.id = $1
"""


class NobodyAccepted(Problem):
    """A mission starts with the people who were accepted; there is none."""

    status = 409
    slug = "nobody-accepted"
    title = Words("Nobody has been accepted yet", "Personne n’a encore été accepté")


_HELD = Words("A moderator has paused it.", "C’est la modération qui l’a mise en pause.")
_CONTESTED = Words(
    "Its wording is contested: a moderator publishes it once it is read.",
    "Sa rédaction est contestée : la modération la publie après l’avoir lue.",
)
_REFUSALS: dict[str | None, Callable[[], Problem]] = {
    "mission_of_living_association": partial(WrongState, _OF_ASSOCIATION, allowed=sorted(LIVELY)),
    "mission_published_by_moderator": Forbidden,
    "mission_held_by_moderation": partial(Forbidden, _HELD),
    "mission_contested_is_not_public": partial(Forbidden, _CONTESTED),
    "mission_started_with_somebody": NobodyAccepted,
}
"""What the database refuses of a mission's life, by the name of the constraint."""


async def enter(connection: Connection, mission_id: UUID, actor: Actor) -> asyncpg.Record:
    """Lock a mission that the caller sees, its association first, and give its row; raises NotFound."""
    association_id = found(await connection.fetchval(_ASSOCIATION_OF, mission_id))
    await connection.execute("SELECT lock_association($1), lock_mission($2)", association_id, mission_id)
    mission = found(await connection.fetchrow(_PRESENT, mission_id))
    policy.require_sight(actor, mission)
    return mission


async def submit_mission(
    actor: Actor, mission_id: UUID, asked: int | None, *, ask_review: bool
) -> MissionOut:
    """Submit a draft: published at once for a verified association, else a moderator reads it.

    `ask_review` lets through the rules on wording that the text breaks: a moderator then decides on them, whoever
    the association.
    Raises NotFound, Forbidden, WrongState, VersionChanged, Invalid with every broken rule.
    """
    async with transaction(actor) as connection:
        present = await enter(connection, mission_id, actor)
        require_member(actor, present["association_id"])
        if present["state"] != "published" and starts(
            policy.SUBMIT, present["state"], version=present["version"], asked=asked
        ):
            state = await _require_open(connection, present["association_id"], actor)
            contested = require_rules(queries.unpacked(present), ask_review=ask_review)
            if state == "verified" and not contested:
                await _publish(present)
            else:
                reasons = [*contested, *([] if state == "verified" else ["unverified"])]
                await move_mission(mission_id, policy.SUBMIT.target, review=reasons)
        return await queries.get_mission(connection, mission_id, actor)


async def publish_mission(actor: Actor, mission_id: UUID, read: int) -> MissionOut:
    """Publish a mission as it was read, as a moderator from outside: a submitted one, one held by them or contested.

    Of any other that was edited it ends the review: it stays published, paused by its association, or in progress.
    Raises NotFound, Forbidden, WrongState, VersionChanged.
    """
    async with transaction(actor) as connection:
        present = await enter(connection, mission_id, actor)
        require_outsider(actor, present["association_id"])
        if policy.waits_to_be_read(present):
            if starts(policy.RESUME, present["state"], version=present["version"], asked=read):
                await _lift(connection, present, actor, **under_review([]))
        elif present["review_since"] and present["state"] in policy.OPEN:
            if present["version"] != read:
                raise VersionChanged
            await _change(mission_id, **under_review([]))
            await record(MissionReviewed(mission_id=mission_id, association_id=present["association_id"]))
        elif starts(policy.PUBLISH, present["state"], version=present["version"], asked=read):
            await _require_open(connection, present["association_id"], actor)
            await _publish(present)
        return await queries.get_mission(connection, mission_id, actor)


async def reject_mission(actor: Actor, mission_id: UUID, reasons: list[str], read: int) -> MissionOut:
    """Send a submitted mission back as it was read, with reasons.

    Raises NotFound, Forbidden, WrongState, VersionChanged.
    """
    async with transaction(actor) as connection:
        present = await enter(connection, mission_id, actor)
        require_outsider(actor, present["association_id"])
        if starts(policy.REJECT, present["state"], version=present["version"], asked=read):
            await move_mission(mission_id, policy.REJECT.target, one_reason(reasons), review=[])
            await record(MissionRejected(mission_id=mission_id, association_id=present["association_id"]))
        return await queries.get_mission(connection, mission_id, actor)


@retried
async def verify_association(actor: Actor, association_id: UUID, asked: int | None) -> AssociationOut:
    """Say that an association is who it says: the missions that waited for that alone are published.

    Those whose wording is contested wait on for a moderator. Raises as `organisations.service.verify_association`.
    """
    async with transaction(actor) as connection:
        verified = await organisations.verify_association(actor, association_id, asked)
        for row in await connection.fetch(_AWAITING_VERIFICATION, association_id):
            present = await enter(connection, row["id"], actor)
            if contested := [reason for reason in present["review_reasons"] if reason != "unverified"]:
                await _change(row["id"], review_reasons=contested)
            else:
                await _publish(present)
        return verified


async def pause_mission(actor: Actor, mission_id: UUID, asked: int | None) -> MissionOut:
    """Take a mission out of search: nobody new applies, its clock goes on; its association, or a moderator.

    A moderator's pause holds whatever had paused it before: a moderator alone lifts it.
    Raises NotFound, Forbidden, WrongState, VersionChanged.
    """
    async with transaction(actor) as connection:
        present = await enter(connection, mission_id, actor)
        inside = require_keeper(actor, present["association_id"])
        # What others paused is open still to a moderator, whose pause holds on top.
        by_others = present["state"] == "paused" and not policy.is_held(present)
        state = "published" if not inside and by_others else present["state"]
        if starts(policy.PAUSE, state, version=present["version"], asked=asked):
            reason = None if inside else policy.PAUSED_BY_MODERATION
            await _change(mission_id, state=policy.PAUSE.target, state_reason=reason)
            if not inside:
                await record(MissionPaused(mission_id=mission_id, association_id=present["association_id"]))
        return await queries.get_mission(connection, mission_id, actor)


async def resume_mission(actor: Actor, mission_id: UUID, asked: int | None) -> MissionOut:
    """Put a paused mission back into search; what a moderator paused, a moderator resumes, what is contested none.

    Raises NotFound, Forbidden, WrongState, VersionChanged.
    """
    async with transaction(actor) as connection:
        present = await enter(connection, mission_id, actor)
        inside = require_keeper(actor, present["association_id"])
        if starts(policy.RESUME, present["state"], version=present["version"], asked=asked):
            if inside and policy.is_held(present):
                raise Forbidden(_HELD)
            await _lift(connection, present, actor)
        return await queries.get_mission(connection, mission_id, actor)


async def _lift(connection: Connection, present: asyncpg.Record, actor: Actor, **change: Any) -> None:
    """Put a paused mission that is locked back into search; its association is told where a moderator did."""
    await _require_open(connection, present["association_id"], actor)
    await _change(present["id"], state=policy.RESUME.target, state_reason=None, **change)
    if present["association_id"] not in actor.memberships:
        await record(MissionResumed(mission_id=present["id"], association_id=present["association_id"]))


async def start_mission(actor: Actor, mission_id: UUID, asked: int | None) -> MissionOut:
    """Start a mission with those who were accepted, before its first day if need be; nobody new applies.

    Raises NotFound, Forbidden, WrongState, VersionChanged, NobodyAccepted.
    """
    async with transaction(actor) as connection:
        present = await enter(connection, mission_id, actor)
        require_member(actor, present["association_id"])
        if starts(policy.START, present["state"], version=present["version"], asked=asked):
            await _change(mission_id, state=policy.START.target, state_reason=None)
        return await queries.get_mission(connection, mission_id, actor)


def require_keeper(actor: Actor, association_id: UUID) -> bool:
    """Let in the association, and moderators from outside; tells whether it is the association. Raises Forbidden."""
    if association_id in actor.memberships:
        return True
    if "moderator" not in actor.roles:
        raise Forbidden
    return False


def require_rules(
    mission: dict[str, Any], before: dict[str, Any] | None = None, *, ask_review: bool = False
) -> list[str]:
    """Raise Invalid with every broken rule; of an edited mission, with those that it did not break before.

    Gives the codes of the rules that are contested instead, where `ask_review` allows it, or since an edit before.
    """
    borne = set(chain.from_iterable(map(_breaches, _broken(before)))) if before else set()
    broken = _broken(mission)
    faults = [fault for fault in broken if not borne.issuperset(_breaches(fault))]
    contested = [fault for fault in faults if ask_review and fault.code in wording.CONTESTABLE]
    if len(contested) < len(faults):
        raise Invalid(faults=faults)
    waiting = before["review_reasons"] if before else []
    return sorted({fault.code for fault in broken if fault in contested or fault.code in waiting})


def _broken(mission: dict[str, Any]) -> list[Fault]:
    return rules.broken_rules(mission, clock.now())


def _breaches(fault: Fault) -> set[tuple[str, str]]:
    """Give what is broken: a number or a link is the same wherever it stands, and another one is another breach."""
    return {(fault.code, each) for each in fault.excerpts or (fault.pointer,)}


async def move_mission(
    mission_id: UUID, state: str, reason: str | None = None, review: list[str] | None = None
) -> None:
    """Move a mission that is locked; `review` says why a moderator is to read it, where that changes.

    What ends unread stays so: its text is shown to nobody else.
    """
    change: dict[str, Any] = {"state": state, "state_reason": reason}
    await _change(mission_id, **change | ({} if review is None else under_review(review)))


async def _publish(present: asyncpg.Record) -> None:
    change = {"state": "published", "state_reason": None, "published_at": clock.now()}
    await _change(present["id"], **change | under_review([]))
    await record(MissionPublished(mission_id=present["id"], association_id=present["association_id"]))


def under_review(reasons: list[str]) -> dict[str, Any]:
    """Give the columns that say why a moderator is to read a mission, from now on; without a reason none is."""
    return {"review_since": clock.now() if reasons else None, "review_reasons": reasons}


async def _change(mission_id: UUID, **change: Any) -> None:
    try:
        await Mission.update(dict[Any, Any](change)).where(Mission.id == mission_id)
    except asyncpg.CheckViolationError as error:
        if error.constraint_name not in _REFUSALS:
            raise
        problem = _REFUSALS[error.constraint_name]()
        raise problem from None


async def _require_open(connection: Connection, association_id: UUID, actor: Actor) -> str:
    """Give the state of an association whose missions may go live; raises WrongState."""
    state = await association_state(connection, association_id, actor)
    if state not in LIVELY:
        raise WrongState(_OF_ASSOCIATION, state=state, allowed=sorted(LIVELY))
    return state

"""Changing what was agreed: one side proposes, the other one answers; a longer effort asks the employer again."""

from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg
import msgspec

from api.applications import policy
from api.applications.facts import (
    ChangeDeclined,
    ChangeFact,
    ChangeProposed,
    ChangeWithdrawn,
    TermsChanged,
)
from api.applications.moves import change, ids_of, lock, not_own, refusals
from api.applications.schemas import ChangeIn, ChangeOut
from api.applications.tables import ChangeProposal
from api.core import clock, pagination
from api.core.actor import Actor
from api.core.database import Connection, found, retried, transaction
from api.core.ids import new_id
from api.core.language import Words
from api.core.lifecycle import Move, move, starts
from api.core.outbox import record
from api.core.problems import Fault, Forbidden, Invalid, NotFound, Problem, WrongState
from api.core.schemas import Page
from api.missions.fields import sessions_of
from api.missions.queries import unpacked
from api.missions.rules import broken_terms
from api.missions.schemas import Session

ACCEPT = move("accepted", "proposed")
DECLINE = move("declined", "proposed")
WITHDRAW = move("withdrawn", "proposed")

_CHANGE = """
    SELECT id, version, application_id, state, from_association, starts_on, ends_on, effort_minutes, sessions, message,
           created_at, author_id, person_id, association_id
    FROM change_proposal WHERE
"""
_ONE = _CHANGE + "id = $1"
_OPEN = "SELECT id FROM change_proposal WHERE application_id = $1 AND state = 'proposed'"
_PAGE = _CHANGE + "application_id = $1 AND ($2::uuid IS NULL OR id < $2) ORDER BY id DESC LIMIT $3"
_COLUMNS = {
    "starts_on": "agreed_starts_on",
    "ends_on": "agreed_ends_on",
    "effort_minutes": "agreed_minutes",
    "sessions": "agreed_sessions",
}
"""Where an application keeps what a proposal names."""
_MISSION = "SELECT * FROM mission WHERE id = $1"
_NOTHING = Words("Say what should change.", "Dites ce qui doit changer.")


class ChangeWaiting(Problem):
    """One change waits for its answer at a time; carries its `change_id`."""

    status = 409
    slug = "change-waiting"
    title = Words("Another change waits for an answer", "Un autre changement attend une réponse")


@retried
async def propose_change(actor: Actor, application_id: UUID, given: ChangeIn) -> ChangeOut:
    """Propose to the other side of an engagement to change its days, sessions or effort.

    Raises NotFound, Forbidden, WrongState, Invalid, ChangeWaiting.
    """
    change_id = new_id()
    async with transaction(actor) as connection:
        present = await lock(connection, application_id, actor)
        from_association = require_side(actor, present)
        if present["state"] != "accepted":
            raise WrongState(state=present["state"], allowed=["accepted"])
        terms = await _proposed(connection, present, given)
        if waiting := await connection.fetchval(_OPEN, application_id):
            raise ChangeWaiting(change_id=str(waiting))
        await ChangeProposal.insert(
            ChangeProposal(
                id=change_id,
                application_id=application_id,
                association_id=present["association_id"],
                person_id=present["person_id"],
                author_id=actor.author,
                from_association=from_association,
                message=given.message,
                created_at=clock.now(),
                **terms,
            )
        )
        await record(ChangeProposed(**ids_of(present), change_id=change_id))
        return _shown(found(await connection.fetchrow(_ONE, change_id)))


async def _proposed(connection: Connection, present: asyncpg.Record, given: ChangeIn) -> dict[str, Any]:
    """Give the columns of a proposal; raises Invalid, every broken rule at once."""
    terms: dict[str, Any] = {
        "starts_on": given.starts_on,
        "ends_on": given.ends_on,
        "effort_minutes": given.effort_minutes,
        "sessions": None if given.sessions is None else msgspec.to_builtins(sessions_of(given.sessions)),
    }
    named = {name: value for name, value in terms.items() if value is not None}
    agreed = _terms(present, _COLUMNS)
    if all(_measure(name, value) == _measure(name, agreed.get(name)) for name, value in named.items()):
        raise Invalid(faults=[Fault("", "nothing", _NOTHING)])
    await _require_terms(connection, present, named)
    return named | (
        {"sessions": msgspec.json.encode(named["sessions"]).decode()} if "sessions" in named else {}
    )


async def _require_terms(connection: Connection, present: asyncpg.Record, named: dict[str, Any]) -> None:
    """Hold what was agreed, so changed, against the mission as it is now; raises Invalid."""
    mission = unpacked(found(await connection.fetchrow(_MISSION, present["mission_id"])))
    terms = dict.fromkeys(_COLUMNS) | _terms(present, _COLUMNS) | named
    if faults := broken_terms(terms, mission, named):
        raise Invalid(faults=faults)


def _measure(name: str, value: Any) -> Any:
    """Give what makes a term another: of sessions their hours, not their ids, nor their order."""
    return sorted(map(_hours, value)) if name == "sessions" and value else value


def _hours(session: dict[str, str]) -> tuple[datetime, datetime]:
    return datetime.fromisoformat(session["starts_at"]), datetime.fromisoformat(session["ends_at"])


def _terms(row: asyncpg.Record, columns: dict[str, str]) -> dict[str, Any]:
    """Read the terms that a row names."""
    terms = {name: row[column] for name, column in columns.items() if row[column] is not None}
    return terms | ({"sessions": msgspec.json.decode(terms["sessions"])} if "sessions" in terms else {})


@retried
async def accept_change(actor: Actor, change_id: UUID, asked: int | None) -> ChangeOut:
    """Accept what the other side proposed; on working time a longer effort is put to the employer again.

    Raises NotFound, Forbidden, WrongState, VersionChanged, AllowanceExceeded, BudgetExceeded, EmployerConditions, and
    Invalid where the mission has changed so that it does not fit any more.
    """
    with refusals():
        async with transaction(actor) as connection:
            present, proposal = await _entered(connection, change_id, actor)
            _require_answerer(actor, proposal)
            if starts(ACCEPT, proposal["state"], version=proposal["version"], asked=asked):
                named = _terms(proposal, {name: name for name in _COLUMNS})
                await _require_terms(connection, present, named)
                await _move(present, proposal, ACCEPT, TermsChanged)
                await change(present, **{_COLUMNS[name]: proposal[name] for name in named})
            return _shown(found(await connection.fetchrow(_ONE, change_id)))


@retried
async def decline_change(actor: Actor, change_id: UUID, asked: int | None) -> ChangeOut:
    """Decline what the other side proposed: all stays as it was agreed.

    Raises NotFound, Forbidden, WrongState, VersionChanged.
    """
    async with transaction(actor) as connection:
        present, proposal = await _entered(connection, change_id, actor)
        _require_answerer(actor, proposal)
        if starts(DECLINE, proposal["state"], version=proposal["version"], asked=asked):
            await _move(present, proposal, DECLINE, ChangeDeclined)
        return _shown(found(await connection.fetchrow(_ONE, change_id)))


@retried
async def withdraw_change(actor: Actor, change_id: UUID, asked: int | None) -> ChangeOut:
    """Take back what one's own side proposed; raises NotFound, Forbidden, WrongState, VersionChanged."""
    async with transaction(actor) as connection:
        present, proposal = await _entered(connection, change_id, actor)
        if require_side(actor, present) != proposal["from_association"]:
            raise Forbidden
        if starts(WITHDRAW, proposal["state"], version=proposal["version"], asked=asked):
            await _move(present, proposal, WITHDRAW, ChangeWithdrawn)
        return _shown(found(await connection.fetchrow(_ONE, change_id)))


async def list_changes(
    connection: Connection, application_id: UUID, actor: Actor, limit: int, cursor: str | None
) -> Page[ChangeOut]:
    """List the changes proposed on an engagement, the newest first, to its two sides; raises NotFound, Forbidden."""
    present = found(await connection.fetchrow("SELECT * FROM application WHERE id = $1", application_id))
    policy.require_sight(actor, present)
    require_side(actor, present)
    question = ("changes", str(application_id))
    (last,) = pagination.read_cursor(cursor, question, UUID) or (None,)
    rows = await connection.fetch(_PAGE, application_id, last, limit + 1)
    return pagination.page([_shown(row) for row in rows], limit, question, "id")


def require_side(actor: Actor, present: asyncpg.Record) -> bool:
    """Tell whether the caller is of the association; raises Forbidden to who is of neither side."""
    if not policy.is_side(actor, present):
        raise Forbidden
    return not actor.acts_for(present["person_id"])


def _require_answerer(actor: Actor, proposal: asyncpg.Record) -> None:
    if require_side(actor, proposal) == proposal["from_association"]:
        raise Forbidden(Words("The other side answers.", "C’est à l’autre partie de répondre."))


async def _entered(
    connection: Connection, change_id: UUID, actor: Actor
) -> tuple[asyncpg.Record, asyncpg.Record]:
    """Lock a proposal that the caller's side sees, its application first; raises NotFound."""
    proposal = found(await connection.fetchrow(_ONE, change_id))
    if not policy.is_side(actor, proposal):
        raise NotFound
    present = await lock(connection, proposal["application_id"], actor)
    return present, found(await connection.fetchrow(_ONE + " FOR UPDATE", change_id))


async def _move(present: asyncpg.Record, proposal: asyncpg.Record, act: Move, fact: type[ChangeFact]) -> None:
    with not_own():
        await ChangeProposal.update({"state": act.target}).where(ChangeProposal.id == proposal["id"])
    await record(fact(**ids_of(present), change_id=proposal["id"]))


def _shown(row: asyncpg.Record) -> ChangeOut:
    fields = {name: row[name] for name in ChangeOut.__struct_fields__}
    if row["sessions"] is not None:
        fields["sessions"] = msgspec.json.decode(row["sessions"], type=list[Session])
    return ChangeOut(**fields)

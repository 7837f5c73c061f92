"""Use cases of hours. Every one locks the application first, then the entry; approval posts by itself."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import asyncpg

from api.applications.moves import EmployerPending
from api.applications.policy import SETTLED, require_applicant, require_employer, require_sight
from api.core import clock
from api.core.actor import Actor
from api.core.database import Connection, found, retried, transaction
from api.core.ids import new_id
from api.core.language import Words
from api.core.lifecycle import starts
from api.core.outbox import record
from api.core.problems import Fault, Forbidden, Invalid, NotFound, Problem, WrongState
from api.hours import policy, queries
from api.hours.facts import HoursApproved, HoursConfirmed, HoursDeclared, HoursLowered, HoursRejected
from api.hours.schemas import Confirmed, HoursIn, HoursOut
from api.hours.tables import HoursEntry
from api.organisations.policy import NOT_EMPLOYED, require_member

LATEST = timedelta(days=366)
"""How late a day may be declared."""


class DayDeclared(Problem):
    """One living entry an engagement and day; carries the other one's `hours_id`."""

    status = 409
    slug = "day-declared"
    title = Words("This day is declared already", "Cette journée est déjà déclarée")


@retried
async def declare_hours(actor: Actor, application_id: UUID, given: HoursIn) -> HoursOut:
    """Declare minutes worked on a past or present day of one's engagement.

    It begins the day the association has accepted and, on working time, the employer agreed: preparing before the first
    agreed day counts, what was done before anybody agreed does not. It ends the day the mission was completed.

    Raises NotFound, Forbidden, WrongState, EmployerPending, Invalid, DayDeclared.
    """
    hours_id = new_id()
    async with transaction(actor) as connection:
        engagement = await _lock_engagement(connection, application_id, actor)
        require_applicant(actor, engagement["person_id"])
        _require_working(engagement)
        _require_day(given, engagement["time_zone"])
        if living := await _living_entry(connection, application_id, given):
            raise DayDeclared(hours_id=str(living))
        await _insert(engagement, hours_id, given)
        await record(HoursDeclared(hours_id=hours_id, **_walls(engagement)))
        return await queries.get_hours(connection, hours_id, actor)


async def _insert(engagement: asyncpg.Record, hours_id: UUID, given: HoursIn) -> None:
    try:
        await HoursEntry.insert(
            HoursEntry(
                id=hours_id,
                application_id=engagement["id"],
                **{name: engagement[name] for name in _TENANTS},
                worked_on=given.worked_on,
                minutes=given.minutes,
                declared_minutes=given.minutes,
                note=given.note,
                created_at=clock.now(),
            )
        )
    except asyncpg.CheckViolationError as error:
        if error.constraint_name == "hours_entry_of_active_employee":
            raise Forbidden(NOT_EMPLOYED) from None
        if error.constraint_name == "hours_entry_day_has_24_hours":
            raise Invalid(faults=[Fault("/minutes", "day-full", _DAY_FULL)]) from None
        if error.constraint_name == "hours_entry_of_engagement":
            raise Invalid(faults=[policy.before_engagement(engagement["engaged_on"])]) from None
        if error.constraint_name == "hours_entry_before_end":
            raise Invalid(faults=[policy.after_engagement(engagement["engaged_until"])]) from None
        raise


_DAY_FULL = Words("More than 24 hours in a day.", "Plus de 24 heures dans une journée.")


_ABSENT = Words(
    "You said that this person did not come: say first that they did the mission.",
    "Vous avez dit que cette personne n’est pas venue : dites d’abord qu’elle a fait la mission.",
)
_TENANTS = ("mission_id", "association_id", "company_id", "employee_id", "person_id", "manager_id", "regime")


def _require_working(engagement: asyncpg.Record) -> None:
    if engagement["state"] not in policy.WORKING:
        raise WrongState(state=engagement["state"], allowed=sorted(policy.WORKING))
    if engagement["employer_approval"] not in SETTLED:
        raise EmployerPending


def _require_day(given: HoursIn, time_zone: str) -> None:
    today = clock.today(time_zone)
    if given.worked_on > today:
        words = Words("This day is yet to come.", "Ce jour n’est pas encore venu.")
        raise Invalid(faults=[Fault("/worked_on", "in-the-future", words)])
    if given.worked_on < today - LATEST:
        words = Words("This day is more than a year ago.", "Ce jour remonte à plus d’un an.")
        raise Invalid(faults=[Fault("/worked_on", "too-old", words)])


async def _living_entry(connection: Connection, application_id: UUID, given: HoursIn) -> UUID | None:
    living: UUID | None = await connection.fetchval(
        """SELECT id FROM hours_entry WHERE application_id = $1 AND worked_on = $2
           AND state NOT IN ('rejected', 'cancelled', 'reversed')""",
        application_id,
        given.worked_on,
    )
    return living


@retried
async def confirm_hours(actor: Actor, hours_id: UUID, given: Confirmed, asked: int | None) -> HoursOut:
    """Confirm declared minutes, or lower them; what the employer's policy leaves automatic is approved at once.

    Raises NotFound, Forbidden, WrongState, VersionChanged, Invalid.
    """
    async with transaction(actor) as connection:
        entry = await _lock(connection, hours_id, actor)
        require_member(actor, entry["association_id"])
        _require_other(actor, entry)
        if given.minutes not in (None, entry["minutes"]) and entry["state"] != "declared":
            raise WrongState(state=entry["state"], allowed=["declared"])
        lowers = given.minutes is not None and given.minutes < entry["declared_minutes"]
        if entry["state"] != "approved" and starts(
            policy.LOWER if lowers else policy.CONFIRM, entry["state"], version=entry["version"], asked=asked
        ):
            if lowers:
                await _lower(entry, given, actor.author)
            else:
                await _confirm(connection, entry, given, actor.author)
        return await queries.get_hours(connection, hours_id, actor)


async def _lower(entry: asyncpg.Record, given: Confirmed, by: UUID) -> None:
    if not given.reason:
        words = Words("Say why it is lowered.", "Dites pourquoi c’est réduit.")
        raise Invalid(faults=[Fault("/reason", "required", words)])
    await _move(entry, state="lowered", state_reason=given.reason, minutes=given.minutes, confirmed_by=by)
    await record(HoursLowered(hours_id=entry["id"], **_walls(entry)))


async def _confirm(connection: Connection, entry: asyncpg.Record, given: Confirmed, by: UUID) -> None:
    if given.minutes is not None and given.minutes > entry["declared_minutes"]:
        words = Words("Nobody may raise what was declared.", "Nul ne peut augmenter ce qui a été déclaré.")
        raise Invalid(faults=[Fault("/minutes", "raised", words)])
    await _settle(connection, entry, confirmed_by=by)


async def _settle(connection: Connection, entry: asyncpg.Record, **change: UUID) -> None:
    """Confirm an entry, and approve it too where no one else has a word to say."""
    await _move(entry, state="confirmed", state_reason=None, **change)
    automatic = entry["regime"] == "personal_time" or (
        await connection.fetchval("SELECT hours_approval_of($1, $2)", entry["company_id"], entry["worked_on"])
        == "automatic"
    )
    if automatic:
        await HoursEntry.update({"state": "approved"}).where(HoursEntry.id == entry["id"])
        await record(HoursApproved(hours_id=entry["id"], **_walls(entry)))
    else:
        await record(HoursConfirmed(hours_id=entry["id"], **_walls(entry)))


@retried
async def accept_hours(actor: Actor, hours_id: UUID, asked: int | None) -> HoursOut:
    """Accept the association's lower figure; raises NotFound, Forbidden, WrongState, VersionChanged."""
    async with transaction(actor) as connection:
        entry = await _lock(connection, hours_id, actor)
        require_applicant(actor, entry["person_id"])
        if entry["state"] != "approved" and starts(
            policy.ACCEPT, entry["state"], version=entry["version"], asked=asked
        ):
            await _settle(connection, entry)
        return await queries.get_hours(connection, hours_id, actor)


async def settle_lowered_hours(connection: Connection, employee_id: UUID, actor: Actor) -> None:
    """Let the association's lower figures stand for an employee who leaves, in the system's open transaction."""
    rows = await connection.fetch(
        "SELECT id FROM hours_entry WHERE employee_id = $1 AND state = 'lowered' ORDER BY id", employee_id
    )
    for row in rows:
        entry = await _lock(connection, row["id"], actor)
        if entry["state"] == "lowered":
            await _settle(connection, entry)


@retried
async def cancel_hours(actor: Actor, hours_id: UUID, asked: int | None) -> HoursOut:
    """Take back one's own entry while it is not confirmed; raises NotFound, Forbidden, WrongState, VersionChanged."""
    async with transaction(actor) as connection:
        entry = await _lock(connection, hours_id, actor)
        require_applicant(actor, entry["person_id"])
        if starts(policy.CANCEL, entry["state"], version=entry["version"], asked=asked):
            await _move(entry, state=policy.CANCEL.target)
        return await queries.get_hours(connection, hours_id, actor)


@retried
async def approve_hours(actor: Actor, hours_id: UUID, asked: int | None) -> HoursOut:
    """Approve confirmed working time as manager or HR; raises NotFound, Forbidden, WrongState, VersionChanged."""
    async with transaction(actor) as connection:
        entry = await _lock(connection, hours_id, actor)
        _require_employer(actor, entry)
        if starts(policy.APPROVE, entry["state"], version=entry["version"], asked=asked):
            await _move(entry, state=policy.APPROVE.target, approved_by=actor.author)
            await record(HoursApproved(hours_id=hours_id, **_walls(entry)))
        return await queries.get_hours(connection, hours_id, actor)


@retried
async def reject_hours(actor: Actor, hours_id: UUID, reason: str, asked: int | None) -> HoursOut:
    """Reject an entry with a reason: the association a declared one, the employer a confirmed one.

    Raises NotFound, Forbidden, WrongState, VersionChanged.
    """
    async with transaction(actor) as connection:
        entry = await _lock(connection, hours_id, actor)
        if entry["association_id"] in actor.memberships and entry["state"] != "confirmed":
            _require_other(actor, entry)
        else:
            _require_employer(actor, entry)
        if starts(policy.REJECT, entry["state"], version=entry["version"], asked=asked):
            await _move(entry, state=policy.REJECT.target, state_reason=reason)
            await record(HoursRejected(hours_id=hours_id, **_walls(entry)))
        return await queries.get_hours(connection, hours_id, actor)


def _require_other(actor: Actor, entry: asyncpg.Record) -> None:
    if actor.person_id == entry["person_id"]:
        raise Forbidden(Words("Nobody confirms their own hours.", "Nul ne confirme ses propres heures."))


def _require_employer(actor: Actor, entry: asyncpg.Record) -> None:
    if entry["regime"] != "working_time":
        raise Forbidden
    require_employer(actor, entry["company_id"], entry["manager_id"], entry["person_id"])


def _walls(row: asyncpg.Record) -> dict[str, UUID]:
    return {"association_id": row["association_id"], "company_id": row["company_id"]}


async def _move(entry: asyncpg.Record, **change: object) -> None:
    where = (HoursEntry.id == entry["id"]) & (HoursEntry.state == entry["state"])
    try:
        if not await HoursEntry.update(dict[Any, Any](change)).where(where).returning(HoursEntry.id):
            raise NotFound
    except asyncpg.CheckViolationError as error:
        if error.constraint_name != "hours_entry_of_who_came":
            raise
        raise WrongState(_ABSENT, state="no_show", allowed=sorted(policy.WORKING)) from None


async def _lock_engagement(connection: Connection, application_id: UUID, actor: Actor) -> asyncpg.Record:
    engagement = found(
        await connection.fetchrow(
            """SELECT p.*, m.time_zone FROM application p JOIN mission m ON m.id = p.mission_id
               WHERE p.id = $1 FOR NO KEY UPDATE OF p""",
            application_id,
        )
    )
    require_sight(actor, engagement)
    return engagement


async def _lock(connection: Connection, hours_id: UUID, actor: Actor) -> asyncpg.Record:
    application_id = found(
        await connection.fetchval("SELECT application_id FROM hours_entry WHERE id = $1", hours_id)
    )
    await _lock_engagement(connection, application_id, actor)
    return found(await connection.fetchrow("SELECT * FROM hours_entry WHERE id = $1 FOR UPDATE", hours_id))

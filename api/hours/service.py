"""What those who worked, and their association, do with hours; approval posts by itself."""

from datetime import timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

import asyncpg

from api.applications.employer import standing_in
from api.applications.moves import EmployerPending
from api.applications.policy import SETTLED, require_applicant
from api.core import clock
from api.core.actor import Actor
from api.core.database import Connection, retried, transaction
from api.core.ids import new_id
from api.core.language import Words
from api.core.lifecycle import starts
from api.core.outbox import record
from api.core.problems import Fault, Forbidden, Invalid, Problem, WrongState
from api.hours import policy, queries
from api.hours.employer import require_employer
from api.hours.facts import HoursApproved, HoursConfirmed, HoursDeclared, HoursLowered, HoursRejected
from api.hours.moves import lock, lock_engagement, move, tenants_of
from api.hours.schemas import Confirmed, HoursIn, HoursOut
from api.hours.tables import HoursEntry
from api.organisations.policy import CLOSE, NOT_EMPLOYED, require_member

LATEST = timedelta(days=366)
"""How late a day may be declared."""


class DayDeclared(Problem):
    """One living entry an engagement and day, unless both say when they began; carries the other one's `hours_id`."""

    status = 409
    slug = "day-declared"
    title = Words("This day is declared already", "Cette journée est déjà déclarée")
    advice = Words(
        "Several entries of a day each say when they began (`starts_at`), and none falls into another.",
        "Plusieurs déclarations d’un même jour disent chacune leur début (`starts_at`), sans se chevaucher.",
    )


@retried
async def declare_hours(actor: Actor, application_id: UUID, given: HoursIn) -> HoursOut:
    """Declare minutes worked on a past or present day of one's engagement.

    It begins the day the association has accepted and, on working time, the employer agreed: preparing before the first
    agreed day counts, what was done before anybody agreed does not. It ends the day the mission was completed.

    Raises NotFound, Forbidden, WrongState, EmployerPending, Invalid, DayDeclared.
    """
    hours_id = new_id()
    async with transaction(actor) as connection:
        engagement = await lock_engagement(connection, application_id, actor)
        require_applicant(actor, engagement["person_id"])
        _require_working(engagement)
        _require_day(given, engagement["time_zone"])
        if living := await _living_entry(connection, application_id, given):
            raise DayDeclared(hours_id=str(living))
        await _insert(engagement, hours_id, given)
        await record(HoursDeclared(hours_id=hours_id, **tenants_of(engagement)))
        return await queries.get_hours(connection, hours_id, actor)


async def _insert(engagement: asyncpg.Record, hours_id: UUID, given: HoursIn) -> None:
    try:
        await HoursEntry.insert(
            HoursEntry(
                id=hours_id,
                application_id=engagement["id"],
                **{name: engagement[name] for name in _TENANTS},
                worked_on=given.worked_on,
                starts_at=given.starts_at,
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
        if error.constraint_name == "hours_entry_of_open_association":
            raise WrongState(_CLOSED, state="closed", allowed=sorted(CLOSE.sources)) from None
        raise


_DAY_FULL = Words("More than 24 hours in a day.", "Plus de 24 heures dans une journée.")
_CLOSED = Words(
    "The association is closed: nobody would confirm them.",
    "L’association est fermée : personne ne les confirmerait.",
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
    if given.starts_at and given.starts_at.astimezone(ZoneInfo(time_zone)).date() != given.worked_on:
        words = Words("The start does not fall on that day.", "Le début ne tombe pas ce jour-là.")
        raise Invalid(faults=[Fault("/starts_at", "another-day", words)])
    if given.starts_at and given.starts_at > clock.now():
        words = Words("This hour is yet to come.", "Cette heure n’est pas encore venue.")
        raise Invalid(faults=[Fault("/starts_at", "in-the-future", words)])


async def _living_entry(connection: Connection, application_id: UUID, given: HoursIn) -> UUID | None:
    living: UUID | None = await connection.fetchval(
        """SELECT id FROM hours_entry WHERE application_id = $1 AND worked_on = $2
           AND state NOT IN ('rejected', 'cancelled', 'reversed')
           AND worked_within(starts_at, declared_minutes) && worked_within($3, $4) ORDER BY starts_at LIMIT 1""",
        application_id,
        given.worked_on,
        given.starts_at,
        given.minutes,
    )
    return living


@retried
async def confirm_hours(actor: Actor, hours_id: UUID, given: Confirmed, asked: int | None) -> HoursOut:
    """Confirm declared minutes, or lower them; what the employer's policy leaves automatic is approved at once.

    Raises NotFound, Forbidden, WrongState, VersionChanged, Invalid.
    """
    async with transaction(actor) as connection:
        entry = await lock(connection, hours_id, actor)
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
    await move(entry, state="lowered", state_reason=given.reason, minutes=given.minutes, confirmed_by=by)
    await record(HoursLowered(hours_id=entry["id"], **tenants_of(entry)))


async def _confirm(connection: Connection, entry: asyncpg.Record, given: Confirmed, by: UUID) -> None:
    if given.minutes is not None and given.minutes > entry["declared_minutes"]:
        words = Words("Nobody may raise what was declared.", "Nul ne peut augmenter ce qui a été déclaré.")
        raise Invalid(faults=[Fault("/minutes", "raised", words)])
    await _settle(connection, entry, confirmed_by=by)


async def _settle(connection: Connection, entry: asyncpg.Record, **change: UUID) -> None:
    """Confirm an entry, which posts it on personal time, and on working time where the employer's policy says so."""
    await move(entry, state="confirmed", **change)
    if entry["regime"] == "personal_time":
        await HoursEntry.update({"state": "approved"}).where(HoursEntry.id == entry["id"])
        approved = True
    else:
        approved = await connection.fetchval("SELECT approve_by_policy($1)", entry["id"])
    fact = HoursApproved if approved else HoursConfirmed
    await record(fact(hours_id=entry["id"], **tenants_of(entry)))


@retried
async def accept_hours(actor: Actor, hours_id: UUID, asked: int | None) -> HoursOut:
    """Accept the association's lower figure; raises NotFound, Forbidden, WrongState, VersionChanged."""
    async with transaction(actor) as connection:
        entry = await lock(connection, hours_id, actor)
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
        entry = await lock(connection, row["id"], actor)
        if entry["state"] == "lowered":
            await _settle(connection, entry)


@retried
async def cancel_hours(actor: Actor, hours_id: UUID, asked: int | None) -> HoursOut:
    """Take back one's own entry while it is not confirmed; raises NotFound, Forbidden, WrongState, VersionChanged."""
    async with transaction(actor) as connection:
        entry = await lock(connection, hours_id, actor)
        require_applicant(actor, entry["person_id"])
        if starts(policy.CANCEL, entry["state"], version=entry["version"], asked=asked):
            await move(entry, state=policy.CANCEL.target)
        return await queries.get_hours(connection, hours_id, actor)


@retried
async def reject_hours(actor: Actor, hours_id: UUID, reason: str, asked: int | None) -> HoursOut:
    """Reject an entry with a reason: the association a declared one, the employer a confirmed one.

    Raises NotFound, Forbidden, WrongState, VersionChanged.
    """
    actor = await standing_in(actor)
    async with transaction(actor) as connection:
        entry = await lock(connection, hours_id, actor)
        if entry["association_id"] in actor.memberships and entry["state"] != "confirmed":
            _require_other(actor, entry)
        else:
            require_employer(actor, entry)
        if starts(policy.REJECT, entry["state"], version=entry["version"], asked=asked):
            await move(entry, state=policy.REJECT.target, state_reason=reason)
            await record(HoursRejected(hours_id=hours_id, **tenants_of(entry)))
        return await queries.get_hours(connection, hours_id, actor)


def _require_other(actor: Actor, entry: asyncpg.Record) -> None:
    if actor.acts_for(entry["person_id"]):
        raise Forbidden(Words("Nobody confirms their own hours.", "Nul ne confirme ses propres heures."))

"""What an association does with who applied: each answer is told, and none oversells a place."""

from datetime import UTC, datetime, time, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

import asyncpg

from api.applications import policy, queries
from api.applications.facts import (
    ApplicationAccepted,
    ApplicationCompleted,
    ApplicationDeclined,
    ApplicationEnded,
    ApplicationFact,
    ApplicationReopened,
    ApplicationShortlisted,
    ApplicationWaitlisted,
    MarkedNoShow,
)
from api.applications.messages import write
from api.applications.moves import REPLY_WITHIN, lock, move, offer_places, refusals
from api.applications.schemas import ApplicationOut, Declined
from api.applications.service import AlreadyApplied
from api.core import clock
from api.core.actor import Actor
from api.core.database import Connection, retried, transaction
from api.core.language import Words
from api.core.lifecycle import Move, starts
from api.core.problems import Problem, WrongState
from api.organisations.policy import require_member

EXCHANGE_WITHIN = timedelta(days=30)
"""How long a no-show and a completed one may be exchanged."""
_CAME = {
    "application_no_show_after_first_day": Words(
        "Their first day has not come yet.", "Son premier jour n’est pas encore venu."
    ),
    "application_no_show_unworked": Words(
        "You confirmed hours of theirs, or lowered them.",
        "Vous avez confirmé ou réduit des heures de sa part.",
    ),
}
"""Why somebody cannot be a no-show, by the constraint that the database names."""
_LOCK_APPLICANT = "SELECT lock_employee(employee_id) FROM application WHERE id = $1"
_MISSION = "SELECT state, places, taken, apply_by, starts_on, time_zone FROM mission WHERE id = $1"


class MissionNotFull(Problem):
    """Only a full mission has a waitlist; this one has a place to give."""

    status = 409
    slug = "mission-not-full"
    title = Words("There is a place left: accept instead", "Il reste une place : acceptez plutôt")


class NotAbsent(Problem):
    """A no-show is of somebody who did not come; `detail` says why it cannot be."""

    status = 409
    slug = "not-absent"
    title = Words("This is no no-show", "Ce n’est pas une absence")


@retried
async def shortlist_application(actor: Actor, application_id: UUID, asked: int | None) -> ApplicationOut:
    """Keep an applicant for later, who is told; the date of the reply moves once.

    It moves to 7 days after now, or after the last day to apply if that is later, never past the first day.
    Raises NotFound, Forbidden, WrongState, VersionChanged.
    """
    async with transaction(actor) as connection:
        present = await _entered(connection, application_id, actor)
        if starts(policy.SHORTLIST, present["state"], version=present["version"], asked=asked):
            mission = await connection.fetchrow(_MISSION, present["mission_id"])
            due = max(present["reply_due_at"], _later_reply(mission))
            await move(
                connection,
                present,
                policy.SHORTLIST,
                ApplicationShortlisted,
                reply_due_at=due,
                reminded=0,
            )
        return await queries.get_application(connection, application_id, actor)


def _later_reply(mission: asyncpg.Record) -> datetime:
    zone = ZoneInfo(mission["time_zone"])
    last = datetime.combine(mission["apply_by"] or mission["starts_on"], time.max, zone)
    first = datetime.combine(mission["starts_on"], time.min, zone)
    return min(max(clock.now(), last) + REPLY_WITHIN, first).astimezone(UTC)


@retried
async def accept_application(actor: Actor, application_id: UUID, asked: int | None) -> ApplicationOut:
    """Give a place to an applicant; whoever waits for one comes before.

    Raises NotFound, Forbidden, WrongState, VersionChanged, MissionFull, EmployerConditions, AssociationSuspended.
    """
    with refusals():
        async with transaction(actor) as connection:
            present = await _entered(connection, application_id, actor)
            if starts(policy.ACCEPT, present["state"], version=present["version"], asked=asked):
                await offer_places(connection, present["mission_id"])
                await move(connection, present, policy.ACCEPT, ApplicationAccepted)
            return await queries.get_application(connection, application_id, actor)


@retried
async def waitlist_application(actor: Actor, application_id: UUID, asked: int | None) -> ApplicationOut:
    """Put an applicant at the end of the queue of a full mission.

    Raises NotFound, Forbidden, WrongState, VersionChanged, MissionNotFull.
    """
    async with transaction(actor) as connection:
        present = await _entered(connection, application_id, actor)
        if starts(policy.WAITLIST, present["state"], version=present["version"], asked=asked):
            mission = await connection.fetchrow(_MISSION, present["mission_id"])
            if mission["taken"] < mission["places"]:
                raise MissionNotFull
            now = clock.now()
            await move(connection, present, policy.WAITLIST, ApplicationWaitlisted, waitlisted_at=now)
        return await queries.get_application(connection, application_id, actor)


@retried
async def decline_application(
    actor: Actor, application_id: UUID, given: Declined, asked: int | None
) -> ApplicationOut:
    """Decline an applicant, with a reason they are told; raises NotFound, Forbidden, WrongState, VersionChanged."""
    async with transaction(actor) as connection:
        present = await _entered(connection, application_id, actor)
        if starts(policy.DECLINE, present["state"], version=present["version"], asked=asked):
            await move(connection, present, policy.DECLINE, ApplicationDeclined, given.reason)
            if given.message:
                await write(actor, present, given.message)
        return await queries.get_application(connection, application_id, actor)


@retried
async def cancel_application(
    actor: Actor, application_id: UUID, reason: str, asked: int | None
) -> ApplicationOut:
    """End an engagement as the association, with a reason; the place comes back, both others are told.

    Raises NotFound, Forbidden, WrongState, VersionChanged.
    """
    return await _answer(actor, application_id, policy.CANCEL, asked, ApplicationEnded, reason)


@retried
async def reopen_application(actor: Actor, application_id: UUID, asked: int | None) -> ApplicationOut:
    """Bring a declined or expired application back, with a new date to reply; its person is told, and may withdraw.

    An employer who had still to answer is asked anew.
    Raises NotFound, Forbidden, WrongState, VersionChanged, AlreadyApplied, ApplicantGone, AssociationSuspended.
    """
    try:
        with refusals():
            async with transaction(actor) as connection:
                await connection.execute(_LOCK_APPLICANT, application_id)
                await _reopen(connection, application_id, actor, asked)
                return await queries.get_application(connection, application_id, actor)
    except asyncpg.UniqueViolationError:
        raise AlreadyApplied from None


async def _reopen(connection: Connection, application_id: UUID, actor: Actor, asked: int | None) -> None:
    present = await _entered(connection, application_id, actor)
    if starts(policy.REOPEN, present["state"], version=present["version"], asked=asked):
        mission = await connection.fetchrow(_MISSION, present["mission_id"])
        if mission["state"] not in policy.OPEN_TO_ANSWERS:
            raise WrongState(state=mission["state"], allowed=sorted(policy.OPEN_TO_ANSWERS))
        due = clock.now() + REPLY_WITHIN
        await move(connection, present, policy.REOPEN, ApplicationReopened, reply_due_at=due, reminded=0)


@retried
async def mark_no_show(actor: Actor, application_id: UUID, asked: int | None) -> ApplicationOut:
    """Say that an accepted person did not come; within 30 days it may be exchanged for having done it.

    Nobody is absent before their first day, nor where the association confirmed or lowered hours of theirs.
    Raises NotFound, Forbidden, WrongState, VersionChanged, NotAbsent, EmployerPending.
    """
    try:
        with refusals():
            return await _answer(actor, application_id, policy.NO_SHOW, asked, MarkedNoShow)
    except asyncpg.CheckViolationError as error:
        if error.constraint_name not in _CAME:
            raise
        raise NotAbsent(_CAME[error.constraint_name]) from None


@retried
async def complete_application(actor: Actor, application_id: UUID, asked: int | None) -> ApplicationOut:
    """Say that an accepted person did the mission; within 30 days it may be exchanged for a no-show.

    Raises NotFound, Forbidden, WrongState, VersionChanged, EmployerPending.
    """
    with refusals():
        return await _answer(actor, application_id, policy.COMPLETE, asked, ApplicationCompleted)


async def _answer(
    actor: Actor,
    application_id: UUID,
    act: Move,
    asked: int | None,
    fact: type[ApplicationFact],
    reason: str | None = None,
) -> ApplicationOut:
    async with transaction(actor) as connection:
        present = await _entered(connection, application_id, actor)
        if starts(act, present["state"], version=present["version"], asked=asked):
            ended = present["ended_at"]
            if present["state"] in policy.DONE and ended and clock.now() - ended > EXCHANGE_WITHIN:
                raise WrongState(state=present["state"], allowed=["accepted"])
            await move(connection, present, act, fact, reason)
        return await queries.get_application(connection, application_id, actor)


async def _entered(connection: Connection, application_id: UUID, actor: Actor) -> asyncpg.Record:
    """Lock somebody else's application to one's association; raises NotFound, Forbidden."""
    present = await lock(connection, application_id, actor)
    require_member(actor, present["association_id"])
    policy.require_another(actor, present["person_id"])
    return present

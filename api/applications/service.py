"""What a person does with their applications. Every use case locks the mission first, then the application."""

from datetime import UTC, datetime, time, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

import asyncpg

from api.applications import policy, queries
from api.applications.admission import require_admission
from api.applications.facts import (
    ApplicationSubmitted,
    ApplicationWithdrawn,
    EmployerApprovalAsked,
    OfferAccepted,
)
from api.applications.messages import write
from api.applications.moves import REPLY_WITHIN, ids, limit, lock, move, refusals
from api.applications.schemas import ApplicationIn, ApplicationOut, Withdrawn
from api.core import clock
from api.core.actor import Actor, Employment
from api.core.database import Connection, found, read, retried, transaction
from api.core.ids import new_id
from api.core.language import Words
from api.core.lifecycle import starts
from api.core.outbox import record
from api.core.problems import Forbidden, Problem, WrongState
from api.organisations.policy import NOT_EMPLOYED

_LIVE_OF_EMPLOYEE = """
    SELECT id FROM application WHERE employee_id = $1 AND state = ANY ($2) ORDER BY mission_id, id
"""
_LIVE = "SELECT id FROM application WHERE mission_id = $1 AND person_id = $2 AND state = ANY ($3)"
_LOCK = "SELECT lock_employee('{}'), lock_mission('{}')"
# All that an application is decided by, read once both are locked: the mission, the employee, their company's policy.
_DECIDING = """
    SELECT m.id, m.association_id, m.state, m.reserved_to, m.time_zone, m.apply_by, m.starts_on, m.sessions, m.regimes,
           m.format, m.causes, e.email, p.legal_form, p.approval,
           -- Whom their company did not name is named as they name themselves.
           CASE e.given_name || e.family_name WHEN '' THEN n.given_name ELSE e.given_name END AS given_name,
           CASE e.given_name || e.family_name WHEN '' THEN n.family_name ELSE e.family_name END AS family_name,
           p.approval_days, p.regimes AS allowed_regimes, p.formats AS allowed_formats, p.causes AS allowed_causes,
           p.associations AS allowed_associations,
           CASE p.approval WHEN 'manager' THEN manager_of(e.id) END AS manager_id,
           EXISTS (SELECT FROM application
                   WHERE mission_id = m.id AND person_id = $3 AND state = 'declined') AS declined,
           CASE $4::text WHEN 'working_time'
               THEN exceeded(c.id, e.id, year_of(c.id, m.starts_on), m.effort_minutes) END AS exceeded
    FROM mission m, employee e JOIN company c ON c.id = e.company_id JOIN person n ON n.id = e.person_id
    CROSS JOIN LATERAL (
        SELECT * FROM policy
        WHERE company_id = c.id AND effective_from <= (maillon_now() AT TIME ZONE c.time_zone)::date
        ORDER BY effective_from DESC LIMIT 1) p
    WHERE m.id = $2 AND e.id = $1
"""
_LIMIT = """
    SELECT greatest(0, minutes_left(e.company_id, e.id, year_of(e.company_id, m.starts_on))), m.effort_minutes
    FROM mission m, employee e WHERE e.id = $1 AND m.id = $2
"""
_APPLY = """
    INSERT INTO application (
        id, mission_id, association_id, company_id, employee_id, person_id, applicant_name, applicant_email, manager_id,
        regime, legal_form, message, wanted_sessions, employer_approval, approval_asked_at, approval_due_at,
        created_at, reply_due_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)
"""
_CHANGED = "SELECT changed_at > $2 FROM mission WHERE id = $1"


class AlreadyApplied(Problem):
    """One live application a person and mission; carries its `application_id`."""

    status = 409
    slug = "already-applied"
    title = Words("You have applied already", "Vous avez déjà candidaté")


class TooManyApplications(Problem):
    """So many applications of the person wait for an answer, `most` of them, that one more would not be read."""

    status = 409
    slug = "too-many-applications"
    title = Words("Several of your applications still wait", "Plusieurs de vos candidatures attendent déjà")
    advice = Words(
        "Withdraw one, or wait for a reply: one is owed within seven days.",
        "Retirez-en une, ou attendez une réponse : elle est due sous sept jours.",
    )


@retried
async def apply_to_mission(actor: Actor, mission_id: UUID, given: ApplicationIn) -> ApplicationOut:
    """Apply to a published mission; the employer's word is asked by the policy in force.

    Raises NotFound, Forbidden, WrongState, ApplicationsClosed, AlreadyApplied, DeclinedBefore, TooManyApplications,
    AllowanceExceeded, BudgetExceeded, Invalid.
    """
    job = actor.employment
    if job is None:
        raise Forbidden
    try:
        async with transaction(actor, first=_LOCK.format(job.employee_id, mission_id)) as connection:
            asked = (job.employee_id, mission_id, actor.author, given.regime)
            facts = found(await connection.fetchrow(_DECIDING, *asked))
            require_admission(actor, given, facts)
            if facts["exceeded"]:
                raise limit(
                    facts["exceeded"], *await connection.fetchrow(_LIMIT, job.employee_id, mission_id)
                )
            application_id = await _write(connection, actor.author, job, mission_id, given, facts)
            return await queries.get_application(connection, application_id, actor)
    except asyncpg.UniqueViolationError:
        async with read(actor) as connection:
            live = await connection.fetchval(_LIVE, mission_id, actor.author, list(policy.LIVE))
        raise AlreadyApplied(application_id=str(live)) from None
    except asyncpg.CheckViolationError as error:
        if error.constraint_name == "application_cap_of_person":
            raise _too_many(error.detail) from None
        if error.constraint_name != "application_of_active_employee":
            raise
        raise Forbidden(NOT_EMPLOYED) from None


def _too_many(cap: str) -> TooManyApplications:
    """Say which cap refused: the database names its format, or `any`, and its bound."""
    kind, most = cap.split()
    words = (
        Words("At most {most} may wait for an answer.", "Au plus {most} peuvent attendre une réponse.")
        if kind == "any"
        else Words(
            "At most {most} to missions of this format may wait for an answer.",
            "Au plus {most} à des missions de ce format peuvent attendre une réponse.",
        )
    ).format(most=most)
    advice = TooManyApplications.advice
    return TooManyApplications(Words(f"{words.en} {advice.en}", f"{words.fr} {advice.fr}"), most=int(most))


async def _write(
    connection: Connection,
    person_id: UUID,
    job: Employment,
    mission_id: UUID,
    given: ApplicationIn,
    facts: asyncpg.Record,
) -> UUID:
    """Write an application that nothing speaks against, and what others are told of it."""
    application_id, now = new_id(), clock.now()
    working = given.regime == "working_time"
    approval = _approval(facts) if working else "not_required"
    pending = approval == "pending"
    await connection.execute(
        _APPLY,
        application_id,
        mission_id,
        facts["association_id"],
        job.company_id,
        job.employee_id,
        person_id,
        f"{facts['given_name']} {facts['family_name']}".strip(),
        facts["email"],
        facts["manager_id"],
        given.regime,
        facts["legal_form"] if working else None,
        given.message,
        given.sessions,
        approval,
        now if pending else None,
        _approval_due(facts) if pending else None,
        now,
        now + REPLY_WITHIN,
    )
    named = ids(application_id, facts["association_id"], job.company_id)
    await record(ApplicationSubmitted(**named), *([EmployerApprovalAsked(**named)] if pending else []))
    return application_id


def _approval(facts: asyncpg.Record) -> str:
    return "approved" if facts["approval"] == "automatic" else "pending"


def _approval_due(facts: asyncpg.Record) -> datetime:
    """Give when silence decides: on the first day at the latest, unless that has begun; as ask_again() in SQL."""
    now, first = clock.now(), datetime.combine(facts["starts_on"], time.min, ZoneInfo(facts["time_zone"]))
    due = now + timedelta(days=facts["approval_days"])
    return min(due, first).astimezone(UTC) if first > now else due


@retried
async def withdraw_application(
    actor: Actor, application_id: UUID, given: Withdrawn, asked: int | None
) -> ApplicationOut:
    """Withdraw one's application and free its place; where the mission changed since, that is the reason.

    Raises NotFound, Forbidden, WrongState, VersionChanged.
    """
    async with transaction(actor) as connection:
        present = await lock(connection, application_id, actor)
        policy.require_applicant(actor, present["person_id"])
        if starts(policy.WITHDRAW, present["state"], version=present["version"], asked=asked):
            changed = await connection.fetchval(_CHANGED, present["mission_id"], present["created_at"])
            why = "mission_changed" if changed else given.reason
            await move(connection, present, policy.WITHDRAW, ApplicationWithdrawn, why)
            if given.message:
                await write(actor, present, given.message)
        return await queries.get_application(connection, application_id, actor)


@retried
async def accept_offer(actor: Actor, application_id: UUID, asked: int | None) -> ApplicationOut:
    """Take the place that is kept for oneself.

    Raises NotFound, Forbidden, WrongState, VersionChanged, AllowanceExceeded, BudgetExceeded, AssociationSuspended.
    """
    with refusals():
        async with transaction(actor) as connection:
            present = await lock(connection, application_id, actor)
            policy.require_applicant(actor, present["person_id"])
            if starts(policy.ACCEPT_OFFER, present["state"], version=present["version"], asked=asked):
                if present["offer_expires_at"] <= clock.now():
                    raise WrongState(state="expired", allowed=["offered"])
                await move(connection, present, policy.ACCEPT_OFFER, OfferAccepted)
            return await queries.get_application(connection, application_id, actor)


async def withdraw_live_applications(connection: Connection, employee_id: UUID, actor: Actor) -> None:
    """Withdraw what an employee who leaves applied for, in the system's open transaction; its places are freed.

    The caller holds the employee's row: no application is added meanwhile.
    """
    rows = await connection.fetch(_LIVE_OF_EMPLOYEE, employee_id, list(policy.LIVE))
    for row in rows:
        present = await lock(connection, row["id"], actor)
        if present["state"] in policy.LIVE:
            await move(connection, present, policy.WITHDRAW, ApplicationWithdrawn, "not_available")

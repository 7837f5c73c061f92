"""What a person does with their applications. Every use case locks the mission first, then the application."""

from datetime import UTC, datetime, time, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import asyncpg
import msgspec

from api.applications import policy, queries
from api.applications.facts import (
    ApplicationSubmitted,
    ApplicationWithdrawn,
    EmployerApprovalAsked,
    OfferAccepted,
)
from api.applications.messages import write
from api.applications.moves import REFUSALS, REPLY_WITHIN, ids, lock, lock_mission, move, refusals
from api.applications.schemas import ApplicationIn, ApplicationOut, Withdrawn
from api.applications.tables import Application
from api.core import clock
from api.core.actor import Actor
from api.core.database import Connection, found, read, retried, transaction
from api.core.ids import new_id
from api.core.language import Words
from api.core.lifecycle import starts
from api.core.outbox import record
from api.core.problems import Fault, Forbidden, Invalid, NotFound, Problem, WrongState
from api.missions.schemas import Session
from api.organisations.policy import NOT_EMPLOYED
from api.organisations.queries import get_policy
from api.organisations.schemas_policy import PolicyOut

_LIVE_OF_EMPLOYEE = """
    SELECT id FROM application WHERE employee_id = $1 AND state = ANY ($2) ORDER BY mission_id, id
"""
_LIVE = "SELECT id FROM application WHERE mission_id = $1 AND person_id = $2 AND state = ANY ($3)"
_DECLINED = (
    "SELECT true FROM application WHERE mission_id = $1 AND person_id = $2 AND state = 'declined' LIMIT 1"
)
_EXCEEDED = "SELECT exceeded($1, $2, year_of($1, $3), $4)"
_CHANGED = "SELECT changed_at > $2 FROM mission WHERE id = $1"


class AlreadyApplied(Problem):
    """One live application a person and mission; carries its `application_id`."""

    status = 409
    slug = "already-applied"
    title = Words("You have applied already", "Vous avez déjà candidaté")


class DeclinedBefore(Problem):
    """The association declined the person for this mission; it alone can reopen the application."""

    status = 409
    slug = "declined-before"
    title = Words(
        "The association has declined you for this one", "L’association n’a pas retenu votre candidature"
    )


class TooManyApplications(Problem):
    """So many applications of the person wait for an answer that one more would not be read."""

    status = 409
    slug = "too-many-applications"
    title = Words("Several of your applications still wait", "Plusieurs de vos candidatures attendent déjà")


class ApplicationsClosed(Problem):
    """The last day to apply is past."""

    status = 409
    slug = "applications-closed"
    title = Words("The last day to apply is past", "La date limite de candidature est passée")


@retried
async def apply_to_mission(actor: Actor, mission_id: UUID, given: ApplicationIn) -> ApplicationOut:
    """Apply to a published mission; the employer's word is asked by the policy in force.

    Raises NotFound, Forbidden, WrongState, ApplicationsClosed, AlreadyApplied, DeclinedBefore, TooManyApplications,
    AllowanceExceeded, BudgetExceeded, Invalid.
    """
    if actor.employment is None:
        raise Forbidden
    application_id = new_id()
    try:
        async with transaction(actor) as connection:
            await connection.execute("SELECT lock_employee($1)", actor.employment.employee_id)
            mission = await lock_mission(connection, mission_id)
            terms = await _terms(connection, actor, mission, given)
            application = Application(
                id=application_id,
                mission_id=mission_id,
                association_id=mission["association_id"],
                company_id=actor.employment.company_id,
                employee_id=actor.employment.employee_id,
                person_id=actor.author,
                regime=given.regime,
                message=given.message,
                wanted_sessions=given.sessions,
                created_at=clock.now(),
                reply_due_at=clock.now() + REPLY_WITHIN,
                **terms,
            )
            await Application.insert(application)
            named = ids(application_id, mission["association_id"], actor.employment.company_id)
            asked = [EmployerApprovalAsked(**named)] if terms["employer_approval"] == "pending" else []
            await record(ApplicationSubmitted(**named), *asked)
            return await queries.get_application(connection, application_id, actor)
    except asyncpg.UniqueViolationError:
        async with read(actor) as connection:
            live = await connection.fetchval(_LIVE, mission_id, actor.author, list(policy.LIVE))
        raise AlreadyApplied(application_id=str(live)) from None
    except asyncpg.CheckViolationError as error:
        if error.constraint_name == "application_cap_of_person":
            raise TooManyApplications from None
        if error.constraint_name != "application_of_active_employee":
            raise
        raise Forbidden(NOT_EMPLOYED) from None


async def _terms(
    connection: Connection, actor: Actor, mission: asyncpg.Record, given: ApplicationIn
) -> dict[str, Any]:
    """Check that the mission and the company allow it, and give what they decide of the application."""
    if mission["reserved_to"] and actor.company_id not in mission["reserved_to"]:
        raise NotFound
    if mission["association_id"] in actor.memberships:
        raise Forbidden(Words("It is your own association.", "C’est votre propre association."))
    if mission["state"] != "published":
        raise WrongState(state=mission["state"], allowed=["published"])
    if clock.today(mission["time_zone"]) > (mission["apply_by"] or mission["starts_on"]):
        raise ApplicationsClosed
    if await connection.fetchval(_DECLINED, mission["id"], actor.author):
        raise DeclinedBefore
    _require_sessions(given.sessions, mission)
    employee = found(
        await connection.fetchrow(
            """SELECT e.id, e.given_name, e.family_name, e.email, e.manager_id, c.time_zone
               FROM employee e JOIN company c ON c.id = e.company_id WHERE e.id = $1""",
            actor.employment.employee_id if actor.employment else None,
        )
    )
    company_id: Any = actor.company_id
    rules = await get_policy(connection, company_id, clock.today(employee["time_zone"]))
    _require_regime(given.regime, mission, rules)
    if given.regime == "working_time":
        asked = (company_id, employee["id"], mission["starts_on"], mission["effort_minutes"])
        if exceeded := await connection.fetchval(_EXCEEDED, *asked):
            raise REFUSALS[exceeded]
    return {
        "applicant_name": f"{employee['given_name']} {employee['family_name']}".strip(),
        "applicant_email": employee["email"],
        "manager_id": employee["manager_id"] if rules.approval == "manager" else None,
        "legal_form": rules.legal_form if given.regime == "working_time" else None,
        "employer_approval": (approval := _approval(given.regime, rules)),
        "approval_due_at": _approval_due(mission, rules) if approval == "pending" else None,
        "approval_asked_at": clock.now() if approval == "pending" else None,
    }


def _require_sessions(wanted: list[UUID], mission: asyncpg.Record) -> None:
    offered = {session.id for session in msgspec.json.decode(mission["sessions"], type=list[Session])}
    words = Words("The mission has no such session.", "La mission n’a pas cette session.")
    faults = [
        Fault(f"/sessions/{place}", "unknown", words)
        for place, session in enumerate(wanted)
        if session not in offered
    ]
    if faults:
        raise Invalid(faults=faults)


def _require_regime(regime: str, mission: asyncpg.Record, rules: PolicyOut) -> None:
    if regime not in mission["regimes"]:
        words = Words("The mission is not offered this way.", "La mission n’est pas proposée dans ce cadre.")
    elif regime not in rules.regimes:
        words = Words("Your company does not allow it.", "Votre entreprise ne le permet pas.")
    elif regime == "working_time" and not _allows(mission, rules):
        words = Words(
            "Your company does not allow this mission on working time.",
            "Votre entreprise n’ouvre pas cette mission au temps de travail.",
        )
    else:
        return
    raise Invalid(faults=[Fault("/regime", "not-allowed", words)])


def _allows(mission: asyncpg.Record, rules: PolicyOut) -> bool:
    return (
        (rules.formats is None or mission["format"] in rules.formats)
        and (rules.causes is None or bool(set(mission["causes"]) & set(rules.causes)))
        and (rules.associations is None or mission["association_id"] in rules.associations)
    )


def _approval_due(mission: asyncpg.Record, rules: PolicyOut) -> datetime:
    first = datetime.combine(mission["starts_on"], time.min, ZoneInfo(mission["time_zone"]))
    return min(clock.now() + timedelta(days=rules.approval_days), first).astimezone(UTC)


def _approval(regime: str, rules: PolicyOut) -> str:
    if regime == "personal_time":
        return "not_required"
    return "approved" if rules.approval == "automatic" else "pending"


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

    Raises NotFound, Forbidden, WrongState, VersionChanged, AllowanceExceeded, BudgetExceeded.
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

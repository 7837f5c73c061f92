"""Use cases of applications. Every one locks the mission first, then the application."""

from typing import Any
from uuid import UUID

import asyncpg

from api.applications import policy, queries
from api.applications.facts import (
    ApplicationAccepted,
    ApplicationDeclined,
    ApplicationSubmitted,
    ApplicationWithdrawn,
    EmployerApprovalAsked,
    EmployerApproved,
    EmployerRefused,
)
from api.applications.schemas import ApplicationIn, ApplicationOut, DeclineReason, WithdrawReason
from api.applications.tables import Application
from api.core import clock
from api.core.actor import Actor
from api.core.database import Connection, found, read, retried, transaction
from api.core.ids import new_id
from api.core.language import Words
from api.core.lifecycle import Move, starts
from api.core.outbox import record
from api.core.problems import Fault, Forbidden, Invalid, NotFound, Problem, WrongState
from api.organisations.policy import NOT_EMPLOYED, require_member
from api.organisations.queries import get_policy
from api.organisations.schemas import PolicyOut

_LIVE_OF_EMPLOYEE = """
    SELECT id FROM application WHERE employee_id = $1 AND state = ANY ($2) ORDER BY mission_id, id
"""
_LIVE = "SELECT id FROM application WHERE mission_id = $1 AND person_id = $2 AND state = ANY ($3)"
_CHANGED = "SELECT changed_at > $2 FROM mission WHERE id = $1"


class MissionFull(Problem):
    """Every place is taken: the database refused one more."""

    status = 409
    slug = "mission-full"
    title = Words("Every place is taken", "Toutes les places sont prises")


class AlreadyApplied(Problem):
    """One live application a person and mission; carries its `application_id`."""

    status = 409
    slug = "already-applied"
    title = Words("You have applied already", "Vous avez déjà candidaté")


class ApplicationsClosed(Problem):
    """The last day to apply is past."""

    status = 409
    slug = "applications-closed"
    title = Words("The last day to apply is past", "La date limite de candidature est passée")


@retried
async def apply_to_mission(actor: Actor, mission_id: UUID, given: ApplicationIn) -> ApplicationOut:
    """Apply to a published mission; the employer's word is asked by the policy in force.

    Raises NotFound, Forbidden, WrongState, ApplicationsClosed, AlreadyApplied, Invalid.
    """
    if actor.employment is None:
        raise Forbidden
    application_id = new_id()
    try:
        async with transaction(actor) as connection:
            await connection.execute("SELECT lock_employee($1)", actor.employment.employee_id)
            mission = await _lock_mission(connection, mission_id)
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
                created_at=clock.now(),
                **terms,
            )
            await Application.insert(application)
            ids = _ids(application_id, mission["association_id"], actor.employment.company_id)
            await record(ApplicationSubmitted(**ids))
            if terms["employer_approval"] == "pending":
                await record(EmployerApprovalAsked(**ids))
            return await queries.get_application(connection, application_id, actor)
    except asyncpg.UniqueViolationError:
        async with read(actor) as connection:
            live = await connection.fetchval(_LIVE, mission_id, actor.author, list(policy.LIVE))
        raise AlreadyApplied(application_id=str(live)) from None
    except asyncpg.CheckViolationError as error:
        if error.constraint_name != "application_of_active_employee":
            raise
        raise Forbidden(NOT_EMPLOYED) from None


async def _terms(
    connection: Connection, actor: Actor, mission: asyncpg.Record, given: ApplicationIn
) -> dict[str, Any]:
    """Check that the mission and the company allow it, and give what they decide of the application."""
    if mission["association_id"] in actor.memberships:
        raise Forbidden(Words("It is your own association.", "C’est votre propre association."))
    if mission["state"] != "published":
        raise WrongState(state=mission["state"], allowed=["published"])
    if clock.today(mission["time_zone"]) > (mission["apply_by"] or mission["starts_on"]):
        raise ApplicationsClosed
    employee = found(
        await connection.fetchrow(
            """SELECT e.given_name, e.family_name, e.email, e.manager_id, c.time_zone
               FROM employee e JOIN company c ON c.id = e.company_id WHERE e.id = $1""",
            actor.employment.employee_id if actor.employment else None,
        )
    )
    company_id: Any = actor.company_id
    rules = await get_policy(connection, company_id, clock.today(employee["time_zone"]))
    _require_regime(given.regime, mission["regimes"], rules)
    return {
        "applicant_name": f"{employee['given_name']} {employee['family_name']}".strip(),
        "applicant_email": employee["email"],
        "manager_id": employee["manager_id"] if rules.approval == "manager" else None,
        "legal_form": rules.legal_form if given.regime == "working_time" else None,
        "employer_approval": _approval(given.regime, rules),
    }


def _require_regime(regime: str, offered: list[str], rules: PolicyOut) -> None:
    if regime not in offered:
        words = Words("The mission is not offered this way.", "La mission n’est pas proposée dans ce cadre.")
    elif regime not in rules.regimes:
        words = Words("Your company does not allow it.", "Votre entreprise ne le permet pas.")
    else:
        return
    raise Invalid(faults=[Fault("/regime", "not-allowed", words)])


def _approval(regime: str, rules: PolicyOut) -> str:
    if regime == "personal_time":
        return "not_required"
    return "approved" if rules.approval == "automatic" else "pending"


@retried
async def accept_application(actor: Actor, application_id: UUID, asked: int | None) -> ApplicationOut:
    """Give a place to an applicant; raises NotFound, Forbidden, WrongState, VersionChanged, MissionFull."""
    try:
        return await _answer(actor, application_id, policy.ACCEPT, asked, ApplicationAccepted)
    except asyncpg.CheckViolationError as error:
        if error.constraint_name != "mission_places_not_oversold":
            raise
        raise MissionFull from None


@retried
async def decline_application(
    actor: Actor, application_id: UUID, reason: DeclineReason, asked: int | None
) -> ApplicationOut:
    """Decline an applicant, with a reason they are told; raises NotFound, Forbidden, WrongState, VersionChanged."""
    return await _answer(actor, application_id, policy.DECLINE, asked, ApplicationDeclined, reason)


async def _answer(
    actor: Actor,
    application_id: UUID,
    act: Move,
    asked: int | None,
    fact: type[ApplicationAccepted | ApplicationDeclined],
    reason: str | None = None,
) -> ApplicationOut:
    async with transaction(actor) as connection:
        present = await _lock(connection, application_id, actor)
        require_member(actor, present["association_id"])
        if starts(act, present["state"], version=present["version"], asked=asked):
            await _move(present, state=act.target, state_reason=reason)
            await record(fact(**_ids_of(present)))
        return await queries.get_application(connection, application_id, actor)


@retried
async def withdraw_application(
    actor: Actor, application_id: UUID, reason: WithdrawReason, asked: int | None
) -> ApplicationOut:
    """Withdraw one's application and free its place; where the mission changed since, that is the reason.

    Raises NotFound, Forbidden, WrongState, VersionChanged.
    """
    async with transaction(actor) as connection:
        present = await _lock(connection, application_id, actor)
        policy.require_applicant(actor, present["person_id"])
        if starts(policy.WITHDRAW, present["state"], version=present["version"], asked=asked):
            changed = await connection.fetchval(_CHANGED, present["mission_id"], present["created_at"])
            why = "mission_changed" if changed else reason
            await _move(present, state=policy.WITHDRAW.target, state_reason=why)
            await record(ApplicationWithdrawn(**_ids_of(present)))
        return await queries.get_application(connection, application_id, actor)


async def withdraw_live_applications(connection: Connection, employee_id: UUID, actor: Actor) -> None:
    """Withdraw what an employee who leaves applied for, in the system's open transaction; its places are freed.

    The caller holds the employee's row: no application is added meanwhile.
    """
    rows = await connection.fetch(_LIVE_OF_EMPLOYEE, employee_id, list(policy.LIVE))
    for row in rows:
        present = await _lock(connection, row["id"], actor)
        if present["state"] in policy.LIVE:
            await _move(present, state=policy.WITHDRAW.target, state_reason="not_available")
            await record(ApplicationWithdrawn(**_ids_of(present)))


@retried
async def approve_application(actor: Actor, application_id: UUID, asked: int | None) -> ApplicationOut:
    """Give the employer's agreement; raises NotFound, Forbidden, WrongState, VersionChanged."""
    async with transaction(actor) as connection:
        present = await _lock(connection, application_id, actor)
        _require_employer(actor, present)
        if starts(policy.APPROVE, present["employer_approval"], version=present["version"], asked=asked):
            if present["state"] not in policy.LIVE:
                raise WrongState(state=present["state"], allowed=sorted(policy.LIVE))
            await _move(present, employer_approval="approved")
            await record(EmployerApproved(**_ids_of(present)))
        return await queries.get_application(connection, application_id, actor)


@retried
async def refuse_application(
    actor: Actor, application_id: UUID, reason: str, asked: int | None
) -> ApplicationOut:
    """Refuse as the employer, which ends it and frees the place.

    Raises NotFound, Forbidden, WrongState, VersionChanged.
    """
    async with transaction(actor) as connection:
        present = await _lock(connection, application_id, actor)
        _require_employer(actor, present)
        if starts(policy.REFUSE, present["state"], version=present["version"], asked=asked):
            if present["employer_approval"] != "pending":
                raise WrongState(state=present["employer_approval"], allowed=["pending"])
            await _move(
                present, state=policy.REFUSE.target, employer_approval="refused", employer_reason=reason
            )
            await record(EmployerRefused(**_ids_of(present)))
        return await queries.get_application(connection, application_id, actor)


def _require_employer(actor: Actor, present: asyncpg.Record) -> None:
    if present["regime"] != "working_time":
        # To the applicant and the association it is visible: the employer has no say in it.
        raise Forbidden
    policy.require_employer(actor, present["company_id"], present["manager_id"], present["person_id"])


async def _move(present: asyncpg.Record, **change: Any) -> None:
    where = (Application.id == present["id"]) & (Application.state == present["state"])
    if not await Application.update(dict[Any, Any](change)).where(where).returning(Application.id):
        raise NotFound


async def _lock_mission(connection: Connection, mission_id: UUID) -> asyncpg.Record:
    await connection.execute("SELECT lock_mission($1)", mission_id)
    return found(await connection.fetchrow("SELECT * FROM mission WHERE id = $1", mission_id))


async def _lock(connection: Connection, application_id: UUID, actor: Actor) -> asyncpg.Record:
    mission_id = found(
        await connection.fetchval("SELECT mission_id FROM application WHERE id = $1", application_id)
    )
    await connection.execute("SELECT lock_mission($1)", mission_id)
    present = found(
        await connection.fetchrow("SELECT * FROM application WHERE id = $1 FOR UPDATE", application_id)
    )
    policy.require_sight(actor, present)
    return present


def _ids(application_id: UUID, association_id: UUID, company_id: UUID) -> dict[str, UUID]:
    return {"application_id": application_id, "association_id": association_id, "company_id": company_id}


def _ids_of(present: asyncpg.Record) -> dict[str, UUID]:
    return _ids(present["id"], present["association_id"], present["company_id"])

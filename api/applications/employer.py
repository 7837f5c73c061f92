"""What the employer says of a working-time application."""

from functools import partial
from uuid import UUID

import asyncpg
from msgspec.structs import replace

from api.applications import policy, queries
from api.applications.facts import EmployerApprovalAsked, EmployerApproved, EmployerRefused
from api.applications.moves import change, ids_of, lock, move
from api.applications.schemas import ApplicationOut
from api.core import clock
from api.core.actor import Actor
from api.core.database import Connection, read, retried, transaction
from api.core.language import Words
from api.core.lifecycle import starts
from api.core.outbox import record
from api.core.problems import Forbidden, WrongState
from api.organisations.queries import get_company, get_policy

SILENCE = "no_answer"
"""The `employer_reason` of a refusal by silence."""
_KEPT = {
    "application_taken_back_in_time": Words(
        "The first day has come: your agreement can no longer be taken back.",
        "Le premier jour est venu : votre accord ne peut plus être retiré.",
    ),
    "application_taken_back_unworked": Words(
        "Hours have been confirmed: your agreement can no longer be taken back.",
        "Des heures sont confirmées : votre accord ne peut plus être retiré.",
    ),
}
"""Why an agreement stands, by the constraint that the database names."""

_STOOD_IN_FOR = "SELECT everybody, only_one FROM stood_in_for()"
_TO_HR = """
    UPDATE application a SET manager_id = NULL, approval_asked_at = $2, approval_due_at = least(
        $2::timestamptz + (a.approval_due_at - a.approval_asked_at), CASE WHEN first > $2 THEN first END)
    FROM employee e, mission m, LATERAL (
        SELECT coalesce(agreed_starts_on, m.starts_on)::timestamp AT TIME ZONE m.time_zone AS first
        FROM application WHERE id = $1) day
    WHERE a.id = $1 AND m.id = a.mission_id AND e.id = a.manager_id AND NOT e.active
        AND a.employer_approval = 'pending' AND a.state = ANY ($3)
    RETURNING a.id
"""


async def standing_in(actor: Actor) -> Actor:
    """Give an administrator as HR where their company has none, or as answering for the only one of it."""
    job = actor.employment
    if job is None or "company_admin" not in job.roles or "hr" in job.roles:
        return actor
    async with read(actor) as connection:
        everybody, only_one = await connection.fetchrow(_STOOD_IN_FOR)
    roles = job.roles | {"hr"} if everybody else job.roles
    return replace(actor, employment=replace(job, roles=roles, stands_in_for=only_one))


@retried
async def approve_application(actor: Actor, application_id: UUID, asked: int | None) -> ApplicationOut:
    """Give the employer's agreement; raises NotFound, Forbidden, WrongState, VersionChanged."""
    actor = await standing_in(actor)
    async with transaction(actor) as connection:
        present = await lock(connection, application_id, actor)
        _require_employer(actor, present)
        if starts(policy.APPROVE, present["employer_approval"], version=present["version"], asked=asked):
            if present["state"] not in policy.LIVE:
                raise WrongState(state=present["state"], allowed=sorted(policy.LIVE))
            await _approve(present)
        return await queries.get_application(connection, application_id, actor)


@retried
async def refuse_application(
    actor: Actor, application_id: UUID, reason: str, asked: int | None
) -> ApplicationOut:
    """Refuse as the employer, or take its agreement back until the first day: it ends, and its place is free.

    Raises NotFound, Forbidden, WrongState, VersionChanged.
    """
    actor = await standing_in(actor)
    try:
        async with transaction(actor) as connection:
            present = await lock(connection, application_id, actor)
            _require_employer(actor, present)
            if starts(policy.REFUSE, present["state"], version=present["version"], asked=asked):
                await _refuse(connection, present, reason)
            return await queries.get_application(connection, application_id, actor)
    except asyncpg.CheckViolationError as error:
        if error.constraint_name not in _KEPT:
            raise
        raise WrongState(_KEPT[error.constraint_name], state="approved", allowed=["pending"]) from None


async def decide_for_the_silent(actor: Actor, application_id: UUID) -> None:
    """Say, in the system's name inside the company, what the policy makes of an employer who did not answer in time."""
    async with transaction(actor) as connection:
        present = await lock(connection, application_id, actor)
        due = present["approval_due_at"]
        if (
            present["employer_approval"] != "pending"
            or present["state"] not in policy.LIVE
            or due > clock.now()
        ):
            return
        company = await get_company(connection, present["company_id"], actor)
        rules = await get_policy(connection, present["company_id"], clock.today(company.time_zone))
        if rules.approval_silence == "approve":
            await _approve(present)
        else:
            await _refuse(connection, present, SILENCE)


async def ask_hr_instead(actor: Actor, application_id: UUID) -> None:
    """Ask HR, with as many days, in the place of a manager who left without an answer; in the system's name."""
    async with transaction(actor) as connection:
        present = await lock(connection, application_id, actor)
        if await connection.fetchval(_TO_HR, application_id, clock.now(), list(policy.LIVE)):
            await record(EmployerApprovalAsked(**ids_of(present)))


async def _approve(present: asyncpg.Record) -> None:
    await change(present, employer_approval="approved")
    await record(EmployerApproved(**ids_of(present), to="effort" if present["engaged_on"] else "engagement"))


async def _refuse(connection: Connection, present: asyncpg.Record, reason: str) -> None:
    words = {"employer_approval": "refused", "employer_reason": reason}
    fact = partial(EmployerRefused, before=present["employer_approval"])
    await move(connection, present, policy.REFUSE, fact, **words)


def _require_employer(actor: Actor, present: asyncpg.Record) -> None:
    if present["regime"] != "working_time":
        # To the applicant and the association it is visible: the employer has no say in it.
        raise Forbidden
    policy.require_employer(actor, present["company_id"], present["manager_id"], present["person_id"])

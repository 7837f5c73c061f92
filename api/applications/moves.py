"""What every act on an application shares: the lock, the move, the places it frees."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any
from uuid import UUID

import asyncpg
import msgspec

from api.applications import policy
from api.applications.facts import ApplicationFact, ApplicationOffered, EmployerApprovalAsked
from api.applications.tables import Application
from api.core import clock
from api.core.actor import Actor
from api.core.database import Connection, found
from api.core.language import Words
from api.core.lifecycle import Move
from api.core.outbox import record
from api.core.problems import Forbidden, NotFound, Problem


class MissionFull(Problem):
    """Every place is taken, or offered to whoever waited: the database refused one more."""

    status = 409
    slug = "mission-full"
    title = Words("Every place is taken", "Toutes les places sont prises")
    advice = Words(
        "Put this person on the waitlist, or raise the places of the mission.",
        "Mettez cette personne sur liste d’attente, ou augmentez les places de la mission.",
    )


class AllowanceExceeded(Problem):
    """The working time that the employer gives this employee a year does not suffice any more: told to them alone.

    Carries `minutes_left` of that year and the `minutes_asked`.
    """

    status = 409
    slug = "allowance-exceeded"
    title = Words("Your yearly allowance does not suffice", "Votre crédit annuel ne suffit plus")


class BudgetExceeded(Problem):
    """The working time that the company gives a year, over all employees, does not suffice: told to its own alone."""

    status = 409
    slug = "budget-exceeded"
    title = Words(
        "The company’s yearly budget does not suffice", "Le budget annuel de l’entreprise ne suffit plus"
    )


class EmployerConditions(Problem):
    """What an association is told of an employer's limits: neither which one, nor a figure."""

    status = 409
    slug = "employer-conditions"
    title = Words(
        "The employer’s conditions do not allow it", "Les conditions de l’employeur ne le permettent pas"
    )


class EmployerPending(Problem):
    """The employer has not agreed yet: nothing is worked in its time before, nor done."""

    status = 409
    slug = "employer-pending"
    title = Words("The employer has not agreed yet", "L’employeur n’a pas encore donné son accord")


class ApplicantGone(Problem):
    """The person has left the company they applied through, or erased their account: they begin nothing."""

    status = 409
    slug = "applicant-gone"
    title = Words("This person is not available any more", "Cette personne n’est plus disponible")


class AssociationSuspended(Problem):
    """The association is suspended: it takes nobody on, offers no place and reopens nothing; what runs goes on."""

    status = 409
    slug = "association-suspended"
    title = Words("The association is suspended", "L’association est suspendue")


LIMITS: list[type[Problem]] = [AllowanceExceeded, BudgetExceeded]
"""Told to whoever applied."""
OWN_LIMITS = frozenset({"allowance_not_exceeded", "budget_not_exceeded"})
REFUSALS: dict[str | None, type[Problem]] = {
    "mission_places_not_oversold": MissionFull,
    "allowance_not_exceeded": EmployerConditions,
    "budget_not_exceeded": EmployerConditions,
    "application_done_is_settled": EmployerPending,
    "application_of_active_employee": ApplicantGone,
    "application_of_open_association": AssociationSuspended,
    "message_of_living_person": ApplicantGone,
}
"""What the database refuses by the name of the constraint."""

REPLY_WITHIN = timedelta(days=7)
"""How long an association has to reply."""
OFFER_LASTS = timedelta(hours=48)
"""How long a freed place is kept for the one it is offered to."""
_OFFER = "SELECT application_id, association_id, company_id FROM offer_places($1, $2)"


@contextmanager
def refusals() -> Iterator[None]:
    """Give the Problem of what the database refuses: a place too many, minutes that nobody has left, an early end."""
    try:
        yield
    except asyncpg.CheckViolationError as error:
        if error.constraint_name not in REFUSALS:
            raise
        if error.constraint_name in OWN_LIMITS and error.detail:  # to whoever applied, and nobody else
            raise limit(error.constraint_name, **msgspec.json.decode(error.detail)) from None
        raise REFUSALS[error.constraint_name] from None


@contextmanager
def not_own() -> Iterator[None]:
    """Say, as the code would, that nobody decides for themselves where the database alone refused it."""
    try:
        yield
    except asyncpg.CheckViolationError as error:
        if error.constraint_name not in policy.NOT_OWN:
            raise
        raise Forbidden(policy.OWN) from None


def limit(constraint: str, minutes_left: int | None, minutes_asked: int) -> Problem:
    """Give what whoever applied is told of a limit: no figure of the budget, which is everybody's."""
    if constraint == "budget_not_exceeded":
        return BudgetExceeded()
    words = Words(
        f"You have {minutes_left} minutes left of that year, and {minutes_asked} are asked.",
        f"Il vous reste {minutes_left} minutes sur l’année concernée, et il en faut {minutes_asked}.",
    )
    return AllowanceExceeded(words, minutes_left=minutes_left, minutes_asked=minutes_asked)


async def lock(connection: Connection, application_id: UUID, actor: Actor) -> asyncpg.Record:
    """Lock an application that the caller sees, its mission first, and give its row; raises NotFound."""
    mission_id = found(
        await connection.fetchval("SELECT mission_id FROM application WHERE id = $1", application_id)
    )
    await connection.execute("SELECT lock_mission($1)", mission_id)
    present = found(
        await connection.fetchrow("SELECT * FROM application WHERE id = $1 FOR UPDATE", application_id)
    )
    policy.require_sight(actor, present)
    return present


async def change(present: asyncpg.Record, **columns: Any) -> None:
    """Write to an application that is locked; where the database puts it to the employer again, say so."""
    where = (Application.id == present["id"]) & (Application.state == present["state"])
    written = Application.update(dict[Any, Any](columns)).where(where)
    with not_own():
        rows = await written.returning(Application.approval_asked_at)
    if not rows:
        raise NotFound
    if rows[0]["approval_asked_at"] != present["approval_asked_at"]:
        await record(EmployerApprovalAsked(**ids_of(present)))


async def move(
    connection: Connection,
    present: asyncpg.Record,
    act: Move,
    fact: Callable[..., ApplicationFact],
    reason: str | None = None,
    **columns: Any,
) -> None:
    """Move an application that is locked, say so, and offer the place that it frees to the next one who waits."""
    await change(present, state=act.target, state_reason=reason, **columns)
    await record(fact(**ids_of(present)))
    if present["state"] in policy.HOLDING and act.target not in policy.HOLDING:
        await offer_places(connection, present["mission_id"])


async def offer_places(connection: Connection, mission_id: UUID) -> None:
    """Offer the free places of a mission that is locked to whoever waits and can take one, in their order."""
    offered = await connection.fetch(_OFFER, mission_id, clock.now() + OFFER_LASTS)
    await record(*(ApplicationOffered(**row) for row in offered))


def ids(application_id: UUID, association_id: UUID, company_id: UUID) -> dict[str, UUID]:
    """Give the ids of a fact."""
    return {"application_id": application_id, "association_id": association_id, "company_id": company_id}


def ids_of(present: asyncpg.Record) -> dict[str, UUID]:
    """Give the ids of a fact about a row."""
    return ids(present["id"], present["association_id"], present["company_id"])

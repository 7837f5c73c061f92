"""Leaving a company and coming back: what came through it ends with the job, in one transaction."""

from datetime import timedelta
from uuid import UUID

import asyncpg
import msgspec

from api.applications.service import withdraw_live_applications
from api.core import clock
from api.core.actor import Actor, system
from api.core.database import Connection, bound, found, retried, transaction
from api.core.outbox import record
from api.hours.service import settle_lowered_hours
from api.identity.arrivals import EmployedElsewhere
from api.identity.tables import CalendarFeed, Session
from api.organisations.facts import ManyDeactivated
from api.organisations.policy import EmployeeErased, require_company_role, require_other_employee
from api.organisations.queries import get_employee
from api.organisations.schemas import EmployeeOut
from api.organisations.tables import Employee
from api.people.tables import PersonEmail

WATCHED = timedelta(hours=1)

_LOCK = (
    "SELECT id, person_id, email, active FROM employee WHERE company_id = $1 AND id = $2 FOR NO KEY UPDATE"
)
_PERSON_AGAIN = """
    UPDATE person SET erased_at = NULL WHERE erased_at IS NOT NULL
        AND id = (SELECT person_id FROM employee WHERE company_id = $1 AND id = $2 AND erased_at IS NOT NULL)
"""
_EMPLOYEE_AGAIN = (
    "UPDATE employee SET erased_at = NULL WHERE company_id = $1 AND id = $2 AND erased_at IS NOT NULL"
)
_PROPORTION = """
    SELECT count(*) FILTER (WHERE NOT active) * 10 > count(*) FROM employee
    WHERE company_id = $1 AND (active OR deactivated_at > $2)
"""


@retried
async def deactivate_employee(actor: Actor, company_id: UUID, employee_id: UUID) -> EmployeeOut:
    """End what came through the company for another employee, as HR; raises NotFound, Forbidden."""
    async with transaction(actor) as connection:
        await get_employee(connection, company_id, employee_id, actor)
        require_company_role(actor, company_id, "hr")
        require_other_employee(actor, employee_id)
        async with transaction(_as_system(actor)):
            await deactivate(company_id, employee_id)
        return await get_employee(connection, company_id, employee_id, actor)


@retried
async def reactivate_employee(actor: Actor, company_id: UUID, employee_id: UUID) -> EmployeeOut:
    """Let an employee in again, as HR: access comes back, places do not, nor the names of who was erased.

    Raises NotFound, Forbidden, EmployedElsewhere.
    """
    async with transaction(actor) as connection:
        await get_employee(connection, company_id, employee_id, actor)
        require_company_role(actor, company_id, "hr")
        async with transaction(_as_system(actor)):
            for again in (_PERSON_AGAIN, _EMPLOYEE_AGAIN):
                await connection.execute(again, company_id, employee_id)
        await reactivate(company_id, employee_id)
        return await get_employee(connection, company_id, employee_id, actor)


async def deactivate(company_id: UUID, employee_id: UUID) -> None:
    """Deactivate an employee in the open transaction of the company's system; nothing when it is done already.

    When it commits, no session or token that came through the company works; live applications are withdrawn,
    their places freed, a lowered figure stands. An address of the person's own still opens what is theirs.
    """
    connection = bound()
    employee = found(await connection.fetchrow(_LOCK, company_id, employee_id))
    if not employee["active"]:
        return
    inside = system(company_id=company_id)
    await Employee.update({Employee.active: False}).where(Employee.id == employee_id)
    await _close_doors(company_id, employee)
    await withdraw_live_applications(connection, employee_id, inside)
    await settle_lowered_hours(connection, employee_id, inside)
    await _watch(connection, company_id)


async def reactivate(company_id: UUID, employee_id: UUID) -> None:
    """Reactivate an employee in the open transaction; raises NotFound, EmployedElsewhere, EmployeeErased."""
    employee = found(await bound().fetchrow(_LOCK, company_id, employee_id))
    if employee["active"]:
        return
    try:
        async with bound().transaction():
            await Employee.update({Employee.active: True}).where(Employee.id == employee_id)
    except asyncpg.UniqueViolationError:
        raise EmployedElsewhere from None
    except asyncpg.CheckViolationError:
        raise EmployeeErased from None


async def _close_doors(company_id: UUID, employee: asyncpg.Record) -> None:
    person = employee["person_id"]
    await Session.delete().where((Session.person_id == person) & (Session.company_id == company_id))
    # Its address may be kept by the company's own calendar server.
    await CalendarFeed.delete().where(CalendarFeed.person_id == person)
    if employee["email"]:
        # The company's mailbox is the company's: whoever reads it next must not become this person.
        await PersonEmail.delete().where(
            (PersonEmail.person_id == person) & (PersonEmail.email == employee["email"].lower())
        )


async def _watch(connection: Connection, company_id: UUID) -> None:
    """Alert when more than a tenth of the company left within an hour."""
    if await connection.fetchval(_PROPORTION, company_id, clock.now() - WATCHED):
        await record(ManyDeactivated(company_id=company_id))


def _as_system(actor: Actor) -> Actor:
    """Widen the walls of the company's own people to what only its system may end."""
    return msgspec.structs.replace(actor, roles=actor.roles | {"system"})

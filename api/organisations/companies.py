"""Use cases of companies and their employees."""

from datetime import date
from uuid import UUID

import asyncpg
import msgspec

from api.core import clock
from api.core.actor import Actor, Employment, system
from api.core.database import transaction
from api.core.ids import new_id
from api.core.language import Words
from api.core.problems import Fault, Invalid, NotFound, VersionChanged
from api.core.schemas import changes
from api.organisations import policy, queries
from api.organisations.company_policies import set_policy
from api.organisations.schemas import CompanyIn, CompanyOut, CompanyPatch, EmployeeOut, EmployeePatch
from api.organisations.schemas_policy import PolicyIn
from api.organisations.tables import Company, Employee
from api.people.service import person_of_email

_BY_SLUG = "SELECT id FROM company WHERE slug = $1"
_APPOINT = """
    UPDATE employee SET roles = roles || '{company_admin}'::text[]
    WHERE company_id = $1 AND email_key = lower($2) AND active AND 'company_admin' <> ALL (roles)
"""
_WORKS = "SELECT FROM employee WHERE company_id = $1 AND email_key = lower($2) AND active"


async def create_company(actor: Actor, given: CompanyIn) -> CompanyOut:
    """Create a company with a policy of sensible defaults and its first company_admin.

    Raises Invalid, AlreadyRegistered.
    """
    policy.check_time_zone(given.time_zone)
    identifiers = policy.check_identifiers(siren=given.siren)
    company_id = new_id()
    inside = _inside(actor, company_id)
    fields = msgspec.structs.asdict(given) | identifiers
    email = fields.pop("admin_email")
    try:
        async with transaction(inside) as connection:
            await Company.insert(Company(id=company_id, created_at=clock.now(), **fields))
            await set_policy(company_id, PolicyIn(), date(2000, 1, 1))
            person_id = await person_of_email(email)
            await add_employee(company_id, person_id, email=email, roles=["employee", "company_admin"])
            return await queries.get_company(connection, company_id, inside)
    except asyncpg.UniqueViolationError as error:
        if error.constraint_name == "employee_one_active_job":
            raise _employed_elsewhere() from None
        raise policy.registered_by(error.constraint_name) from None


async def appoint_administrator(slug: str, email: str) -> None:
    """Make an administrator of whoever has an address at a company, or of the person of that address, who joins it.

    What the operator does for a company that nobody administers any more. Raises NotFound, Invalid.
    """
    async with transaction(msgspec.structs.replace(system(), roles=frozenset({"admin"}))) as connection:
        company_id: UUID | None = await connection.fetchval(_BY_SLUG, slug)
    if company_id is None:
        raise NotFound(Words(f"No company is called {slug}.", f"Aucune entreprise ne s’appelle {slug}."))
    try:
        async with transaction(_inside(system(), company_id)) as connection:
            await connection.execute(_APPOINT, company_id, email)
            if await connection.fetchrow(_WORKS, company_id, email) is None:
                person_id = await person_of_email(email)
                await add_employee(company_id, person_id, email=email, roles=["employee", "company_admin"])
    except asyncpg.UniqueViolationError as error:
        if error.constraint_name == "employee_one_active_job":
            raise _employed_elsewhere() from None
        words = Words(
            "This person was deactivated: HR or the directory brings them back.",
            "Cette personne a été désactivée : les RH ou l’annuaire la réactivent.",
        )
        raise Invalid(faults=[Fault("/admin_email", "deactivated", words)]) from None


def _employed_elsewhere() -> Invalid:
    words = Words(
        "This person works for another company.", "Cette personne travaille pour une autre entreprise."
    )
    return Invalid(faults=[Fault("/admin_email", "employed-elsewhere", words)])


async def update_company(actor: Actor, company_id: UUID, given: CompanyPatch, edited: int) -> CompanyOut:
    """Edit a company, as its administrator; raises NotFound, Forbidden, Invalid, VersionChanged."""
    edits = changes(given)
    if "time_zone" in edits:
        policy.check_time_zone(edits["time_zone"])
    if "group_roles" in edits:
        edits["group_roles"] = msgspec.json.encode(edits["group_roles"]).decode()
    async with transaction(actor) as connection:
        present = await queries.get_company(connection, company_id, actor)
        policy.require_company_role(actor, company_id, "company_admin")
        if present.version != edited:
            raise VersionChanged
        where = (Company.id == company_id) & (Company.version == edited)
        if edits and not await Company.update(edits).where(where).returning(Company.id):
            raise VersionChanged
        return await queries.get_company(connection, company_id, actor)


def _inside(actor: Actor, company_id: UUID) -> Actor:
    """Widen an actor's walls to a company that they make, or give an administrator."""
    return msgspec.structs.replace(
        actor,
        employment=Employment(company_id, company_id, frozenset()),
        roles=actor.roles | {"system"},
    )


async def add_employee(
    company_id: UUID,
    person_id: UUID,
    *,
    email: str | None,
    roles: list[str],
    given_name: str = "",
    family_name: str = "",
    external_id: str | None = None,
) -> UUID:
    """Add an employee, in the open transaction; gives the employee's id. Raises EmployeeErased."""
    employee_id = new_id()
    employee = Employee(
        id=employee_id,
        company_id=company_id,
        person_id=person_id,
        email=email,
        roles=roles,
        given_name=given_name,
        family_name=family_name,
        external_id=external_id,
        created_at=clock.now(),
    )
    try:
        await Employee.insert(employee)
    except asyncpg.UniqueViolationError as error:
        if error.constraint_name != "employee_was_erased":
            raise
        raise policy.EmployeeErased from None
    return employee_id


async def update_employee(
    actor: Actor, company_id: UUID, employee_id: UUID, given: EmployeePatch, edited: int
) -> EmployeeOut:
    """Edit an employee; raises NotFound, Forbidden (roles are an administrator's), VersionChanged, Invalid."""
    edits = changes(given)
    try:
        async with transaction(actor) as connection:
            present = await queries.get_employee(connection, company_id, employee_id, actor)
            policy.require_company_role(
                actor, company_id, "company_admin", *(() if "roles" in edits else ("hr",))
            )
            roles = edits.get("roles", present.roles)
            policy.require_administration_kept(actor, employee_id, present.roles, roles)
            if present.version != edited:
                raise VersionChanged
            where = (Employee.id == employee_id) & (Employee.version == edited)
            if edits and not await Employee.update(edits).where(where).returning(Employee.id):
                raise VersionChanged
            return await queries.get_employee(connection, company_id, employee_id, actor)
    except (asyncpg.ForeignKeyViolationError, asyncpg.CheckViolationError):
        words = Words(
            "Not another employee of this company.", "Ce n’est pas un autre collaborateur de l’entreprise."
        )
        raise Invalid(faults=[Fault("/manager_id", "manager", words)]) from None

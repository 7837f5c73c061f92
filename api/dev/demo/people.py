"""The demo's people come in, each by their own door: administrators, companies, employees, associations."""

from collections.abc import Callable
from datetime import date, timedelta
from uuid import UUID

import msgspec

from api.core.actor import Actor, Employment
from api.dev.demo.days import DAY, Seeded, at, midnight, office, workday
from api.dev.demo.territory import POLICIES, Employee, Firm, Founder, Host
from api.dev.issuer import AUDIENCE
from api.identity import service as identity
from api.identity.arrivals import arrive
from api.identity.company_tokens import CompanyToken
from api.identity.providers import create_identity_provider
from api.identity.schemas import IdentityProviderIn
from api.organisations import companies
from api.organisations import service as organisations
from api.organisations.company_policies import put_policy
from api.organisations.schemas import AssociationIn, CompanyIn, EmployeePatch
from api.people import service as people
from api.people.schemas import MePatch

Advance = Callable[[], None]

ADMIN = "administration@maillon.example"
MODERATOR = "moderation@maillon.example"


async def actor_of(email: str) -> Actor:
    """Sign in the person of an address, at the instant of the clock."""
    return await identity.authenticate(await identity.issue_token(email, timedelta(hours=1)))


async def officer(email: str, role: str) -> Actor:
    """Give the person of an address a role on the platform, and sign them in."""
    await identity.grant_role(email, role)
    return await actor_of(email)


async def open_company(
    firm: Firm, staff: list[Employee], admin: Actor, provider: str, day: date, advance: Advance
) -> dict[str, Actor]:
    """Make a company with its provider and policy, and let its employees arrive; gives them by address."""
    issuer = f"{provider}/{firm.slug}"
    with at(midnight(day) + timedelta(hours=9)):
        email = f"administration@{firm.domain}"
        made = await companies.create_company(
            admin,
            CompanyIn(
                slug=firm.slug,
                name=firm.name,
                siren=firm.siren,
                legal_form=firm.legal_form,
                admin_email=email,
            ),
        )
        head = await actor_of(email)
        given = IdentityProviderIn(issuer=issuer, audience=AUDIENCE)
        await create_identity_provider(head, made.id, given, development=True)
        await put_policy(head, made.id, POLICIES[firm.slug])
    arrived: dict[str, Actor] = {}
    random = Seeded(firm.slug)
    for employee in staff:
        with at(office(random, workday(random, day + DAY, day + 9 * DAY))):
            arrived[employee.email] = await _arrive(employee, made.id, issuer)
            await _place(employee, head, arrived)
        advance()
    return arrived


async def _arrive(employee: Employee, company_id: UUID, issuer: str) -> Actor:
    """Come in for the first time, as with a token of the company's own provider."""
    claims = {name: getattr(employee, name) for name in ("given_name", "family_name", "email")}
    row = await arrive(CompanyToken(company_id, issuer, employee.subject, claims, frozenset(), None))
    job = Employment(company_id, row["employee_id"], frozenset(employee.roles))
    return Actor(person_id=row["person_id"], language=row["language"], employment=job)


async def _place(employee: Employee, head: Actor, arrived: dict[str, Actor]) -> None:
    """Let the administrator give the roles, and HR the place and the manager."""
    job = arrived[employee.email].employment
    if job is None:
        raise ValueError("an employee has a job")
    version = 1
    if employee.roles != ["employee"]:
        roles = EmployeePatch(roles=employee.roles)
        await companies.update_employee(head, job.company_id, job.employee_id, roles, version)
        version += 1
    manager = arrived[employee.manager].employment if employee.manager else None
    place = EmployeePatch(
        site=employee.site,
        department=employee.department,
        manager_id=manager.employee_id if manager else None,
    )
    hr = next(iter(arrived.values()))
    await companies.update_employee(hr, job.company_id, job.employee_id, place, version)


async def register(host: Host, day: date) -> tuple[Actor, UUID]:
    """Let an owner register their association; gives the owner and the association's id."""
    random = Seeded(host.key)
    with at(office(random, day)):
        owner = await _named(host.owner)
        fields = {
            name: getattr(host, name) for name in AssociationIn.__struct_fields__ if hasattr(host, name)
        }
        made = await organisations.register_association(owner, msgspec.convert(fields, AssociationIn))
    return msgspec.structs.replace(owner, memberships={made.id: "owner"}), made.id


async def verify(association_id: UUID, moderator: Actor, day: date) -> None:
    """Let a moderator verify an association."""
    with at(office(Seeded(str(day)), day)):
        await organisations.verify_association(moderator, association_id, None)


async def _named(person: Founder) -> Actor:
    actor = await actor_of(person.email)
    await people.update_me(actor, MePatch(given_name=person.given_name, family_name=person.family_name))
    return actor

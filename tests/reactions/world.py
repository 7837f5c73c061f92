"""A company, an association and the people around one application, written as they would be."""

from contextlib import suppress
from datetime import UTC, date, datetime
from typing import NamedTuple
from uuid import UUID

from arq import Retry

from api.core.actor import system
from api.core.database import operations, transaction
from api.core.ids import new_id
from api.core.outbox import Fact, record
from api.core.settings import Settings
from workers.reactions import OWED
from workers.runner import run_reaction

_AT = datetime(2026, 3, 2, 9, tzinfo=UTC)
_PERSON = "INSERT INTO person (id, language, created_at) VALUES ($1, $2, $3)"
_EMAIL = "INSERT INTO person_email (id, person_id, email, proved_at) VALUES ($1, $2, $3, $4)"
_COMPANY = "INSERT INTO company (id, slug, name, siren, created_at) VALUES ($1, $2, 'Dupont', $2, $3)"
_POLICY = """
    INSERT INTO policy (id, company_id, effective_from, created_at) VALUES (uuidv7(), $1, $2, $3)
"""
_EMPLOYEE = """
    INSERT INTO employee (id, company_id, person_id, email, roles, manager_id, created_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7)
"""
_ASSOCIATION = """
    INSERT INTO association (id, name, legal_form, purpose, postal_code, city, contact_email, created_at, review_since)
    VALUES ($1, 'Les Amis du Lac', 'association', 'p', '74000', 'Annecy', 'a@b.fr', $2, $2)
"""
_MEMBER = (
    "INSERT INTO association_member (id, association_id, person_id, role, since) VALUES ($1, $2, $3, $4, $5)"
)
_MISSION = """
    INSERT INTO mission (id, association_id, title, format, effort_minutes, regimes, starts_on, created_by, created_at)
    VALUES ($1, $2, 'Refaire le site', 'short', 150, $3, '2026-04-01', $4, $5)
"""
_APPLICATION = """
    INSERT INTO application (id, mission_id, association_id, company_id, employee_id, manager_id, person_id,
        applicant_name, regime, legal_form, employer_approval, message, created_at, reply_due_at, approval_due_at,
        approval_asked_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7, 'Zoé Petit', $8, $9, $10, 'ma motivation', $11,
        $11::timestamptz + interval '7 days', $11::timestamptz + interval '5 days', $11)
"""
_HOURS = """
    INSERT INTO hours_entry (id, application_id, mission_id, association_id, company_id, employee_id, person_id,
        manager_id, regime, worked_on, minutes, declared_minutes, created_at)
    SELECT $2, id, mission_id, association_id, company_id, employee_id, person_id, manager_id, regime, $3, 90, 90, $4
    FROM application WHERE id = $1
"""


_RELAYED = """
    WITH relayed AS (UPDATE outbox SET relayed_at = now() WHERE relayed_at IS NULL RETURNING id, fact)
    SELECT id FROM relayed WHERE fact = $1 ORDER BY id DESC LIMIT 1
"""
_WAITING = """
    WITH waiting AS (UPDATE outbox SET relayed_at = now() WHERE relayed_at IS NULL RETURNING id, fact)
    SELECT id, fact FROM waiting ORDER BY id
"""
_OWE = """
    INSERT INTO reaction (id, fact_id, name, due_at) VALUES ($1, $2, $3, now())
    ON CONFLICT ON CONSTRAINT reaction_once DO NOTHING
"""


class World(NamedTuple):
    """Ids of people and things; people write in French but for the manager and the coordinator."""

    company: UUID
    association: UUID
    applicant: UUID
    manager: UUID
    hr: UUID
    admin: UUID
    owner: UUID
    coordinator: UUID
    applicant_employee: UUID
    manager_employee: UUID

    @property
    def tenants(self) -> dict[str, UUID]:
        """The tenants of a fact about an application."""
        return {"company_id": self.company, "association_id": self.association}


async def make_world() -> World:
    """Write a world of its own: the applicant, manager and HR have their work address alone."""
    world = World(*(new_id() for _ in World._fields))
    languages = {"manager": "en", "coordinator": "en"}
    people = ("applicant", "manager", "hr", "admin", "owner", "coordinator")
    async with operations() as connection:
        for name in people:
            await connection.execute(_PERSON, getattr(world, name), languages.get(name, "fr"), _AT)
        for name in ("owner", "coordinator"):
            person = getattr(world, name)
            await connection.execute(_EMAIL, new_id(), person, f"{name}@{person}.example.org", _AT)
        await connection.execute(_COMPANY, world.company, str(world.company), _AT)
        await connection.execute(_POLICY, world.company, _AT.date(), _AT)
        jobs = (
            (world.manager_employee, world.manager, ["employee", "manager"], None),
            (world.applicant_employee, world.applicant, ["employee"], world.manager_employee),
            (new_id(), world.hr, ["employee", "hr"], None),
            (new_id(), world.admin, ["company_admin"], None),
        )
        for employee, person, roles, manager in jobs:
            email = f"{person}@work.example.com"
            await connection.execute(_EMPLOYEE, employee, world.company, person, email, roles, manager, _AT)
        await connection.execute(_ASSOCIATION, world.association, _AT)
        for name in ("owner", "coordinator"):
            await connection.execute(_MEMBER, new_id(), world.association, getattr(world, name), name, _AT)
    return world


async def make_mission(world: World, regime: str = "working_time") -> UUID:
    """Write a draft of the association's coordinator."""
    mission = new_id()
    async with operations() as connection:
        await connection.execute(_MISSION, mission, world.association, [regime], world.coordinator, _AT)
    return mission


async def make_application(world: World, regime: str = "working_time", *, managed: bool = True) -> UUID:
    """Write a submitted application, which waits for the employer when it is on working time."""
    application, mission = new_id(), await make_mission(world, regime)
    working = regime == "working_time"
    async with operations() as connection:
        await connection.execute(
            _APPLICATION,
            *(application, mission, world.association, world.company, world.applicant_employee),
            *(world.manager_employee if managed else None, world.applicant, regime),
            *("service" if working else None, "pending" if working else "not_required", _AT),
        )
    return application


async def make_hours(application: UUID) -> UUID:
    """Write a declared entry of an hour and a half."""
    hours = new_id()
    async with operations() as connection:
        day = date(2026, 4, 1)
        await connection.execute("UPDATE application SET engaged_on = $2 WHERE id = $1", application, day)
        await connection.execute(_HOURS, application, hours, day, _AT)
    return hours


async def change(sql: str, *args: object) -> None:
    """Change what is written, over the walls."""
    async with operations() as connection:
        await connection.execute(sql, *args)


async def happen(fact: Fact, settings: Settings, times: int = 1) -> UUID:
    """Record a fact and run every reaction owed to it, none to what came before; gives the fact's id."""
    async with transaction(system(fact.company_id, fact.association_id)):
        await record(fact)
    async with operations() as connection:
        fact_id: UUID = await connection.fetchval(_RELAYED, fact.name)
        for name in OWED[fact.name]:
            await connection.execute(_OWE, new_id(), fact_id, name)
    for _ in range(times):
        await react(fact.name, fact_id, settings)
    return fact_id


async def react(fact: str, fact_id: UUID, settings: Settings) -> None:
    """Run every reaction owed to a fact, as arq would."""
    for name in OWED[fact]:
        await run_reaction({"settings": settings, "job_try": 1}, str(fact_id), name)


async def catch_up(settings: Settings) -> None:
    """Run every reaction owed to what was recorded since the last time, in order, as the relay and a worker would."""
    async with operations() as connection:
        facts = await connection.fetch(_WAITING)
        owed = [(fact["id"], name) for fact in facts for name in OWED.get(fact["fact"], [])]
        await connection.executemany(_OWE, [(new_id(), *each) for each in owed])
    for fact_id, name in owed:
        with suppress(Retry):  # a mail may have to wait for its turn
            await run_reaction({"settings": settings, "job_try": 1}, str(fact_id), name)

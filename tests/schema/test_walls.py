"""The walls, without any WHERE to help them: what strangers see of a tenant, and may touch, is nothing."""

from datetime import timedelta
from typing import Any, NamedTuple
from uuid import UUID

import asyncpg
import pytest

from api.core import audit, clock
from api.core.actor import Actor, Employment, system
from api.core.database import Connection, operations, transaction
from api.core.ids import new_id
from tests.make.directory import directory_of
from tests.make.world import Association, Company, World, agreed_earlier

PUBLIC = {
    "association": "verified ones are listed; a refused one is hidden",
    "mission": "published ones are found; a draft is hidden",
    "mission_search": "what anyone may find",
    "feedback_total": "figures of five people or more",
    "search_word": "words of published titles",
    "search_synonym": "reference data",
    "application_cap": "bounds, of nobody",
    "commune": "reference data",
    "state_edge": "the lifecycles",
    "reference_data": "digests of shipped files",
    "cause": "reference data of nobody",
    "skill_family": "reference data of nobody",
    "skill": "reference data of nobody",
    "mail_domain": "domains alone",
    "migration": "names of migrations",
    "retention_rule": "for how long, of nobody",
}
"""Tables whose rows anyone may see, in part or whole."""
UNREADABLE = {"ledger_head", "audit_head"}
"""Tables that the application's role cannot read at all."""
_TABLES = """
    SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace ORDER BY relname
"""


class Tenant(NamedTuple):
    """Two tenants in one: an association with hidden rows, and a company whose employee works for it."""

    rows: dict[str, set[str]]
    association: UUID
    company: UUID
    hidden: dict[str, UUID]


async def planted(world: World) -> Tenant:
    """Make rows in every table that holds a tenant's data, through the API; say which are new."""
    await audit.seal()  # a seal written now on an older event would be a change of another tenant's
    before = await everything()
    association, company = await world.association(), await world.company(hours_approval="hr")
    employee, application = await world.engagement(association, company)
    personal = await world.application(employee, await world.mission(association), "personal_time")
    await agreed_earlier(application["id"])
    path = f"/v1/applications/{application['id']}/hours"
    today = clock.today("Europe/Paris")
    entry = await world.ok(employee, "POST", path, {"worked_on": str(today), "minutes": 60})
    await world.ok(association.owner, "POST", f"/v1/hours/{entry['id']}/confirm")
    await world.ok(company.admin, "POST", f"/v1/hours/{entry['id']}/approve")
    await world.ok(employee, "POST", path, {"worked_on": str(today - timedelta(days=1)), "minutes": 60})
    await world.ok(association.owner, "POST", f"/v1/applications/{personal['id']}/accept")
    await world.mission(association, reserved_to=[company.id])
    draft = await world.mission(association, publish=False)
    await world.call(association.owner, "POST", f"/v1/missions/{draft['id']}/submit", idempotency_key="walls")
    hidden = await world.mission(association, publish=False)
    refused = await world.association(verified=False)
    await world.ok(
        await world.moderator(), "POST", f"/v1/associations/{refused.id}/refuse", {"reasons": ["Non."]}
    )
    await flag(UUID(personal["mission_id"]), UUID(personal["person"]["id"]))
    await world.ok(employee, "POST", f"/v1/applications/{application['id']}/messages", {"text": "Bonjour"})
    await world.ok(
        employee, "POST", f"/v1/applications/{application['id']}/changes", {"effort_minutes": 1500}
    )
    path = f"/v1/applications/{personal['id']}"
    await world.ok(association.owner, "POST", f"{path}/complete")
    await world.ok(employee, "POST", f"{path}/feedback", {"again": True})
    await tell(UUID(personal["person"]["id"]))
    await begin_login(UUID(company.id))
    await leave_traces(world, company, UUID(personal["person"]["id"]))
    await knock(world, association, company)
    await audit.seal()
    after = await everything()
    rows = {name: after[name] - before.get(name, set()) for name in after}
    secret = {"mission": UUID(hidden["id"]), "association": UUID(refused.id)}
    return Tenant(rows, UUID(association.id), UUID(company.id), secret)


async def knock(world: World, association: Association, company: Company) -> None:
    """Plant what opens doors: a sign-in by mail, an invitation, a key."""
    await world.ok(None, "POST", "/v1/auth/magic-links", {"email": f"{new_id()}@exemple.example"})
    invited = {"email": f"{new_id()}@exemple.example", "role": "coordinator"}
    await world.ok(association.owner, "POST", f"/v1/associations/{association.id}/members", invited)
    directory = await directory_of(world, company)
    await directory.group("RH", (await directory.user("ada"))["id"])
    key = {"name": "Tableur", "scopes": ["ledger:read"]}
    await world.ok(company.admin, "POST", f"/v1/organisations/{company.id}/api-keys", key)


async def leave_traces(world: World, company: Company, person_id: UUID) -> None:
    """Plant what an export and an erasure leave: a row that waits, a digest."""
    async with operations() as connection:
        await connection.execute(
            "INSERT INTO export (id, person_id, asked_at, expires_at) VALUES (uuidv7(), $1, now(), now())",
            person_id,
        )
    token = world.employee(company)
    await world.ok(token, "GET", "/v1/me")
    assert (await world.call(token, "DELETE", "/v1/me")).status_code == 204


async def flag(mission_id: UUID, person_id: UUID) -> None:
    """Plant what somebody says is wrong with a mission."""
    async with operations() as connection:
        await connection.execute(
            """INSERT INTO flag (id, mission_id, association_id, person_id, reason, created_at)
               SELECT uuidv7(), id, association_id, $2, 'spam', now() FROM mission WHERE id = $1""",
            mission_id,
            person_id,
        )


async def begin_login(company_id: UUID) -> None:
    """Plant a sign-in under way at the company's provider."""
    async with operations() as connection:
        await connection.execute(
            """INSERT INTO login (id, digest, company_id, provider_id, return_to, created_at, expires_at)
               SELECT uuidv7(), uuid_send(uuidv7()), company_id, id, '/', now(), now() FROM identity_provider
               WHERE company_id = $1""",
            company_id,
        )


async def tell(person_id: UUID) -> None:
    """Plant what workers write: a notice, a mail, a reaction, what a calendar was told; and the calendar's address."""
    async with operations() as connection:
        await connection.execute(
            """INSERT INTO notification (id, person_id, kind, title, text, about_type, about_id, unique_key, created_at)
               VALUES ($1, $2, 'hours_approved', '', '', 'hours', $1, 'walls', now())""",
            new_id(),
            person_id,
        )
        await connection.execute(
            """INSERT INTO mail (id, person_id, kind, to_address, language, subject, text, unique_key, not_before,
                                 created_at)
               VALUES ($1, $2, 'hours_approved', 'a@b.example', 'fr', '', '', 'walls', now(), now())""",
            new_id(),
            person_id,
        )
        await connection.execute(
            """INSERT INTO calendar_invitation (application_id, association_id, company_id, person_id, events, told_at)
               SELECT id, association_id, company_id, person_id, '[]', now() FROM application
               WHERE person_id = $1 LIMIT 1""",
            person_id,
        )
        await connection.execute(
            """INSERT INTO calendar_feed (id, person_id, digest, created_at)
               VALUES (uuidv7(), $1, uuid_send(uuidv7()), now())""",
            person_id,
        )
        await connection.execute(
            """INSERT INTO reaction (id, fact_id, name, due_at)
               SELECT $1, id, 'walls', now() FROM outbox ORDER BY id DESC LIMIT 1""",
            new_id(),
        )


async def everything() -> dict[str, set[str]]:
    """Give the rows of every table as ops sees them."""
    async with operations() as connection:
        tables = [row["relname"] for row in await connection.fetch(_TABLES)]
        return {
            name: await rows_of(connection, name)
            for name in tables
            if name not in PUBLIC or name in ("association", "mission")
        }


async def rows_of(connection: Connection, table: str) -> set[str]:
    """Give the places of a table's visible rows; an update would move them."""
    return {row["row"] for row in await connection.fetch(f"SELECT t::text AS row FROM {table} t")}


def strangers(tenant: Tenant, others: Tenant) -> dict[str, Actor | None]:
    """Give whoever has nothing to do with a tenant, with every role that opens something at home."""
    return {
        "nobody": None,
        "a person": Actor(person_id=new_id()),
        "an employee elsewhere": Actor(
            person_id=new_id(), employment=Employment(others.company, new_id(), frozenset({"employee"}))
        ),
        "HR elsewhere": Actor(
            person_id=new_id(),
            employment=Employment(
                others.company, new_id(), frozenset({"employee", "manager", "hr", "company_admin"})
            ),
        ),
        "another association": Actor(person_id=new_id(), memberships={others.association: "owner"}),
        "both, elsewhere": Actor(
            person_id=new_id(),
            employment=Employment(others.company, new_id(), frozenset({"hr", "company_admin"})),
            memberships={others.association: "owner"},
        ),
    }


HOME: dict[str, Any] = {}


async def two(world: World) -> tuple[Tenant, Tenant]:
    """Make two tenants, once for all the tests here."""
    if not HOME:
        HOME["tenants"] = (await planted(world), await planted(world))
    first, second = HOME["tenants"]
    return first, second


async def test_every_table_of_a_tenant_has_rows_to_hide(world: World) -> None:
    tenant, _ = await two(world)
    assert {name for name, rows in tenant.rows.items() if not rows} == set()


async def test_strangers_see_nothing(world: World) -> None:
    for tenant, others in (await two(world), (await two(world))[::-1]):
        for who, actor in strangers(tenant, others).items():
            async with transaction(actor) as connection:
                for table, rows in tenant.rows.items():
                    if table in UNREADABLE or table in PUBLIC:
                        continue
                    assert not rows & await rows_of(connection, table), (who, table)
                for table, hidden in tenant.hidden.items():
                    query = f"SELECT count(*) FROM {table} WHERE id = $1"
                    assert await connection.fetchval(query, hidden) == 0, (who, table)


async def test_strangers_touch_nothing(world: World) -> None:
    tenant, others = await two(world)
    before = await everything()
    for who, actor in strangers(tenant, others).items():
        for table in tenant.rows:
            seen = set() if table in UNREADABLE else await visible(actor, table)
            for statement in (f"DELETE FROM {table}", await first_update(table)):
                touched = await attempt(actor, statement)
                mine = 0 if touched == "refused" else int(touched.rpartition(" ")[2])
                assert mine <= len(seen - tenant.rows[table]), (who, statement, touched)
    assert await everything() == before


async def visible(actor: Actor | None, table: str) -> set[str]:
    """Give the rows of a table that somebody sees."""
    async with transaction(actor) as connection:
        return await rows_of(connection, table)


async def first_update(table: str) -> str:
    """Write an update of every row of a table, to what it is already."""
    async with operations() as connection:
        column = await connection.fetchval(
            """SELECT attname FROM pg_attribute WHERE attrelid = $1::text::regclass AND attnum > 0
               AND NOT attisdropped ORDER BY attnum DESC LIMIT 1""",
            table,
        )
    return f"UPDATE {table} SET {column} = {column}"


async def attempt(actor: Actor | None, statement: str) -> str:
    """Run a statement as somebody and take it back: its command tag, or that it was refused."""

    class Undo(Exception):
        """Take it back."""

    tag = "refused"
    try:
        async with transaction(actor) as connection:
            tag = str(await connection.execute(statement))
            raise Undo
    except (Undo, asyncpg.InsufficientPrivilegeError):
        return tag
    except (asyncpg.ForeignKeyViolationError, asyncpg.CheckViolationError):
        return "refused"


@pytest.mark.parametrize(
    "roles", [("hr",), ("manager",), ("company_admin",), ("hr", "manager", "company_admin")]
)
async def test_personal_time_is_seen_by_no_role_of_the_employer(world: World, roles: tuple[str, ...]) -> None:
    for tenant in await two(world):
        inside = Actor(person_id=new_id(), employment=Employment(tenant.company, new_id(), frozenset(roles)))
        async with transaction(inside) as connection:
            for table in ("application", "hours_entry", "ledger_line"):
                query = f"SELECT count(*) FROM {table} WHERE regime = 'personal_time'"
                assert await connection.fetchval(query) == 0, (roles, table)
            for table in ("state_event", "audit_event"):
                query = f"SELECT count(*) FROM {table} WHERE object_id = ANY ($1::uuid[])"
                assert await connection.fetchval(query, await personal_ids(tenant)) == 0, (roles, table)


async def personal_ids(tenant: Tenant) -> list[UUID]:
    """Give the applications of a tenant on personal time."""
    async with operations() as connection:
        rows = await connection.fetch(
            "SELECT id FROM application WHERE company_id = $1 AND regime = 'personal_time'", tenant.company
        )
    assert rows
    return [row["id"] for row in rows]


async def test_nobody_writes_into_another_tenant(world: World) -> None:
    tenant, others = await two(world)
    for who, actor in strangers(tenant, others).items():
        for statement in (
            f"""INSERT INTO policy (id, company_id, effective_from, created_at)
                VALUES (uuidv7(), '{tenant.company}', '2030-01-01', now())""",
            f"""INSERT INTO association_member (id, association_id, person_id, role, since)
                SELECT uuidv7(), '{tenant.association}', '{new_id()}', 'owner', now()""",
            f"""INSERT INTO mission (id, association_id, created_by, created_at)
                VALUES (uuidv7(), '{tenant.association}', uuidv7(), now())""",
            f"""INSERT INTO employee (id, company_id, person_id, created_at)
                VALUES (uuidv7(), '{tenant.company}', uuidv7(), now())""",
            f"""INSERT INTO identity_provider (id, company_id, issuer, audience, created_at)
                VALUES (uuidv7(), '{tenant.company}', 'https://x.example', 'x', now())""",
            "INSERT INTO platform_role (id, person_id, role) VALUES (uuidv7(), uuidv7(), 'admin')",
            f"""INSERT INTO scim_token (id, company_id, slot, name, digest, created_by, created_at, expires_at)
                VALUES (uuidv7(), '{tenant.company}', 1, '', '', uuidv7(), now(), now())""",
            f"""INSERT INTO scim_group (id, company_id, display_name, created_at)
                VALUES (uuidv7(), '{tenant.company}', 'RH', now())""",
            """INSERT INTO session (id, person_id, digest, created_at, expires_at)
                VALUES (uuidv7(), uuidv7(), '', now(), now())""",
            "INSERT INTO ledger_line SELECT * FROM ledger_line",
            "INSERT INTO state_event SELECT * FROM state_event",
            "INSERT INTO audit_event SELECT * FROM audit_event",
            f"""INSERT INTO audit_seal (event_id, tenant_id) VALUES (uuidv7(), '{tenant.company}')""",
        ):
            assert await attempt(actor, statement) == "refused", (who, statement)


async def test_the_system_of_a_tenant_stays_within_it(world: World) -> None:
    tenant, others = await two(world)
    async with transaction(system(others.company, others.association)) as connection:
        for table in (
            *("application", "hours_entry", "ledger_line", "employee", "policy", "identity_provider"),
            *("scim_token", "scim_group", "scim_group_member"),
        ):
            assert not tenant.rows[table] & await rows_of(connection, table), table

"""Everything that holds a person is in their export, or withheld with a reason: over every table and column."""

from uuid import UUID

import asyncpg
import msgspec
from litestar import Litestar

from api.applications.facts import ApplicationSubmitted
from api.core import clock
from api.core.actor import Actor, system
from api.core.database import close_pools, open_pools, operations, transaction
from api.core.ids import new_id
from api.core.settings import Settings
from api.identity.export import export_my_data, get_document, write_export
from api.identity.export_parts import PARTS
from tests.make.clone import cloned, superuser_url
from tests.make.served import served
from tests.make.world import Association, World
from tests.schema.personal_data import COLUMNS, TABLES
from tests.schema.test_walls import begin_login, flag, tell
from workers.reactions.notices import tell_association_of_application

_COLUMNS = """
    SELECT c.relname AS "table", a.attname AS name, format_type(a.atttypid, a.atttypmod) AS type
    FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
    WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r' AND a.attnum > 0 AND NOT a.attisdropped
"""
GIVEN = {part.table: set(part.columns.split()) for part in PARTS}
OWNER = {
    "person": "id = $1",
    "mission": "created_by = $1",
    "api_key": "created_by = $1",
    "scim_token": "created_by = $1",
    "scim_group_member": "employee_id IN (SELECT id FROM employee WHERE person_id = $1)",
    "invitation": "accepted_by = $1",
    "audit_event": "actor_kind = 'person' AND actor_id = $1",
}
"""Whose a row is, where it is not said by `person_id`."""
WRITTEN_AS = {"text": "$1::text", "text[]": "ARRAY[$1::text]", "jsonb": "to_jsonb($1::text)"}
DISTINGUISHES = {("notification", "kind"), ("mail", "kind"), ("audit_event", "actor_kind")}
"""What the export itself reads to know what a row is."""
_CHECKS = """
    SELECT format('ALTER TABLE %s DROP CONSTRAINT %I', conrelid::regclass, conname) AS drop
    FROM pg_constraint WHERE contype = 'c' AND connamespace = 'public'::regnamespace
"""


async def test_every_column_is_given_or_withheld_with_a_reason(catalogue: asyncpg.Connection) -> None:
    there: dict[str, set[str]] = {}
    for row in await catalogue.fetch(_COLUMNS):
        there.setdefault(row["table"], set()).add(row["name"])
    assert there.keys() == GIVEN.keys() | TABLES.keys()
    assert GIVEN.keys() & TABLES.keys() == set()
    assert COLUMNS.keys() <= GIVEN.keys()
    for table, given in GIVEN.items():
        # The person themselves stands once, at the top of the document.
        columns = there[table] - {"person_id"}
        assert columns - given - COLUMNS.get(table, {}).keys() == set(), f"{table}: decide about these"
        assert (given | COLUMNS.get(table, {}).keys()) - columns == set(), f"{table}: there is no such column"
        assert given & COLUMNS.get(table, {}).keys() == set(), table


async def test_what_names_a_person_is_given(catalogue: asyncpg.Connection) -> None:
    """No table with a person's id is withheld by an oversight."""
    rows = await catalogue.fetch(_COLUMNS)
    assert {row["table"] for row in rows if row["name"] == "person_id"} & TABLES.keys() == {"idempotency_key"}


async def test_a_canary_in_every_text_of_a_person_is_in_their_export(
    app: Litestar, settings: Settings, environment: dict[str, str]
) -> None:
    async with served(app, settings) as client:
        person_id = await everywhere(World(client, environment))
    async with cloned(environment) as copy:
        canaries = await plant(superuser_url(environment, database_of(copy)), person_id)
        await open_pools(copy)
        try:
            export_id = await asked(person_id)
            await write_export(export_id, person_id)
            exported = (await get_document(Actor(person_id=person_id), export_id)).decode()
        finally:
            await close_pools()

    assert {table for table, _ in canaries} == GIVEN.keys() - {
        "export",
        "scim_group_member",
        "allowance",
        "calendar_feed",
    }  # which hold no text
    assert {place for place, canary in canaries.items() if canary not in exported} == {
        (table, column) for table, column in canaries if column in COLUMNS.get(table, {})
    }
    assert len(canaries) > 70


async def everywhere(world: World) -> UUID:
    """Give somebody who has a row in every table that an export reads."""
    association, company = await world.association(), await world.company(hours_approval="hr")
    token, application = await world.engagement(association, company)
    person_id = UUID((await world.ok(token, "GET", "/v1/me"))["id"])
    day = {"worked_on": clock.today("Europe/Paris").isoformat(), "minutes": 60}
    entry = await world.ok(token, "POST", f"/v1/applications/{application['id']}/hours", day)
    await world.ok(association.owner, "POST", f"/v1/hours/{entry['id']}/confirm")
    await world.ok(company.admin, "POST", f"/v1/hours/{entry['id']}/approve")
    await flag(UUID(application["mission_id"]), person_id)
    await world.ok(token, "POST", f"/v1/applications/{application['id']}/messages", {"text": "Bonjour"})
    await world.ok(token, "POST", f"/v1/applications/{application['id']}/changes", {"effort_minutes": 1500})
    done = await world.application(token, await world.mission(association), "personal_time")
    for act in ("accept", "complete"):
        await world.ok(association.owner, "POST", f"/v1/applications/{done['id']}/{act}")
    await world.ok(token, "POST", f"/v1/applications/{done['id']}/feedback", {"again": True})
    await tell(person_id)
    await begin_login(UUID(company.id))
    async with operations() as connection:
        for statement in _HANG:
            await connection.execute(statement, person_id)
    own = await world.association()
    async with operations() as connection:
        await connection.execute(
            """INSERT INTO association_member (id, association_id, person_id, role, since)
               VALUES (uuidv7(), $1, $2, 'owner', now())""",
            UUID(own.id),
            person_id,
        )
    await world.mission(Association(own.id, token), publish=False)
    await world.ok(
        token, "POST", f"/v1/organisations/{own.id}/api-keys", {"name": "Clé", "scopes": ["missions:read"]}
    )
    return person_id


_HANG = (
    """INSERT INTO person_email (id, person_id, email, proved_at)
       VALUES (uuidv7(), $1, $1::uuid::text || '@exemple.example', now())""",
    """INSERT INTO session (id, person_id, digest, created_at, expires_at)
       VALUES (uuidv7(), $1, uuid_send(uuidv7()), now(), now() + interval '1 day')""",
    "INSERT INTO platform_role (id, person_id, role) VALUES (uuidv7(), $1, 'facilitator')",
    """INSERT INTO scim_token (id, company_id, slot, name, digest, created_by, created_at, expires_at)
       SELECT uuidv7(), company_id, 1, 'Annuaire', uuid_send(uuidv7()), $1, now(), now() FROM employee
       WHERE person_id = $1""",
    """INSERT INTO magic_link (id, request_digest, proof_digest, email, person_id, network, created_at, expires_at)
       VALUES (uuidv7(), uuid_send(uuidv7()), '', 'a@b.example', $1, '192.0.2.1', now(), now())""",
    "UPDATE login SET person_id = $1 WHERE id = (SELECT max(id::text)::uuid FROM login)",
    """INSERT INTO invitation (id, association_id, email, role, digest, invited_by, created_at, expires_at,
                               accepted_at, accepted_by)
       SELECT uuidv7(), id, 'a@b.example', 'owner', uuid_send(uuidv7()), uuidv7(), now(), now(), now(), $1
       FROM association LIMIT 1""",
)


async def plant(url: str, person_id: UUID) -> dict[tuple[str, str], str]:
    """Write a text of its own into every text column of the person's rows, with nothing to stop it; say which."""
    connection = await asyncpg.connect(url)
    canaries: dict[tuple[str, str], str] = {}
    try:
        await connection.execute("SET session_replication_role = replica")
        for row in await connection.fetch(_CHECKS):
            await connection.execute(row["drop"])
        for row in await connection.fetch(_COLUMNS):
            table, name, kind = row["table"], row["name"], row["type"]
            if table not in GIVEN or kind not in WRITTEN_AS or (table, name) in DISTINGUISHES:
                continue
            canary = canaries[table, name] = f"canari-{table}-{name}-{new_id().hex}"
            value, whose = WRITTEN_AS[kind], OWNER.get(table, "person_id = $2")
            done = await connection.execute(
                f"UPDATE {table} SET {name} = {value} WHERE {whose.replace('$1', '$2')}", canary, person_id
            )
            assert done != "UPDATE 0", table
    finally:
        await connection.close()
    return canaries


async def asked(person_id: UUID) -> UUID:
    """Ask for an export, as the person."""
    return (await export_my_data(Actor(person_id=person_id))).id


def database_of(settings: Settings) -> str:
    """Give the name of the database of a clone."""
    return settings.database_url.rpartition("?")[0].rpartition("/")[2]


async def test_an_export_holds_nobody_else(world: World) -> None:
    association, company = await world.association(), await world.company()
    token = world.employee(company, "zephirine", family_name="Canari", email="zephirine@canari.example")
    application = await world.application(token, await world.mission(association))
    owner = UUID((await world.ok(association.owner, "GET", "/v1/me"))["id"])
    async with transaction(system(UUID(company.id), UUID(association.id))):
        fact = ApplicationSubmitted(
            application_id=UUID(application["id"]),
            company_id=UUID(company.id),
            association_id=UUID(association.id),
        )
        await tell_association_of_application(fact, "export")
    told = await world.ok(association.owner, "GET", "/v1/me/notifications")
    assert "Zephirine Canari" in told["items"][0]["text"]

    export_id = await asked(owner)
    await write_export(export_id, owner)

    document = (await get_document(Actor(person_id=owner), export_id)).decode()
    assert '"application_submitted"' in document
    for secret in ("Zephirine", "Canari", "canari.example", application["message"]):
        assert secret not in document
    parts = {part["name"]: part["items"] for part in msgspec.json.decode(document)["parts"]}
    assert [one["association_id"] for one in parts["memberships"]] == [association.id]
    assert parts["applications"] == []

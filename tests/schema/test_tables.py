"""The tables in code are those of the database; keys are indexed, rules are named, rights are few."""

import re
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import asyncpg
import pytest
from piccolo.columns import ForeignKey
from piccolo.table import Table

ROOT = Path(__file__).parents[2]
NOT_IN_CODE = {
    "migration": "Piccolo's own",
    "mission_search": "read and kept by SQL alone, as what follows",
    "mission_reserved": "the same, behind the walls of its companies",
    "search_word": "words of titles",
    "search_synonym": "reference data",
    "commune": "reference data",
    "application_cap": "bounds that a trigger reads",
}
NO_SECURITY = {
    "migration": "names of migrations",
    "mission_search": "what anyone may find",
    "state_edge": "the lifecycles themselves",
    "reference_data": "digests of shipped files",
    "cause": "reference data of nobody",
    "search_word": "words of published titles",
    "search_synonym": "reference data of nobody",
    "commune": "reference data of nobody",
    "application_cap": "bounds, of nobody",
    "skill_family": "reference data of nobody",
    "skill": "reference data of nobody; a trigram search passes no wall",
    "mail_domain": "domains alone, of nobody",
}
NEEDLESS = {
    "employee_person_id_fkey": "employee_one_active_job serves every read, and a person is never deleted",
    "employee_company_id_fkey": "employee_person_unique begins with it",
    "policy_company_id_fkey": "policy_one_a_day begins with it",
    "mission_association_id_fkey": "mission_of_association begins with it",
    "ledger_line_hours_id_fkey": "ledger_line_posted_once",
    "employee_manager_in_company": "an employee is never deleted, and their id never changes",
    "application_mission_tenant": "application_of_mission begins with it",
    "application_employee_tenant": "an employee is never deleted, and their id never changes",
    "hours_entry_tenants": "an application is never deleted, and its ids never change",
    "identity_company_id_fkey": "a company is never deleted",
}
"""Foreign keys without an index of exactly their columns, and why they need none."""
_COLUMNS = """
    SELECT c.relname AS "table", a.attname AS name, format_type(a.atttypid, a.atttypmod) AS type,
           a.attnotnull AS "not null"
    FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
    WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r' AND a.attnum > 0 AND NOT a.attisdropped
    ORDER BY c.relname, a.attnum
"""
_FOREIGN_KEYS = """
    SELECT k.conname AS name, k.conrelid::regclass::text AS "table",
           EXISTS (SELECT FROM pg_index i WHERE i.indrelid = k.conrelid AND i.indpred IS NULL
                   AND (i.indkey::int2[])[0:cardinality(k.conkey) - 1] @> k.conkey) AS indexed
    FROM pg_constraint k WHERE k.contype = 'f' AND k.connamespace = 'public'::regnamespace
"""
_TYPES = {
    "uuid": "uuid",
    "text": "text",
    "integer": "integer",
    "bigint": "bigint",
    "boolean": "boolean",
    "date": "date",
    "bytea": "bytea",
    "jsonb": "jsonb",
    "text[]": "text[]",
    "integer[]": "integer[]",
    "uuid[]": "uuid[]",
    "double precision": "double precision",
    "timestamp with time zone": "timestamp with time zone",
    "timestamptz": "timestamp with time zone",
    "serial": "integer",
}


def tables() -> Iterator[type[Table]]:
    """Give every Piccolo table."""
    for path in sorted((ROOT / "api").glob("*/tables.py")):
        module = import_module(f"api.{path.parent.name}.tables")
        for value in vars(module).values():
            if isinstance(value, type) and issubclass(value, Table) and value.__module__ == module.__name__:
                yield value


async def test_the_tables_in_code_are_those_of_the_database(catalogue: asyncpg.Connection) -> None:
    there: dict[str, dict[str, tuple[str, bool]]] = {}
    for row in await catalogue.fetch(_COLUMNS):
        there.setdefault(row["table"], {})[row["name"]] = (row["type"], row["not null"])
    here = {
        table._meta.tablename: {
            column._meta.db_column_name: (
                _TYPES[str(column.column_type).lower()],
                not column._meta.null,
            )
            for column in table._meta.columns
        }
        for table in tables()
    }
    assert here.keys() == there.keys() - NOT_IN_CODE.keys()
    for name, columns in here.items():
        assert columns == there[name], name


NULLABLE = [
    "Session.company_id",
    "Session.provider_id",
    "Login.person_id",
    "ApiKey.company_id",
    "ApiKey.association_id",
    "Skill.replaced_by",
]
"""A session or a login may be of no company or of nobody yet; a key is of one or the other organisation."""


def test_no_foreign_key_is_null_by_an_oversight() -> None:
    """Piccolo's own default is that it may be."""
    keys = [column for table in tables() for column in table._meta.columns if isinstance(column, ForeignKey)]
    assert len(keys) > 10
    assert [f"{key._meta.table.__name__}.{key._meta.name}" for key in keys if key._meta.null] == NULLABLE


async def test_every_foreign_key_has_an_index(catalogue: asyncpg.Connection) -> None:
    keys = await catalogue.fetch(_FOREIGN_KEYS)
    assert len(keys) > 10
    assert {row["name"] for row in keys if not row["indexed"]} - NEEDLESS.keys() == set()
    assert NEEDLESS.keys() - {row["name"] for row in keys} == set()


async def test_every_table_has_forced_row_level_security_and_a_policy(catalogue: asyncpg.Connection) -> None:
    rows = await catalogue.fetch(
        """SELECT relname, relrowsecurity AND relforcerowsecurity AS forced,
                  (SELECT count(*) FROM pg_policy WHERE polrelid = c.oid) AS policies
           FROM pg_class c WHERE relkind IN ('r', 'p') AND relnamespace = 'public'::regnamespace"""
    )
    assert {row["relname"] for row in rows if not row["forced"]} == NO_SECURITY.keys()
    # Nothing is visible through a table without a policy: the heads are for their functions alone.
    assert {row["relname"] for row in rows if row["forced"] and not row["policies"]} == {
        "ledger_head",
        "audit_head",
    }


async def test_policies_read_their_own_row_and_the_settings(catalogue: asyncpg.Connection) -> None:
    """A policy that asks another table recurses, and is slow."""
    rows = await catalogue.fetch(
        "SELECT policyname, qual || coalesce(with_check, '') AS text FROM pg_policies WHERE schemaname = 'public'"
    )
    assert {row["policyname"] for row in rows if row["text"] and " FROM " in row["text"].upper()} == set()


async def test_what_is_written_once_is_never_changed_by_the_application(
    catalogue: asyncpg.Connection,
) -> None:
    rows = await catalogue.fetch(
        """SELECT table_name, privilege_type FROM information_schema.role_table_grants
           WHERE grantee = 'maillon_app' AND table_schema = 'public'"""
    )
    rights: dict[str, set[str]] = {}
    for row in rows:
        rights.setdefault(row["table_name"], set()).add(row["privilege_type"])
    for name in (
        "ledger_line",
        "state_event",
        "state_edge",
        "mission_search",
        "migration",
        "audit_event",
        "audit_seal",
    ):
        assert rights[name] == {"SELECT"}, name
    assert not {"ledger_head", "audit_head"} & rights.keys()
    for name in (
        "application",
        "association",
        "company",
        "employee",
        "hours_entry",
        "mail",
        "outbox",
        "reaction",
    ):
        assert "DELETE" not in rights[name], name
    assert not any({"TRUNCATE", "TRIGGER", "REFERENCES", "MAINTAIN"} & held for held in rights.values())


async def test_the_application_owns_nothing_and_passes_no_wall(catalogue: asyncpg.Connection) -> None:
    role = await catalogue.fetchrow(
        """SELECT rolsuper, rolbypassrls, rolcreatedb, rolcreaterole, rolconfig,
                  (SELECT count(*) FROM pg_class WHERE relowner = r.oid) AS owned,
                  (SELECT count(*) FROM pg_auth_members WHERE member = r.oid) AS memberships,
                  has_schema_privilege('maillon_app', 'public', 'CREATE') AS creates
           FROM pg_roles r WHERE rolname = 'maillon_app'"""
    )
    assert tuple(role)[:4] == (False,) * 4
    assert (role["owned"], role["memberships"], role["creates"]) == (0, 0, False)
    assert "lock_timeout=2s" in role["rolconfig"]


async def test_a_posted_line_resists_every_role(environment: dict[str, str]) -> None:
    for role in ("", "_OPS", "_OWNER"):
        connection = await asyncpg.connect(environment[f"MAILLON_DATABASE{role}_URL"])
        try:
            for statement in (
                "UPDATE ledger_line SET minutes = 0",
                "DELETE FROM ledger_line",
                "DELETE FROM state_event",
                "UPDATE audit_event SET action = 'nothing'",
                "DELETE FROM audit_event",
                "DELETE FROM audit_seal",
                "UPDATE audit_seal SET sequence = NULL, hash = NULL WHERE sequence IS NOT NULL",
            ):
                # Where there are no lines, or none to be seen, nothing is refused: rights are tested above.
                changed = await outcome(connection, statement)
                assert changed in ("UPDATE 0", "DELETE 0", "refused"), (role, statement, changed)
        finally:
            await connection.close()


async def outcome(connection: asyncpg.Connection, statement: str) -> str:
    """Run a statement and take it back: its command tag, or that it was refused."""
    transaction = connection.transaction()
    await transaction.start()
    try:
        return str(await connection.execute(statement))
    except (asyncpg.InsufficientPrivilegeError, asyncpg.RestrictViolationError):
        return "refused"
    finally:
        await transaction.rollback()


@pytest.mark.parametrize(
    "query",
    [
        "SELECT conname FROM pg_constraint WHERE contype IN ('c', 'u', 'x') AND connamespace = 'public'::regnamespace",
        "SELECT conname FROM pg_constraint WHERE contype = 'f' AND cardinality(conkey) > 1",
        """SELECT c.relname FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
           WHERE NOT indisprimary AND c.relnamespace = 'public'::regnamespace""",
        "SELECT tgname FROM pg_trigger WHERE NOT tgisinternal",
        "SELECT polname FROM pg_policy",
    ],
)
async def test_rules_have_names_that_somebody_chose(catalogue: asyncpg.Connection, query: str) -> None:
    names = [row[0] for row in await catalogue.fetch(query + " ORDER BY 1")]
    made_up = re.compile(r".*(_key|_check|_excl|_idx|_fkey)\d*|.*_check\d+|(idx|ix|uq|ck|fk)_.*|.*\d{3,}")
    assert len(names) > 3
    assert [name for name in names if made_up.fullmatch(name) and name != "idempotency_key"] == []
    assert [name for name in names if not re.fullmatch(r"[a-z][a-z0-9_]+", name)] == []


async def test_every_table_has_a_primary_key(catalogue: asyncpg.Connection) -> None:
    bare = await catalogue.fetch(
        """SELECT relname FROM pg_class c WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace
           AND NOT EXISTS (SELECT FROM pg_constraint WHERE conrelid = c.oid AND contype = 'p')"""
    )
    assert bare == []


async def test_every_instant_has_an_offset(catalogue: asyncpg.Connection) -> None:
    naive = [
        (row["table"], row["name"])
        for row in await catalogue.fetch(_COLUMNS)
        if row["type"] == "timestamp without time zone" and row["table"] != "migration"
    ]
    assert naive == []


async def test_no_index_is_invalid(catalogue: asyncpg.Connection) -> None:
    assert (
        await catalogue.fetchval("SELECT count(*) FROM pg_index WHERE NOT indisvalid OR NOT indisready") == 0
    )

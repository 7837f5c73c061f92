"""The audit log at 100 000 events: reading and sealing touch what they need and scan no table."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from uuid import UUID

import pytest
import pytest_asyncio

from api.core.actor import Actor, Employment
from api.core.audit import BATCH, WAITING, AuditQuestion, list_audit_events
from api.core.database import Connection, close_pools, open_pools, operations, read
from api.core.ids import new_id
from api.core.settings import Settings
from api.core.signing import trust
from tests.make.clone import cloned

COMPANY = UUID("00000000-0000-7000-8000-000000000001")
OBJECT = UUID("00000000-0000-7000-8000-000000000777")
HR = Actor(person_id=new_id(), employment=Employment(COMPANY, new_id(), frozenset({"hr"})))
SEED = f"""
    TRUNCATE audit_event, audit_seal, audit_head;
    INSERT INTO audit_event
    SELECT uuidv7(), 'company', CASE n % 2 WHEN 0 THEN '{COMPANY}'::uuid ELSE uuidv7() END,
           timestamptz '2030-01-01Z' + n * interval '1 second', 'system', NULL, 'hours.approved', 'hours',
           CASE n % 20000 WHEN 0 THEN '{OBJECT}'::uuid ELSE uuidv7() END, '{{}}'
    FROM generate_series(1, 100000) n;
    INSERT INTO audit_seal
    SELECT id, tenant_id, n, '' FROM (
        SELECT id, tenant_id, row_number() OVER (PARTITION BY tenant_id ORDER BY id) AS n FROM audit_event) e;
    UPDATE audit_seal SET sequence = NULL, hash = NULL
    WHERE tenant_id = '{COMPANY}' AND sequence > (SELECT max(sequence) - 1000 FROM audit_seal);
    INSERT INTO audit_head SELECT tenant_id, max(sequence), '', now() FROM audit_seal WHERE sequence IS NOT NULL
        GROUP BY tenant_id;
    ANALYZE audit_event, audit_seal, audit_head
"""
_TOUCHED = """
    SELECT sum(seq_scan) AS scans, sum(idx_tup_fetch) AS rows FROM pg_stat_xact_user_tables
    WHERE relname LIKE 'audit%'
"""


@pytest_asyncio.fixture
async def large(environment: dict[str, str]) -> AsyncIterator[Settings]:
    async with cloned(environment, SEED) as settings:
        trust(settings.secrets)
        await open_pools(settings)
        yield settings
        await close_pools()


async def touched(connection: Connection) -> tuple[int, int]:
    """Give the scans of whole tables and the rows fetched by index, of this session since its last report."""
    row = await connection.fetchrow(_TOUCHED)
    return int(row["scans"] or 0), int(row["rows"] or 0)


@pytest.mark.usefixtures("large")
async def test_a_page_reads_its_own_rows() -> None:
    instant = datetime(2030, 1, 1, 12, tzinfo=UTC)
    for asked, size in (
        (AuditQuestion(), 20),
        (AuditQuestion(first=instant), 20),
        (AuditQuestion(last=instant), 20),
        (AuditQuestion(last=instant, object_type="hours"), 20),
        (AuditQuestion(object_id=OBJECT), 5),
    ):
        cursor = None
        # Often enough for PostgreSQL to settle on one plan for all values.
        for _ in range(8):
            async with read(HR) as connection:
                before = await touched(connection)
                page = await list_audit_events(connection, COMPANY, asked, 20, cursor)
                scans, rows = await touched(connection)
            assert (len(page.items), scans - before[0]) == (size, 0), asked
            assert rows - before[1] <= 200, asked
            cursor = page.next


@pytest.mark.usefixtures("large")
async def test_sealing_reads_what_waits() -> None:
    async with operations() as connection:
        before = await touched(connection)
        waiting = [row["tenant_id"] for row in await connection.fetch(WAITING)]
        looked = await touched(connection)
        sealed = await connection.fetchrow("SELECT * FROM seal_audit($1, $2)", COMPANY, BATCH)
        scans, rows = await touched(connection)

    assert (waiting, looked[0] - before[0]) == ([COMPANY], 0)
    assert (sealed["sealed"], sealed["sequence"], scans - looked[0]) == (BATCH, 49_000 + BATCH, 0)
    assert rows - looked[1] <= 8 * BATCH

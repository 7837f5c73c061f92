"""The audit log: who did what to which object. Triggers write it; here it is read, and sealed into its chains."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import msgspec
import structlog

from api.core import pagination
from api.core.database import Connection, operations
from api.core.schemas import Out, Page

BATCH = 500
"""Events sealed in one transaction."""

EARLIEST, LATEST = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)

# Bounds come as plain values: behind row-level security no index serves a COALESCE.
_WITHIN = """
    AND ($2::text IS NULL OR e.object_type = $2) AND e.at >= $3 AND (e.at, e.id) < ($4, $5)
    ORDER BY e.at DESC, e.id DESC LIMIT $6
"""
_EVENTS = """
    SELECT e.id, e.at, e.actor_kind, e.actor_id, e.action, e.object_type, e.object_id, e.changes,
           s.sequence, encode(s.hash, 'hex') AS hash
    FROM audit_event e LEFT JOIN audit_seal s ON s.event_id = e.id
    WHERE e.tenant_id = $1
"""
_OF_TENANT = _EVENTS + _WITHIN
_OF_OBJECT = _EVENTS + "AND e.object_id = $7" + _WITHIN
WAITING = "SELECT DISTINCT tenant_id FROM audit_seal WHERE sequence IS NULL"
_SEAL = "SELECT sealed, sequence, encode(hash, 'hex') AS hash FROM seal_audit($1, $2)"

log = structlog.get_logger()


class AuditActor(Out, frozen=True, kw_only=True):
    """Who acted: `person` or `key` by id, `system`, or the side across the wall, which names nobody."""

    kind: str
    id: UUID | None


class AuditObject(Out, frozen=True, kw_only=True):
    """What was acted upon."""

    type: str
    id: UUID


class AuditChange(Out, frozen=True, kw_only=True):
    """A column's value before and after; neither where it holds what somebody wrote."""

    old: Any = msgspec.UNSET
    new: Any = msgspec.UNSET


class AuditEventOut(Out, frozen=True, kw_only=True):
    """An act; `sequence` and `hash` (SHA-256, hexadecimal) are null until it is sealed."""

    id: UUID
    at: datetime
    actor: AuditActor
    action: str
    object: AuditObject
    changes: dict[str, AuditChange]
    sequence: int | None
    hash: str | None


class AuditQuestion(msgspec.Struct, frozen=True, kw_only=True):
    """Which events: of an object's type, of one object, from an instant (included) to another (not)."""

    object_type: str | None = None
    object_id: UUID | None = None
    first: datetime | None = None
    last: datetime | None = None


async def list_audit_events(
    connection: Connection, tenant_id: UUID, asked: AuditQuestion, limit: int, cursor: str | None
) -> Page[AuditEventOut]:
    """List a tenant's events, the newest first, within the caller's walls."""
    question = ("audit", tenant_id, asked)
    before = pagination.read_cursor(cursor, question, datetime, UUID) or (asked.last or LATEST, UUID(int=0))
    values = [tenant_id, asked.object_type, asked.first or EARLIEST, *before, limit + 1]
    if asked.object_id:
        rows = await connection.fetch(_OF_OBJECT, *values, asked.object_id)
    else:
        rows = await connection.fetch(_OF_TENANT, *values)
    return pagination.page([_event(row) for row in rows], limit, question, "at", "id")


def _event(row: Any) -> AuditEventOut:
    return AuditEventOut(
        id=row["id"],
        at=row["at"],
        actor=AuditActor(kind=row["actor_kind"], id=row["actor_id"]),
        action=row["action"],
        object=AuditObject(type=row["object_type"], id=row["object_id"]),
        changes=msgspec.json.decode(row["changes"], type=dict[str, AuditChange]),
        sequence=row["sequence"],
        hash=row["hash"],
    )


async def seal() -> int:
    """Seal every event that waits, a batch a transaction, and log each new head; gives how many there were."""
    async with operations() as connection:
        tenants = [row["tenant_id"] for row in await connection.fetch(WAITING)]
    return sum([await _seal_of(tenant_id) for tenant_id in tenants])


async def _seal_of(tenant_id: UUID) -> int:
    count, sealed = 0, BATCH
    while sealed == BATCH:
        async with operations() as connection:
            head = await connection.fetchrow(_SEAL, tenant_id, BATCH)
        count, sealed = count + head["sealed"], head["sealed"]
        if sealed:
            # The operator's log keeps the heads out of the database: whoever rewrites a chain is found by them.
            log.info("audit sealed", tenant_id=str(tenant_id), sequence=head["sequence"], hash=head["hash"])
    return count

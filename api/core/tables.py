"""Tables that no domain owns: facts, reactions to them, kept answers, state history."""

from piccolo.columns import JSONB, UUID, BigInt, Bytea, ForeignKey, Integer, Text, Timestamptz
from piccolo.columns.base import OnDelete
from piccolo.table import Table

from api.core.database import ENGINE


class Outbox(Table, db=ENGINE, tablename="outbox"):
    """A fact, recorded with the change that made it true."""

    id = UUID(primary_key=True, default=None)
    fact = Text(default=None)
    payload = Bytea(default=None)
    company_id = UUID(null=True, default=None)
    association_id = UUID(null=True, default=None)
    recorded_at = Timestamptz(default=None)
    relayed_at = Timestamptz(null=True, default=None)
    about = UUID(null=True, default=None)


class Reaction(Table, db=ENGINE, tablename="reaction"):
    """One reaction owed to one fact, and how it went: the truth that Redis never is."""

    id = UUID(primary_key=True, default=None)
    fact_id = ForeignKey(Outbox, null=False, default=None, on_delete=OnDelete.cascade)
    name = Text(default=None)
    attempts = Integer(default=0)
    due_at = Timestamptz(default=None)
    done_at = Timestamptz(null=True, default=None)
    failed_at = Timestamptz(null=True, default=None)
    error = Text(null=True, default=None)


class IdempotencyKey(Table, db=ENGINE, tablename="idempotency_key"):
    """An answer kept under a caller's key."""

    person_id = UUID(default=None)
    key = Text(default=None)
    fingerprint = Bytea(default=None)
    status = Integer(default=None)
    headers = Bytea(default=None)
    body = Bytea(default=None)
    created_at = Timestamptz(default=None)


class StateEvent(Table, db=ENGINE, tablename="state_event"):
    """A transition of an object's lifecycle, written by a trigger."""

    id = UUID(primary_key=True, default=None)
    object = Text(default=None)
    object_id = UUID(default=None)
    company_id = UUID(null=True, default=None)
    association_id = UUID(null=True, default=None)
    person_id = UUID(null=True, default=None)
    from_state = Text(null=True, default=None)
    to_state = Text(default=None)
    reason = Text(null=True, default=None)
    by_person = UUID(null=True, default=None)
    at = Timestamptz(default=None)


class StateEdge(Table, db=ENGINE, tablename="state_edge"):
    """A legal transition; the transition tables in code say the same, and a test holds them together."""

    object = Text(default=None)
    from_state = Text(default=None)
    to_state = Text(default=None)


class AuditEvent(Table, db=ENGINE, tablename="audit_event"):
    """An act in a tenant's audit log, written by a trigger."""

    id = UUID(primary_key=True, default=None)
    tenant_kind = Text(default=None)
    tenant_id = UUID(default=None)
    at = Timestamptz(default=None)
    actor_kind = Text(default=None)
    actor_id = UUID(null=True, default=None)
    action = Text(default=None)
    object_type = Text(default=None)
    object_id = UUID(default=None)
    changes = JSONB(default=None)


class AuditSeal(Table, db=ENGINE, tablename="audit_seal"):
    """An event's place in its tenant's hash chain, null until the worker seals it."""

    event_id = ForeignKey(AuditEvent, primary_key=True, null=False, default=None, on_delete=OnDelete.restrict)
    tenant_id = UUID(default=None)
    sequence = BigInt(null=True, default=None)
    hash = Bytea(null=True, default=None)


class AuditHead(Table, db=ENGINE, tablename="audit_head"):
    """The end of a tenant's chain, out of the application's reach."""

    tenant_id = UUID(primary_key=True, default=None)
    sequence = BigInt(default=None)
    hash = Bytea(default=None)
    sealed_at = Timestamptz(default=None)


class ReferenceData(Table, db=ENGINE, tablename="reference_data"):
    """A shipped file of `migrations/data/` and the digest (SHA-256) of what was loaded last."""

    name = Text(primary_key=True, default=None)
    digest = Bytea(default=None)
    loaded_at = Timestamptz(default=None)

"""Hours entries and the ledger that the database posts them to."""

from piccolo.columns import UUID, BigInt, Date, ForeignKey, Integer, Text, Timestamptz
from piccolo.columns.base import OnDelete
from piccolo.table import Table

from api.applications.tables import Application
from api.core.database import ENGINE


class HoursEntry(Table, db=ENGINE, tablename="hours_entry"):
    """Minutes worked on a day on one engagement."""

    id = UUID(primary_key=True, default=None)
    version = Integer(default=1)
    application_id = ForeignKey(Application, null=False, default=None, on_delete=OnDelete.restrict)
    mission_id = UUID(default=None)
    association_id = UUID(default=None)
    company_id = UUID(default=None)
    employee_id = UUID(default=None)
    person_id = UUID(default=None)
    manager_id = UUID(null=True, default=None)
    regime = Text(default=None)
    state = Text(default="declared")
    state_reason = Text(null=True, default=None)
    worked_on = Date(default=None)
    starts_at = Timestamptz(null=True, default=None)
    minutes = Integer(default=None)
    declared_minutes = Integer(default=None)
    note = Text(default="")
    confirmed_by = UUID(null=True, default=None)
    approved_by = UUID(null=True, default=None)
    counted_in = Date(null=True, default=None)
    created_at = Timestamptz(default=None)


class LedgerLine(Table, db=ENGINE, tablename="ledger_line"):
    """An approved entry, posted for ever; the application's role can neither write nor change one."""

    id = UUID(primary_key=True, default=None)
    sequence = BigInt(default=None)
    hours_id = ForeignKey(HoursEntry, null=False, default=None, on_delete=OnDelete.restrict)
    company_id = UUID(default=None)
    employee_id = UUID(default=None)
    person_id = UUID(default=None)
    association_id = UUID(default=None)
    mission_id = UUID(default=None)
    regime = Text(default=None)
    legal_form = Text(null=True, default=None)
    department = Text(null=True, default=None)
    site = Text(null=True, default=None)
    cause = Text(null=True, default=None)
    worked_on = Date(default=None)
    posted_on = Date(default=None)
    posted_at = Timestamptz(default=None)
    minutes = Integer(default=None)


class LedgerHead(Table, db=ENGINE, tablename="ledger_head"):
    """The last line of a company's ledger: its lock orders postings, so that `as_of` holds for ever."""

    company_id = UUID(primary_key=True, default=None)
    sequence = BigInt(default=0)
    posted_at = Timestamptz(default=None)

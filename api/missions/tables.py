"""Missions, and the public ones as search reads them."""

from piccolo.columns import JSONB, UUID, Array, Date, DoublePrecision, ForeignKey, Integer, Text, Timestamptz
from piccolo.columns.base import OnDelete
from piccolo.table import Table

from api.core.database import ENGINE
from api.organisations.tables import Association
from api.people.tables import Person


class Mission(Table, db=ENGINE, tablename="mission"):
    """A bounded need of an association; triggers keep `taken`, `live` (applications) and `closes_on`."""

    id = UUID(primary_key=True, default=None)
    version = Integer(default=1)
    association_id = ForeignKey(Association, null=False, default=None, on_delete=OnDelete.restrict)
    state = Text(default="draft")
    state_reason = Text(null=True, default=None)
    title = Text(default="")
    summary = Text(default="")
    description = Text(default="")
    deliverable = Text(default="")
    format = Text(null=True, default=None)
    causes = Array(base_column=Text(), default=list)
    places = Integer(default=1)
    taken = Integer(default=0)
    effort_minutes = Integer(null=True, default=None)
    regimes = Array(base_column=Text(), default=list)
    remote = Text(default="no")
    location_label = Text(null=True, default=None)
    postal_code = Text(null=True, default=None)
    latitude = DoublePrecision(null=True, default=None)
    longitude = DoublePrecision(null=True, default=None)
    time_zone = Text(default="Europe/Paris")
    starts_on = Date(null=True, default=None)
    ends_on = Date(null=True, default=None)
    apply_by = Date(null=True, default=None)
    languages = Array(base_column=Text(), default=list)
    created_by = UUID(default=None)
    created_at = Timestamptz(default=None)
    published_at = Timestamptz(null=True, default=None)
    template = Text(null=True, default=None)
    prerequisites = JSONB(default="[]")
    steps = Array(base_column=Text(), default=list)
    skills = JSONB(default="[]")
    sessions = JSONB(default="[]")
    contact = JSONB(null=True, default=None)
    managers = Array(base_column=UUID(), default=list)
    reserved_to = Array(base_column=UUID(), default=list)
    live = Integer(default=0)
    closes_on = Date(null=True, default=None)
    changed_at = Timestamptz(null=True, default=None)
    review_since = Timestamptz(null=True, default=None)
    review_reasons = Array(base_column=Text(), default=list)


class Flag(Table, db=ENGINE, tablename="flag"):
    """What somebody says is wrong with a mission, until a moderator decides."""

    id = UUID(primary_key=True, default=None)
    mission_id = ForeignKey(Mission, null=False, default=None, on_delete=OnDelete.restrict)
    association_id = UUID(default=None)
    person_id = ForeignKey(Person, null=False, default=None, on_delete=OnDelete.restrict)
    reason = Text(default=None)
    text = Text(default="")
    created_at = Timestamptz(default=None)
    outcome = Text(null=True, default=None)
    resolved_by = UUID(null=True, default=None)
    resolved_at = Timestamptz(null=True, default=None)

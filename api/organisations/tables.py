"""Associations and their members, companies, their employees and dated policies."""

from piccolo.columns import (
    JSONB,
    UUID,
    Array,
    Boolean,
    Bytea,
    Date,
    DoublePrecision,
    ForeignKey,
    Integer,
    Text,
    Timestamptz,
)
from piccolo.columns.base import OnDelete
from piccolo.table import Table

from api.core.database import ENGINE
from api.people.tables import Person


class Association(Table, db=ENGINE, tablename="association"):
    """An organisation that hosts missions; a trigger keeps `name_key`, its name without accents or capitals."""

    id = UUID(primary_key=True, default=None)
    version = Integer(default=1)
    state = Text(default="unverified")
    state_reason = Text(null=True, default=None)
    name = Text(default=None)
    legal_form = Text(default=None)
    purpose = Text(default=None)
    rna = Text(null=True, default=None)
    siren = Text(null=True, default=None)
    siret = Text(null=True, default=None)
    street = Text(null=True, default=None)
    postal_code = Text(default=None)
    city = Text(default=None)
    latitude = DoublePrecision(null=True, default=None)
    longitude = DoublePrecision(null=True, default=None)
    causes = Array(base_column=Text(), default=list)
    website = Text(null=True, default=None)
    contact_email = Text(default=None)
    public_interest = Text(default="unknown")
    created_at = Timestamptz(default=None)
    name_key = Text(default="")
    review_since = Timestamptz(null=True, default=None)
    review_reasons = Array(base_column=Text(), default=list)


class AssociationMember(Table, db=ENGINE, tablename="association_member"):
    """A person's seat in an association: owner or coordinator."""

    id = UUID(primary_key=True, default=None)
    version = Integer(default=1)
    association_id = ForeignKey(Association, null=False, default=None, on_delete=OnDelete.cascade)
    person_id = ForeignKey(Person, null=False, default=None, on_delete=OnDelete.cascade)
    role = Text(default=None)
    since = Timestamptz(default=None)


class Invitation(Table, db=ENGINE, tablename="invitation"):
    """A seat offered to an address; the code that was mailed is kept as a digest."""

    id = UUID(primary_key=True, default=None)
    association_id = ForeignKey(Association, null=False, default=None, on_delete=OnDelete.cascade)
    email = Text(default=None)
    role = Text(default=None)
    digest = Bytea(default=None)
    invited_by = UUID(default=None)
    created_at = Timestamptz(default=None)
    expires_at = Timestamptz(default=None)
    accepted_at = Timestamptz(null=True, default=None)
    accepted_by = UUID(null=True, default=None)
    revoked_at = Timestamptz(null=True, default=None)


class Company(Table, db=ENGINE, tablename="company"):
    """An employer of volunteers: a tenant."""

    id = UUID(primary_key=True, default=None)
    version = Integer(default=1)
    slug = Text(default=None)
    name = Text(default=None)
    siren = Text(default=None)
    legal_form = Text(null=True, default=None)
    time_zone = Text(default="Europe/Paris")
    origins = Array(base_column=Text(), default=list)
    group_roles = JSONB(default="{}")
    created_at = Timestamptz(default=None)


class Employee(Table, db=ENGINE, tablename="employee"):
    """A person's row in a company, with the names the company knows them by."""

    id = UUID(primary_key=True, default=None)
    version = Integer(default=1)
    company_id = ForeignKey(Company, null=False, default=None, on_delete=OnDelete.cascade)
    person_id = ForeignKey(Person, null=False, default=None, on_delete=OnDelete.restrict)
    given_name = Text(default="")
    family_name = Text(default="")
    email = Text(null=True, default=None)
    roles = Array(base_column=Text(), default=list)
    site = Text(null=True, default=None)
    department = Text(null=True, default=None)
    manager_id = UUID(null=True, default=None)
    active = Boolean(default=True)
    external_id = Text(null=True, default=None)
    group_roles = Array(base_column=Text(), default=list)
    deactivated_at = Timestamptz(null=True, default=None)
    erased_at = Timestamptz(null=True, default=None)
    created_at = Timestamptz(default=None)
    user_name = Text(null=True, default=None)
    user_name_key = Text(default="")  # triggers write both keys, and `updated_at`
    email_key = Text(null=True, default=None)
    employee_number = Text(null=True, default=None)
    preferred_language = Text(null=True, default=None)
    grade = Text(null=True, default=None)
    provisioned_at = Timestamptz(null=True, default=None)
    deleted_at = Timestamptz(null=True, default=None)
    updated_at = Timestamptz()


class Policy(Table, db=ENGINE, tablename="policy"):
    """What a company allows, from a day on."""

    id = UUID(primary_key=True, default=None)
    company_id = ForeignKey(Company, null=False, default=None, on_delete=OnDelete.cascade)
    effective_from = Date(default=None)
    regimes = Array(base_column=Text(), default=list)
    legal_form = Text(default="service")
    approval = Text(default="manager")
    hours_approval = Text(default="automatic")
    just_in_time = Boolean(default=True)
    formats = Array(base_column=Text(), null=True, default=None)
    causes = Array(base_column=Text(), null=True, default=None)
    associations = Array(base_column=UUID(), null=True, default=None)
    approval_days = Integer(default=5)
    approval_silence = Text(default="refuse")
    yearly_minutes = Integer(null=True, default=None)
    budget_minutes = Integer(null=True, default=None)
    day_minutes = Integer(default=420)
    year_starts = Text(default="01-01")
    created_at = Timestamptz(default=None)

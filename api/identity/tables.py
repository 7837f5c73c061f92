"""How a person proves who they are."""

from piccolo.columns import JSONB, UUID, Array, Bytea, Date, ForeignKey, Integer, Text, Timestamptz
from piccolo.columns.base import OnDelete
from piccolo.table import Table

from api.core.database import ENGINE
from api.organisations.tables import Association, Company
from api.people.tables import Person


class IdentityProvider(Table, db=ENGINE, tablename="identity_provider"):
    """A company's own OpenID provider, whose tokens its intranet already holds."""

    id = UUID(primary_key=True, default=None)
    company_id = ForeignKey(Company, null=False, default=None, on_delete=OnDelete.cascade)
    issuer = Text(default=None)
    audience = Text(default=None)
    jwks_url = Text(null=True, default=None)
    role_claim = JSONB(null=True, default=None)
    version = Integer(default=1)
    client_id = Text(null=True, default=None)
    client_secret = Text(null=True, default=None)
    employee_key = JSONB(null=True, default=None)
    created_at = Timestamptz(default=None)


class Identity(Table, db=ENGINE, tablename="identity"):
    """A person as one issuer names them."""

    id = UUID(primary_key=True, default=None)
    person_id = ForeignKey(Person, null=False, default=None, on_delete=OnDelete.cascade)
    company_id = ForeignKey(Company, null=False, default=None, on_delete=OnDelete.cascade)
    issuer = Text(default=None)
    subject = Text(default=None)
    created_at = Timestamptz(default=None)


class Session(Table, db=ENGINE, tablename="session"):
    """A signed-in person; the token itself is never stored."""

    id = UUID(primary_key=True, default=None)
    person_id = ForeignKey(Person, null=False, default=None, on_delete=OnDelete.cascade)
    digest = Bytea(default=None)
    company_id = ForeignKey(Company, null=True, default=None, on_delete=OnDelete.cascade)
    provider_id = ForeignKey(IdentityProvider, null=True, default=None, on_delete=OnDelete.cascade)
    roles = Array(base_column=Text(), default=list)
    created_at = Timestamptz(default=None)
    expires_at = Timestamptz(default=None)


class Login(Table, db=ENGINE, tablename="login"):
    """A sign-in under way at a company's provider; the secret that the browser holds is kept as a digest."""

    id = UUID(primary_key=True, default=None)
    digest = Bytea(default=None)
    company_id = ForeignKey(Company, null=False, default=None, on_delete=OnDelete.cascade)
    provider_id = ForeignKey(IdentityProvider, null=False, default=None, on_delete=OnDelete.cascade)
    person_id = ForeignKey(Person, null=True, default=None, on_delete=OnDelete.cascade)
    return_to = Text(default=None)
    created_at = Timestamptz(default=None)
    expires_at = Timestamptz(default=None)
    used_at = Timestamptz(null=True, default=None)


class MagicLink(Table, db=ENGINE, tablename="magic_link"):
    """A proof of an address that was asked for: to sign in, or for the signed-in `person_id` to add it."""

    id = UUID(primary_key=True, default=None)
    request_digest = Bytea(default=None)
    proof_digest = Bytea(default=None)
    email = Text(default=None)
    person_id = UUID(null=True, default=None)
    network = Text(default=None)
    attempts = Integer(default=0)
    created_at = Timestamptz(default=None)
    expires_at = Timestamptz(default=None)
    used_at = Timestamptz(null=True, default=None)


class PlatformRole(Table, db=ENGINE, tablename="platform_role"):
    """A role on the platform itself: moderator, facilitator, admin."""

    id = UUID(primary_key=True, default=None)
    person_id = ForeignKey(Person, null=False, default=None, on_delete=OnDelete.cascade)
    role = Text(default=None)


class ApiKey(Table, db=ENGINE, tablename="api_key"):
    """A key of an association or of a company."""

    id = UUID(primary_key=True, default=None)
    company_id = ForeignKey(Company, null=True, default=None, on_delete=OnDelete.cascade)
    association_id = ForeignKey(Association, null=True, default=None, on_delete=OnDelete.cascade)
    name = Text(default=None)
    digest = Bytea(default=None)
    scopes = Array(base_column=Text(), default=None)
    created_by = UUID(default=None)
    created_at = Timestamptz(default=None)
    expires_at = Timestamptz(default=None)
    last_used_at = Timestamptz(null=True, default=None)
    revoked_at = Timestamptz(null=True, default=None)


class Tombstone(Table, db=ENGINE, tablename="tombstone"):
    """A digest of how a company's provider or directory named an employee who was erased."""

    id = UUID(primary_key=True, default=None)
    company_id = UUID(default=None)
    employee_id = UUID(default=None)
    digest = Bytea(default=None)


class Export(Table, db=ENGINE, tablename="export"):
    """Everything that holds a person, as it was at `as_of`."""

    id = UUID(primary_key=True, default=None)
    person_id = ForeignKey(Person, null=False, default=None, on_delete=OnDelete.cascade)
    asked_at = Timestamptz(default=None)
    as_of = Timestamptz(null=True, default=None)
    document = Bytea(null=True, default=None)
    sha256 = Bytea(null=True, default=None)
    expires_at = Timestamptz(default=None)


class RetentionRule(Table, db=ENGINE, tablename="retention_rule"):
    """For how many days something is kept, from a day on."""

    id = UUID(primary_key=True, default=None)
    kind = Text(default=None)
    effective_from = Date(default=None)
    days = Integer(default=None)


class ScimToken(Table, db=ENGINE, tablename="scim_token"):
    """The secret of a company's directory; two slots, so that one may replace the other."""

    id = UUID(primary_key=True, default=None)
    company_id = ForeignKey(Company, null=False, default=None, on_delete=OnDelete.cascade)
    slot = Integer(default=None)
    name = Text(default=None)
    digest = Bytea(default=None)
    created_by = UUID(default=None)
    created_at = Timestamptz(default=None)
    expires_at = Timestamptz(default=None)
    last_used_at = Timestamptz(null=True, default=None)
    revoked_at = Timestamptz(null=True, default=None)


class ScimGroup(Table, db=ENGINE, tablename="scim_group"):
    """A group of a company's directory; one that the company allow-lists gives its members a role."""

    id = UUID(primary_key=True, default=None)
    version = Integer(default=1)
    company_id = ForeignKey(Company, null=False, default=None, on_delete=OnDelete.cascade)
    display_name = Text(default=None)
    external_id = Text(null=True, default=None)
    created_at = Timestamptz(default=None)
    updated_at = Timestamptz()  # a trigger writes it


class ScimGroupMember(Table, db=ENGINE, tablename="scim_group_member"):
    """An employee in a group of the directory."""

    id = UUID(primary_key=True, default=None)
    company_id = UUID(default=None)
    group_id = UUID(default=None)
    employee_id = UUID(default=None)


class CalendarFeed(Table, db=ENGINE, tablename="calendar_feed"):
    """The secret address at which a person's calendar reads their engagements: one at a time."""

    id = UUID(primary_key=True, default=None)
    person_id = ForeignKey(Person, null=False, default=None, on_delete=OnDelete.cascade)
    digest = Bytea(default=None)
    created_at = Timestamptz(default=None)

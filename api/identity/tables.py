"""How a person proves who they are."""

from piccolo.columns import JSONB, UUID, Bytea, ForeignKey, Text, Timestamptz
from piccolo.columns.base import OnDelete
from piccolo.table import Table

from api.core.database import ENGINE
from api.organisations.tables import Company
from api.people.tables import Person


class IdentityProvider(Table, db=ENGINE, tablename="identity_provider"):
    """A company's own OpenID provider, whose tokens its intranet already holds."""

    id = UUID(primary_key=True, default=None)
    company_id = ForeignKey(Company, null=False, default=None, on_delete=OnDelete.cascade)
    issuer = Text(default=None)
    audience = Text(default=None)
    jwks_url = Text(null=True, default=None)
    role_claim = JSONB(null=True, default=None)
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
    created_at = Timestamptz(default=None)
    expires_at = Timestamptz(default=None)


class PlatformRole(Table, db=ENGINE, tablename="platform_role"):
    """A role on the platform itself: moderator, facilitator, admin."""

    id = UUID(primary_key=True, default=None)
    person_id = ForeignKey(Person, null=False, default=None, on_delete=OnDelete.cascade)
    role = Text(default=None)

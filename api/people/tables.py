"""Persons and their mail addresses."""

from piccolo.columns import UUID, ForeignKey, Text, Timestamptz
from piccolo.columns.base import OnDelete
from piccolo.table import Table

from api.core.database import ENGINE


class Person(Table, db=ENGINE, tablename="person"):
    """One human."""

    id = UUID(primary_key=True, default=None)
    given_name = Text(default="")
    family_name = Text(default="")
    language = Text(default="fr")
    time_zone = Text(default="Europe/Paris")
    created_at = Timestamptz(default=None)
    erased_at = Timestamptz(null=True, default=None)
    seen_at = Timestamptz(null=True, default=None)
    warned_at = Timestamptz(null=True, default=None)


class PersonEmail(Table, db=ENGINE, tablename="person_email"):
    """An address of a person, stored in lower case; one that is proved opens the door."""

    id = UUID(primary_key=True, default=None)
    person_id = ForeignKey(Person, null=False, default=None, on_delete=OnDelete.cascade)
    email = Text(default=None)
    proved_at = Timestamptz(null=True, default=None)

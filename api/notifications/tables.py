"""Notices in the application, and mail as intents with their states."""

from piccolo.columns import UUID, Array, Boolean, ForeignKey, Integer, Text, Timestamptz
from piccolo.columns.base import OnDelete
from piccolo.table import Table

from api.core.database import ENGINE
from api.people.tables import Person


class Notification(Table, db=ENGINE, tablename="notification"):
    """A notice in a person's inbox: exactly once for a fact."""

    id = UUID(primary_key=True, default=None)
    person_id = ForeignKey(Person, null=False, default=None, on_delete=OnDelete.cascade)
    kind = Text(default=None)
    title = Text(default=None)
    text = Text(default=None)
    about_type = Text(default=None)
    about_id = UUID(default=None)
    unique_key = Text(default=None)
    created_at = Timestamptz(default=None)
    read_at = Timestamptz(null=True, default=None)


class Mail(Table, db=ENGINE, tablename="mail"):
    """A mail we mean to send: at most once, with visible doubt; one with a code may go to nobody's address."""

    id = UUID(primary_key=True, default=None)
    person_id = UUID(null=True, default=None)
    kind = Text(default=None)
    to_address = Text(default=None)
    language = Text(default=None)
    subject = Text(default=None)
    text = Text(default=None)
    unique_key = Text(default=None)
    state = Text(default="pending")
    attempts = Integer(default=0)
    not_before = Timestamptz(default=None)
    paced = Boolean(default=False)
    resent_at = Timestamptz(null=True, default=None)
    attempting_at = Timestamptz(null=True, default=None)
    finished_at = Timestamptz(null=True, default=None)
    reply = Text(null=True, default=None)
    created_at = Timestamptz(default=None)
    calendars = Array(base_column=Text(), default=list)
    page = Text(null=True, default=None)


class MailDomain(Table, db=ENGINE, tablename="mail_domain"):
    """When the next mail to a domain may leave: pacing shared by all workers."""

    domain = Text(primary_key=True, default=None)
    next_at = Timestamptz(default=None)

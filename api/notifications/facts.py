"""What happened to mails."""

from uuid import UUID

from api.core.outbox import Fact


class MailQueued(Fact, frozen=True, kw_only=True):
    """A mail waits to be sent."""

    mail_id: UUID

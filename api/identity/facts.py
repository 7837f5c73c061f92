"""What happened to people themselves."""

from uuid import UUID

from api.core.outbox import Fact


class ExportAsked(Fact, frozen=True, kw_only=True):
    """A person asked for everything that holds them."""

    export_id: UUID
    person_id: UUID

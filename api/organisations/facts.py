"""What happened to associations."""

from uuid import UUID

from api.core.outbox import Fact


class AssociationVerified(Fact, frozen=True, kw_only=True):
    """A moderator verified an association."""

    association_id: UUID


class AssociationRefused(Fact, frozen=True, kw_only=True):
    """A moderator refused an association, with reasons."""

    association_id: UUID

"""What happened to associations."""

from uuid import UUID

from api.core.outbox import Fact


class AssociationVerified(Fact, frozen=True, kw_only=True):
    """A moderator verified an association."""

    association_id: UUID


class AssociationSuspended(Fact, frozen=True, kw_only=True):
    """A moderator suspended an association, with a reason; its published missions are paused."""

    association_id: UUID


class AssociationReinstated(Fact, frozen=True, kw_only=True):
    """A moderator reinstated an association, and what its suspension had paused."""

    association_id: UUID


class AssociationClosed(Fact, frozen=True, kw_only=True):
    """An owner closed an association."""

    association_id: UUID


class MemberJoined(Fact, frozen=True, kw_only=True):
    """A person accepted an invitation of an association."""

    association_id: UUID
    person_id: UUID


class AssociationRefused(Fact, frozen=True, kw_only=True):
    """A moderator refused an association, with reasons."""

    association_id: UUID


class ManyDeactivated(Fact, frozen=True, kw_only=True):
    """More than a tenth of a company's employees were deactivated within an hour."""

    company_id: UUID

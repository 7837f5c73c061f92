"""What happened to associations."""

from typing import ClassVar
from uuid import UUID

from api.core.outbox import Fact


class AssociationFact(Fact, frozen=True, kw_only=True):
    """A fact of one association."""

    about: ClassVar[str] = "association_id"
    association_id: UUID


class AssociationVerified(AssociationFact, frozen=True, kw_only=True):
    """A moderator verified an association."""


class AssociationSuspended(AssociationFact, frozen=True, kw_only=True):
    """A moderator suspended an association, with a reason; its published missions are paused."""


class AssociationReinstated(AssociationFact, frozen=True, kw_only=True):
    """A moderator reinstated an association, and what its suspension had paused."""


class AssociationClosed(AssociationFact, frozen=True, kw_only=True):
    """An owner closed an association."""


class MemberFact(Fact, frozen=True, kw_only=True):
    """A fact of one member of an association."""

    about: ClassVar[str] = "person_id"
    association_id: UUID
    person_id: UUID


class MemberJoined(MemberFact, frozen=True, kw_only=True):
    """A person accepted an invitation of an association."""


class MemberChanged(MemberFact, frozen=True, kw_only=True):
    """Somebody else changed the role of a member of an association."""


class MemberRemoved(MemberFact, frozen=True, kw_only=True):
    """Somebody else removed a member from an association."""


class AssociationRefused(AssociationFact, frozen=True, kw_only=True):
    """A moderator refused an association, with reasons."""


class ManyDeactivated(Fact, frozen=True, kw_only=True):
    """More than a tenth of a company's employees were deactivated within an hour."""

    company_id: UUID

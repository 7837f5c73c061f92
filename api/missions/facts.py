"""What happened to missions."""

from typing import ClassVar, Literal
from uuid import UUID

from api.core.outbox import Fact

Agreed = Literal["starts_on", "ends_on", "sessions", "effort_minutes", "remote", "location"]
"""What people said yes to: they are told when it changes, and may then withdraw for that reason."""


class MissionFact(Fact, frozen=True, kw_only=True):
    """A fact of one mission, in its association."""

    about: ClassVar[str] = "mission_id"
    mission_id: UUID


class MissionPublished(MissionFact, frozen=True, kw_only=True):
    """A mission can be found and applied to."""


class MissionRejected(MissionFact, frozen=True, kw_only=True):
    """A moderator sent a mission back, with reasons."""


class MissionChanged(MissionFact, frozen=True, kw_only=True):
    """Days, effort or place of a mission changed after people had applied."""

    fields: list[Agreed]


class MissionPaused(MissionFact, frozen=True, kw_only=True):
    """A moderator paused a mission."""


class MissionResumed(MissionFact, frozen=True, kw_only=True):
    """A moderator put a paused mission back into search."""


class MissionReviewed(MissionFact, frozen=True, kw_only=True):
    """A moderator read again what was edited of a mission that is open, and left it so."""


class MissionCancelled(MissionFact, frozen=True, kw_only=True):
    """A mission was cancelled, with a reason."""


class MissionExpired(MissionFact, frozen=True, kw_only=True):
    """The last day to apply passed, and nobody was left."""


class MissionCompleted(MissionFact, frozen=True, kw_only=True):
    """A mission is over: its last day passed, or its association said so."""


class FlagResolved(Fact, frozen=True, kw_only=True):
    """A moderator decided on what somebody flagged."""

    flag_id: UUID

"""What happened to missions."""

from typing import Literal
from uuid import UUID

from api.core.outbox import Fact

Agreed = Literal["starts_on", "ends_on", "sessions", "effort_minutes", "remote", "location"]
"""What people said yes to: they are told when it changes, and may then withdraw for that reason."""


class MissionPublished(Fact, frozen=True, kw_only=True):
    """A mission can be found and applied to."""

    mission_id: UUID


class MissionRejected(Fact, frozen=True, kw_only=True):
    """A moderator sent a mission back, with reasons."""

    mission_id: UUID


class MissionChanged(Fact, frozen=True, kw_only=True):
    """Days, effort or place of a mission changed after people had applied."""

    mission_id: UUID
    fields: list[Agreed]


class MissionPaused(Fact, frozen=True, kw_only=True):
    """A moderator paused a mission."""

    mission_id: UUID


class MissionCancelled(Fact, frozen=True, kw_only=True):
    """A mission was cancelled, with a reason."""

    mission_id: UUID


class MissionExpired(Fact, frozen=True, kw_only=True):
    """The last day to apply passed, and nobody was left."""

    mission_id: UUID


class MissionCompleted(Fact, frozen=True, kw_only=True):
    """A mission is over: its last day passed, or its association said so."""

    mission_id: UUID


class FlagResolved(Fact, frozen=True, kw_only=True):
    """A moderator decided on what somebody flagged."""

    flag_id: UUID

"""What happened to missions."""

from uuid import UUID

from api.core.outbox import Fact


class MissionPublished(Fact, frozen=True, kw_only=True):
    """A mission can be found and applied to."""

    mission_id: UUID


class MissionRejected(Fact, frozen=True, kw_only=True):
    """A moderator sent a mission back, with reasons."""

    mission_id: UUID

"""Bodies and answers about what both sides say at the end."""

from datetime import datetime
from typing import Literal
from uuid import UUID

from api.core.schemas import In, Out

DeliverableUsed = Literal["yes", "partly", "no", "not_yet"]


class FeedbackIn(In, frozen=True, kw_only=True):
    """What a side says at the end: would it again, and from the association alone, is what was delivered used."""

    again: bool
    deliverable_used: DeliverableUsed | None = None


class FeedbackOut(Out, frozen=True, kw_only=True):
    """What one's own side said; the other one never reads it."""

    application_id: UUID
    from_association: bool
    again: bool
    deliverable_used: DeliverableUsed | None
    given_at: datetime

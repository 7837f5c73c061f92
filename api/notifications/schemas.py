"""Notices as their person reads them."""

from datetime import datetime
from uuid import UUID

from api.core.schemas import Out


class AboutOut(Out, frozen=True, kw_only=True):
    """What a notice is about: `application`, `hours`, `mission` or `association`, by its id."""

    type: str
    id: UUID


class NotificationOut(Out, frozen=True, kw_only=True):
    """A notice; `read_at` is null until it is read."""

    id: UUID
    kind: str
    title: str
    text: str
    about: AboutOut
    created_at: datetime
    read_at: datetime | None


class AllReadOut(Out, frozen=True, kw_only=True):
    """How many notices were unread."""

    read: int

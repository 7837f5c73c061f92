"""Reads of a person's inbox."""

from datetime import datetime
from uuid import UUID

import asyncpg

from api.core import pagination
from api.core.actor import Actor
from api.core.database import Connection, found
from api.core.schemas import Page
from api.notifications.schemas import AboutOut, NotificationOut

_INBOX = """
    SELECT id, kind, title, text, about_type, about_id, created_at, read_at FROM notification
    WHERE person_id = $1 AND ($2::timestamptz IS NULL OR (created_at, id) < ($2, $3::uuid))
    ORDER BY created_at DESC, id DESC LIMIT $4
"""
_ONE = """
    SELECT id, kind, title, text, about_type, about_id, created_at, read_at FROM notification
    WHERE id = $1 AND person_id = $2
"""


async def list_notifications(
    connection: Connection, actor: Actor, limit: int, cursor: str | None
) -> Page[NotificationOut]:
    """Give a page of the caller's notices, the newest first; raises Malformed."""
    question = ("notifications", actor.author)
    after = pagination.read_cursor(cursor, question, datetime, UUID) or (None, None)
    rows = await connection.fetch(_INBOX, actor.author, *after, limit + 1)
    return pagination.page([_notice(row) for row in rows], limit, question, "created_at", "id")


async def get_notification(connection: Connection, actor: Actor, notification_id: UUID) -> NotificationOut:
    """Give one of the caller's notices; raises NotFound."""
    return _notice(found(await connection.fetchrow(_ONE, notification_id, actor.author)))


def _notice(row: asyncpg.Record) -> NotificationOut:
    fields = dict(row)
    about = AboutOut(type=fields.pop("about_type"), id=fields.pop("about_id"))
    return NotificationOut(about=about, **fields)

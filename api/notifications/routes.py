"""A person's inbox over HTTP."""

from uuid import UUID

from litestar import Router, get, post
from litestar.params import FromPath

from api.core.actor import signed_in
from api.core.database import read
from api.core.pagination import CursorText, Limit
from api.core.problems import NotFound
from api.core.routing import Caller
from api.core.schemas import Page
from api.notifications import queries, service
from api.notifications.schemas import AllReadOut, NotificationOut


@get("/v1/me/notifications", operation_id="listNotifications", guards=[signed_in])
async def list_notifications(
    actor: Caller, limit: Limit = 20, cursor: CursorText = None
) -> Page[NotificationOut]:
    """List one's notices, the newest first."""
    async with read(actor) as connection:
        return await queries.list_notifications(connection, actor, limit, cursor)


@post(
    "/v1/me/notifications/{notification_id:uuid}/read",
    operation_id="readNotification",
    guards=[signed_in],
    status_code=200,
    raises=[NotFound],
)
async def read_notification(actor: Caller, notification_id: FromPath[UUID]) -> NotificationOut:
    """Mark a notice as read."""
    return await service.read_notification(actor, notification_id)


@post(
    "/v1/me/notifications/read",
    operation_id="readAllNotifications",
    guards=[signed_in],
    status_code=200,
)
async def read_all_notifications(actor: Caller) -> AllReadOut:
    """Mark every notice as read."""
    return await service.read_all_notifications(actor)


router = Router(
    "/",
    route_handlers=[list_notifications, read_notification, read_all_notifications],
    tags=["notifications"],
)

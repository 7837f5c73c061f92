"""A person's calendar over HTTP."""

from typing import Annotated, Any

from litestar import Request, Response, Router, get, post
from litestar.datastructures import State
from litestar.params import PathParameter

from api.core.actor import public, signed_in
from api.core.etag import Answer
from api.core.problems import Forbidden, NotFound
from api.core.routing import Caller, created
from api.identity import calendar_feeds
from api.identity.schemas import CalendarFeedOut

File = Annotated[str, PathParameter(description="The feed's token, then `.ics`.")]


@post(
    "/v1/me/calendar-feed",
    operation_id="createCalendarFeed",
    guards=[signed_in],
    raises=[Forbidden],
    answers_secret=True,
)
async def create_calendar_feed(actor: Caller, request: Request[Any, Any, State]) -> Response[CalendarFeedOut]:
    """Make the address at which one's calendar reads one's engagements: shown this once; the former ends."""
    made = await calendar_feeds.create_calendar_feed(actor, request.app.state.settings.public_url)
    return created(made, made.url)


@get(
    "/v1/calendars/{file:str}",
    operation_id="getCalendarFeed",
    guards=[public],
    raises=[NotFound],
    media_type="text/calendar",
)
async def get_calendar_feed(file: File) -> Response[bytes]:
    """Give one's engagements (RFC 5545): those under way, those completed of 3 months, those cancelled of one."""
    return Answer(
        await calendar_feeds.read_calendar_feed(file),
        media_type="text/calendar",
        headers={"Cache-Control": "private, no-cache"},
    )


router = Router("/", route_handlers=[create_calendar_feed, get_calendar_feed], tags=["applications"])

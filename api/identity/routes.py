"""Sign-in by mail and sessions over HTTP."""

from typing import Any
from uuid import UUID

from litestar import Request, Response, Router, delete, get, post, put
from litestar.datastructures import State
from litestar.params import FromPath, JSONBody

from api.core.actor import Actor, admin, public, signed_in
from api.core.etag import Answer
from api.core.language import Language, preferred
from api.core.net import address_of
from api.core.pagination import CursorText, Limit
from api.core.problems import Forbidden, Invalid, NotFound, TooManyRequests
from api.core.routing import Caller, cookie
from api.core.schemas import Page
from api.identity import magic_links, service, sessions
from api.identity.schemas import (
    CodeIn,
    MagicLinkIn,
    MagicLinkOut,
    PlatformRolesIn,
    PlatformRolesOut,
    SessionOut,
    SessionTokenOut,
)
from api.identity.sessions import COOKIE

SECRET = {"Cache-Control": "no-store"}


@post(
    "/v1/auth/magic-links",
    operation_id="startMagicLink",
    guards=[public],
    status_code=202,
    opt={"answers_secret": True},
    raises=[TooManyRequests],
)
async def start_magic_link(
    data: JSONBody[MagicLinkIn], request: Request[Actor | None, Any, State]
) -> Response[MagicLinkOut]:
    """Mail a code to sign in: the same answer for every address, known or not."""
    asked = await magic_links.start_magic_link(data.email, _language(request), address_of(request))
    return Answer(asked, status_code=202, headers=SECRET)


@post(
    "/v1/auth/sessions",
    operation_id="redeemMagicLink",
    guards=[public],
    opt={"answers_secret": True},
    raises=[magic_links.CodeRefused, magic_links.AddressTaken],
)
async def redeem_magic_link(
    data: JSONBody[CodeIn], request: Request[Actor | None, Any, State]
) -> Response[SessionTokenOut]:
    """Open a session with a code and the `request` it was asked with; an unknown address becomes a person."""
    opened = await magic_links.redeem_magic_link(data, _language(request))
    return Answer(
        SessionTokenOut(token=opened.token, expires_at=opened.expires_at),
        status_code=201,
        headers=SECRET | {"Location": f"/v1/auth/sessions/{opened.id}"},
    )


@post(
    "/v1/me/emails",
    operation_id="addMyEmail",
    guards=[signed_in],
    status_code=202,
    opt={"answers_secret": True},
    raises=[TooManyRequests],
)
async def add_my_email(
    actor: Caller, data: JSONBody[MagicLinkIn], request: Request[Actor, Any, State]
) -> Response[MagicLinkOut]:
    """Mail a code to an address: given to redeemMagicLink with this `request`, it makes the address the caller's."""
    asked = await magic_links.add_my_email(actor, data.email, _language(request), address_of(request))
    return Answer(asked, status_code=202, headers=SECRET)


@get("/v1/auth/sessions", operation_id="listSessions", guards=[signed_in])
async def list_sessions(
    actor: Caller, request: Request[Actor, Any, State], limit: Limit = 20, cursor: CursorText = None
) -> Page[SessionOut]:
    """List one's living sessions, the newest first."""
    return await sessions.list_sessions(actor, request.auth, limit, cursor)


@delete(
    "/v1/auth/sessions/current",
    operation_id="endSession",
    guards=[signed_in],
    raises=[NotFound],
)
async def end_session(actor: Caller, request: Request[Actor, Any, State]) -> Response[None]:
    """Sign out: end the session that asks; a company's token is not ours to end."""
    await sessions.end_session(actor, request.auth)
    return Response(None, status_code=204, cookies=[cookie(COOKIE, "", 0)])


@delete(
    "/v1/auth/sessions/{session_id:uuid}",
    operation_id="revokeSession",
    guards=[signed_in],
    raises=[NotFound],
)
async def revoke_session(actor: Caller, session_id: FromPath[UUID]) -> None:
    """End one of one's sessions, wherever it is open."""
    await sessions.revoke_session(actor, session_id)


@put(
    "/v1/persons/{person_id:uuid}/platform-roles",
    operation_id="setPlatformRoles",
    guards=[admin],
    raises=[NotFound, Forbidden, Invalid],
)
async def set_platform_roles(
    actor: Caller, person_id: FromPath[UUID], data: JSONBody[PlatformRolesIn]
) -> PlatformRolesOut:
    """Set which roles a person has on the platform, as an administrator."""
    return await service.set_platform_roles(actor, person_id, data.roles)


def _language(request: Request[Any, Any, State]) -> Language:
    """Give the language of Accept-Language, else the person's, else French."""
    return preferred(
        request.headers.get("accept-language", ""), request.user.language if request.user else "fr"
    )


router = Router(
    "/",
    route_handlers=[
        start_magic_link,
        redeem_magic_link,
        add_my_email,
        list_sessions,
        end_session,
        revoke_session,
        set_platform_roles,
    ],
    tags=["identity"],
)

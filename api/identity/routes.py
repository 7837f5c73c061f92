"""Identity providers, sign-in by mail and sessions over HTTP."""

from typing import Any
from uuid import UUID

from litestar import Request, Response, Router, delete, get, post
from litestar.datastructures import State
from litestar.params import FromPath, JSONBody

from api.core.actor import Actor, public, signed_in
from api.core.etag import Answer
from api.core.language import Language, preferred
from api.core.net import client_address
from api.core.pagination import CursorText, Limit
from api.core.problems import Forbidden, Invalid, NotFound, TooManyRequests
from api.core.routing import Caller, created
from api.core.schemas import Page
from api.identity import magic_links, providers, sessions
from api.identity.schemas import (
    IdentityProviderIn,
    IdentityProviderOut,
    MagicLinkIn,
    MagicLinkOut,
    SessionIn,
    SessionOut,
    SessionTokenOut,
)

SECRET = {"Cache-Control": "no-store"}


@post(
    "/v1/companies/{company_id:uuid}/identity-providers",
    operation_id="createIdentityProvider",
    guards=[signed_in],
    raises=[NotFound, Forbidden, Invalid, providers.ProviderTaken],
)
async def create_identity_provider(
    actor: Caller,
    company_id: FromPath[UUID],
    data: JSONBody[IdentityProviderIn],
    request: Request[Actor, None, State],
) -> Response[IdentityProviderOut]:
    """Register the company's own identity provider, as its administrator."""
    development = request.app.state.settings.development
    provider = await providers.create_identity_provider(actor, company_id, data, development=development)
    return created(provider, f"/v1/companies/{company_id}/identity-providers/{provider.id}")


@get(
    "/v1/companies/{company_id:uuid}/identity-providers",
    operation_id="listIdentityProviders",
    guards=[signed_in],
    raises=[NotFound, Forbidden],
)
async def list_identity_providers(actor: Caller, company_id: FromPath[UUID]) -> Page[IdentityProviderOut]:
    """List the company's identity providers, to its administrators."""
    return await providers.list_identity_providers(actor, company_id)


@post(
    "/v1/auth/magic-links",
    operation_id="startMagicLink",
    guards=[public],
    status_code=202,
    opt={"answers_secret": True},
    raises=[TooManyRequests],
)
async def start_magic_link(
    data: JSONBody[MagicLinkIn], request: Request[Actor | None, None, State]
) -> Response[MagicLinkOut]:
    """Mail a code to sign in: the same answer for every address, known or not."""
    asked = await magic_links.start_magic_link(data.email, _language(request), _address(request))
    return Answer(asked, status_code=202, headers=SECRET)


@post(
    "/v1/auth/sessions",
    operation_id="redeemMagicLink",
    guards=[public],
    opt={"answers_secret": True},
    raises=[magic_links.CodeRefused],
)
async def redeem_magic_link(
    data: JSONBody[SessionIn], request: Request[Actor | None, None, State]
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
    actor: Caller, data: JSONBody[MagicLinkIn], request: Request[Actor, None, State]
) -> Response[MagicLinkOut]:
    """Mail a code to an address: given to redeemMagicLink with this `request`, it makes the address the caller's."""
    asked = await magic_links.add_my_email(actor, data.email, _language(request), _address(request))
    return Answer(asked, status_code=202, headers=SECRET)


@get("/v1/auth/sessions", operation_id="listSessions", guards=[signed_in])
async def list_sessions(
    actor: Caller, request: Request[Actor, None, State], limit: Limit = 20, cursor: CursorText = None
) -> Page[SessionOut]:
    """List one's living sessions, the newest first."""
    return await sessions.list_sessions(actor, _token(request), limit, cursor)


@delete(
    "/v1/auth/sessions/current",
    operation_id="endSession",
    guards=[signed_in],
    raises=[NotFound],
)
async def end_session(actor: Caller, request: Request[Actor, None, State]) -> None:
    """Sign out: end the session that asks; a company's token is not ours to end."""
    await sessions.end_session(actor, _token(request))


@delete(
    "/v1/auth/sessions/{session_id:uuid}",
    operation_id="revokeSession",
    guards=[signed_in],
    raises=[NotFound],
)
async def revoke_session(actor: Caller, session_id: FromPath[UUID]) -> None:
    """End one of one's sessions, wherever it is open."""
    await sessions.revoke_session(actor, session_id)


def _language(request: Request[Any, Any, State]) -> Language:
    """Give the language of Accept-Language, else the person's, else French."""
    return preferred(
        request.headers.get("accept-language", ""), request.user.language if request.user else "fr"
    )


def _address(request: Request[Any, Any, State]) -> str | None:
    direct = request.client.host if request.client else None
    forwarded_for = request.headers.get("x-forwarded-for", "")
    return client_address(direct, forwarded_for, request.app.state.proxies)


def _token(request: Request[Any, Any, State]) -> str:
    """Give the token of a request that its middleware let in."""
    return request.headers.get("authorization", "").partition(" ")[2].strip()


router = Router(
    "/",
    route_handlers=[
        create_identity_provider,
        list_identity_providers,
        start_magic_link,
        redeem_magic_link,
        add_my_email,
        list_sessions,
        end_session,
        revoke_session,
    ],
    tags=["identity"],
)

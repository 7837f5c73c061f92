"""Sign-in at one's company's provider, for pages, over HTTP."""

from typing import Annotated, Any
from uuid import UUID

import msgspec
from litestar import Request, Response, Router, get
from litestar.datastructures import State
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import FromPath, QueryParameter

from api.core import clock
from api.core.actor import public
from api.core.problems import Forbidden, Invalid, NotFound, Unauthenticated
from api.core.routing import Viewer, cookie
from api.identity import login
from api.identity.arrivals import EmployedElsewhere, IdentityTaken
from api.identity.sessions import COOKIE
from api.web.pages import answer_as_asked

OwnPath = Annotated[
    str,
    QueryParameter(
        max_length=2000,
        pattern=r"^/([A-Za-z0-9._~!$&'()*+,;=:@%?#-][A-Za-z0-9._~!$&'()*+,;=:@%?#/-]*)?$(?!\n)",
        description="The path of ours to come back to.",
    ),
]
"""A path of our own: neither another host (`//…`) nor what a browser reads as one (a backslash, a control)."""
GONE = {302: ResponseSpec(None, description="Go to `Location`.", generate_examples=False)}


@get(
    "/v1/auth/companies/{slug:str}/login",
    operation_id="startCompanyLogin",
    guards=[public],
    status_code=302,
    responses=GONE,
    raises=[NotFound, Invalid, Unauthenticated, Forbidden],
)
async def start_company_login(
    slug: FromPath[str],
    viewer: Viewer,
    request: Request[Any, Any, State],
    return_to: OwnPath = "/",
    provider: Annotated[
        UUID | None, QueryParameter(description="One of the company’s providers; else its first.")
    ] = None,
    link: Annotated[
        UUID | None,
        QueryParameter(description="The id of one of one’s own sessions: add this identity to oneself."),
    ] = None,
) -> Response[None]:
    """Send the browser to sign in at its company's provider; it comes back to `return_to` with a session."""
    person_id = await login.require_own_session(viewer, link) if link else None
    state = request.app.state
    begun = await login.start(slug, return_to, provider, person_id, state.settings, state.networks)
    kept = cookie(_cookie(begun.proof.state), begun.proof.secret, int(login.LIFETIME.total_seconds()))
    return Response(None, status_code=302, headers=_to(begun.url), cookies=[kept])


@get(
    "/v1/auth/callback",
    operation_id="finishCompanyLogin",
    guards=[public],
    status_code=302,
    responses=GONE,
    opt={"any_query": True},
    raises=[login.LoginRefused, IdentityTaken, EmployedElsewhere],
)
async def finish_company_login(request: Request[Any, Any, State]) -> Response[None]:
    """Take the browser back from its company's provider: open its session, and send it where it came from."""
    state = request.app.state
    given = msgspec.convert(dict(request.query_params), login.Callback)
    name = _cookie(given.state)
    back = await login.finish(given, request.cookies.get(name, ""), state.settings, state.networks)
    seconds = int((back.session.expires_at - clock.now()).total_seconds())
    cookies = [cookie(COOKIE, back.session.token, seconds), cookie(name, "", 0)]
    return Response(None, status_code=302, headers=_to(back.return_to), cookies=cookies)


def _cookie(state: str) -> str:
    """Name what a browser keeps of one sign-in: it may have several under way."""
    return f"{COOKIE}-login-{''.join(filter(str.isalnum, state))[:12]}"


def _to(url: str) -> dict[str, str]:
    return {"Location": url, "Cache-Control": "no-store"}


router = Router(
    "/",
    route_handlers=[start_company_login, finish_company_login],
    tags=["identity"],
    exception_handlers={Exception: answer_as_asked},
)

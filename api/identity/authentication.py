"""Authentication of a request: a bearer token, a key as the user name of HTTP Basic, a page's cookie, or nobody."""

from base64 import b64decode
from typing import Any

from litestar.connection import ASGIConnection
from litestar.middleware import AbstractAuthenticationMiddleware, AuthenticationResult

from api.core.actor import Actor
from api.core.language import Words
from api.core.problems import Forbidden, Unauthenticated
from api.identity.api_keys import PREFIX, actor_of_key
from api.identity.company_tokens import refused
from api.identity.service import authenticate
from api.identity.sessions import COOKIE
from api.identity.sessions import PREFIX as SESSION

SAFE = frozenset({"GET", "HEAD", "OPTIONS"})


class Authentication(AbstractAuthenticationMiddleware):
    """Litestar middleware: sets the user to the Actor and `auth` to the token, both None when nobody signed in."""

    async def authenticate_request(self, connection: ASGIConnection) -> AuthenticationResult:  # type: ignore[type-arg]
        """Read the Authorization header, else the session cookie; raises Unauthenticated, Forbidden, Unavailable."""
        header, cookie = connection.headers.get("authorization"), connection.cookies.get(COOKIE)
        if header is None:
            if cookie is None or not cookie.startswith(SESSION):
                return AuthenticationResult(None, None)
            return await _of_cookie(connection, cookie)
        token = _credential(header)
        if token.startswith(PREFIX):
            actor: Actor | None = await actor_of_key(token)
            if actor is None:
                raise refused()
        else:
            actor = await authenticate(token, connection.app.state.networks)
        return AuthenticationResult(user=actor, auth=token)


async def _of_cookie(connection: ASGIConnection[Any, Any, Any, Any], token: str) -> AuthenticationResult:
    """Let a page in that a browser opened with our cookie; one whose session has ended is nobody's.

    A browser sends a cookie whoever wrote the page: a write must come from our own origin, which a page cannot forge.
    """
    try:
        actor = await authenticate(token)
    except Unauthenticated:
        return AuthenticationResult(None, None)
    origin = connection.headers.get("origin")
    if connection.scope.get("method") not in SAFE and origin != connection.app.state.origin:
        raise Forbidden(
            Words("This page is not ours to write from.", "Cette page n’est pas autorisée à écrire.")
        )
    return AuthenticationResult(user=actor, auth=token)


def _credential(header: str) -> str:
    """Give the bearer token, or the key that spreadsheets send as a Basic user name (RFC 6750, 7617)."""
    scheme, _, text = header.partition(" ")
    token = text.strip()
    if scheme.lower() == "basic":
        try:
            token = b64decode(token, validate=True).decode().partition(":")[0]
        except ValueError:
            token = ""
        if not token.startswith(PREFIX):
            raise Unauthenticated(error="invalid_request")
    elif scheme.lower() != "bearer" or not token:
        raise Unauthenticated(error="invalid_request")
    return token

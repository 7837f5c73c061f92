"""Authentication of a request: a bearer token, a key as the user name of HTTP Basic, a page's cookie, or nobody.

Each is counted before the database is asked: by its caller, or by its network until its credential has held.
"""

from base64 import b64decode
from collections.abc import Awaitable, Callable
from typing import TypeVar
from uuid import UUID

import msgspec
from litestar.connection import ASGIConnection
from litestar.middleware import AbstractAuthenticationMiddleware, AuthenticationResult

from api.core.actor import Actor, Connection
from api.core.language import Words, preferred
from api.core.net import Reach, address_of, network_of
from api.core.problems import Forbidden, Unauthenticated
from api.core.rates import RateLimits
from api.identity.api_keys import PREFIX, actor_of_key
from api.identity.company_tokens import refused
from api.identity.service import authenticate
from api.identity.sessions import COOKIE, digest
from api.identity.sessions import PREFIX as SESSION

T = TypeVar("T")

SAFE = frozenset({"GET", "HEAD", "OPTIONS"})


class Authentication(AbstractAuthenticationMiddleware):
    """Litestar middleware: sets the user to the Actor and `auth` to the token, both None when nobody signed in."""

    async def authenticate_request(self, connection: ASGIConnection) -> AuthenticationResult:  # type: ignore[type-arg]
        """Read the Authorization header, else the session cookie.

        Raises Unauthenticated, Forbidden, TooManyRequests, Unavailable.
        """
        if connection.route_handler.opt.get("probe"):  # asked by machines at any time, it looks at nobody
            return AuthenticationResult(None, None)
        header = connection.headers.get("authorization")
        if header is not None:
            return await _counted(connection, header)
        cookie = connection.cookies.get(COOKIE)
        if cookie is not None and cookie.startswith(SESSION):
            return await _of_cookie(connection, cookie)
        await spend_of_network(connection)
        return AuthenticationResult(None, None)


async def _counted(connection: Connection, header: str) -> AuthenticationResult:
    """Say whose a credential is and count the request; raises Unauthenticated, TooManyRequests, Unavailable."""
    token = ""

    async def prove() -> Actor:
        nonlocal token
        token = _credential(header)
        return await _actor_of(token, connection.app.state.networks)

    actor = await counted(connection, header, prove, lambda actor: actor.author)
    language = preferred(connection.headers.get("accept-language", ""), actor.language)
    if language != actor.language:
        actor = msgspec.structs.replace(actor, language=language)
    return AuthenticationResult(user=actor, auth=token)


async def counted(
    connection: Connection, header: str, prove: Callable[[], Awaitable[T]], whose: Callable[[T], UUID]
) -> T:
    """Give what a credential proves to be, its request counted; raises TooManyRequests, and as `prove` does.

    Before it is proved it counts as whose it was when it last held, else as its network's.
    """
    rates: RateLimits = connection.app.state.rates
    credential = digest(header)
    known = rates.caller_of(credential)
    if known:
        await rates.spend_of_caller(known)
    else:
        await spend_of_network(connection)
    try:
        proved = await prove()
    except Unauthenticated:
        rates.forget(credential)
        raise
    if known != whose(proved):
        await rates.spend_of_caller(whose(proved))
        rates.remember(credential, whose(proved))
    return proved


async def spend_of_network(connection: Connection) -> None:
    """Count a request of nobody known, by its network; raises TooManyRequests."""
    rates: RateLimits = connection.app.state.rates
    await rates.spend_of_network(network_of(address_of(connection)))


async def _actor_of(token: str, networks: Reach) -> Actor:
    if not token.startswith(PREFIX):
        return await authenticate(token, networks)
    actor = await actor_of_key(token)
    if actor is None:
        raise refused()
    return actor


async def _of_cookie(connection: Connection, token: str) -> AuthenticationResult:
    """Let a page in that a browser opened with our cookie; one whose session has ended is nobody's.

    A browser sends a cookie whoever wrote the page: a write must come from our own origin, which a page cannot forge.
    """
    try:
        found = await _counted(connection, f"Bearer {token}")
    except Unauthenticated:
        return AuthenticationResult(None, None)
    origin = connection.headers.get("origin")
    if connection.scope.get("method") not in SAFE and origin != connection.app.state.origin:
        raise Forbidden(
            Words("This page is not ours to write from.", "Cette page n’est pas autorisée à écrire.")
        )
    return found


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

"""Authentication of a request: a bearer token, a key as the user name of HTTP Basic, or nobody."""

from base64 import b64decode

from litestar.connection import ASGIConnection
from litestar.middleware import AbstractAuthenticationMiddleware, AuthenticationResult

from api.core.actor import Actor
from api.core.problems import Unauthenticated
from api.identity.api_keys import PREFIX, actor_of_key
from api.identity.company_tokens import refused
from api.identity.service import authenticate


class Authentication(AbstractAuthenticationMiddleware):
    """Litestar middleware: sets the connection's user to the Actor, or None when nobody signed in."""

    async def authenticate_request(self, connection: ASGIConnection) -> AuthenticationResult:  # type: ignore[type-arg]
        """Read the Authorization header; raises Unauthenticated, Unavailable."""
        header = connection.headers.get("authorization")
        if header is None:
            return AuthenticationResult(user=None, auth=None)
        token = _credential(header)
        if token.startswith(PREFIX):
            actor: Actor | None = await actor_of_key(token)
            if actor is None:
                raise refused()
        else:
            actor = await authenticate(token, connection.app.state.networks)
        return AuthenticationResult(user=actor, auth=None)


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

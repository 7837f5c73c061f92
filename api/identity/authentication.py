"""Authentication of a request: a bearer token in the Authorization header, or nobody."""

from litestar.connection import ASGIConnection
from litestar.middleware import AbstractAuthenticationMiddleware, AuthenticationResult

from api.core.problems import Unauthenticated
from api.identity.service import authenticate


class Authentication(AbstractAuthenticationMiddleware):
    """Litestar middleware: sets the connection's user to the Actor, or None when nobody signed in."""

    async def authenticate_request(self, connection: ASGIConnection) -> AuthenticationResult:  # type: ignore[type-arg]
        """Read the Authorization header; raises Unauthenticated, Unavailable."""
        header = connection.headers.get("authorization")
        if header is None:
            return AuthenticationResult(user=None, auth=None)
        scheme, _, token = header.partition(" ")
        if scheme.lower() != "bearer" or not token.strip():
            raise Unauthenticated(error="invalid_request")
        actor = await authenticate(token.strip(), connection.app.state.networks)
        return AuthenticationResult(user=actor, auth=None)

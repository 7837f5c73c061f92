"""Signing in at one's company's provider, for pages: from the company's address back to one of our own paths."""

import hmac
from datetime import timedelta
from typing import Any, NamedTuple
from uuid import UUID

import asyncpg
import msgspec
import structlog

from api.core import clock
from api.core.actor import Actor, system
from api.core.database import found, read, transaction
from api.core.ids import new_id
from api.core.language import Words
from api.core.net import Reach
from api.core.problems import Forbidden, NotFound, Problem, Unauthenticated, Unavailable
from api.core.settings import Settings
from api.core.signing import unseal
from api.identity.arrivals import arrive, find, link_identity
from api.identity.company_tokens import CompanyToken, Provider, believe
from api.identity.keys import KeysAway, metadata_of
from api.identity.oidc import Client, Proof, authorization_url, exchange, read_id_token, read_userinfo
from api.identity.sessions import OpenedSession, begin_session, digest
from api.identity.tables import Login

LIFETIME = timedelta(minutes=10)
SESSION_LIFETIME = timedelta(hours=12)
SECRETS = "client secret"

log = structlog.get_logger()

_PROVIDERS = "SELECT provider_id, company_id FROM login_of_company($1)"
_PROVIDER = """
    SELECT issuer, client_id, client_secret, company_id, audience, jwks_url, role_claim, employee_key
    FROM identity_provider WHERE id = $1
"""
_USE = """
    UPDATE login SET used_at = $2 WHERE digest = $1 AND used_at IS NULL AND expires_at > $2
    RETURNING provider_id, company_id, person_id, return_to
"""
_SESSION = "SELECT EXISTS (SELECT FROM session WHERE id = $1 AND person_id = $2)"


_NO_LOGIN = Words(
    "This company has no sign-in page here: come from its intranet.",
    "Cette entreprise n’a pas de page de connexion ici : passez par son intranet.",
)


class LoginRefused(Problem):
    """The sign-in did not end as it began: another browser, a second time, too late, or the provider's no."""

    status = 403
    slug = "login-refused"
    title = Words("This sign-in cannot go on: begin again", "Cette connexion ne peut continuer : recommencez")


class Begun(NamedTuple):
    """A sign-in that begins: where the browser goes, and what it alone keeps."""

    url: str
    proof: Proof


class Returned(NamedTuple):
    """A sign-in that ended well."""

    session: OpenedSession
    return_to: str


class Callback(msgspec.Struct, frozen=True):
    """What the provider sends back through the browser (RFC 6749 4.1.2, RFC 9207)."""

    state: str = ""
    code: str = ""
    iss: str | None = None
    error: str | None = None


def redirect_uri(settings: Settings) -> str:
    """Give the one address that a company registers at its provider."""
    return f"{settings.public_url.rstrip('/')}/v1/auth/callback"


async def start(
    slug: str,
    return_to: str,
    provider_id: UUID | None,
    person_id: UUID | None,
    settings: Settings,
    networks: Reach,
) -> Begun:
    """Begin a sign-in at a company's provider, the first where none is named; raises NotFound, Unavailable."""
    async with read(None) as connection:
        rows = await connection.fetch(_PROVIDERS, slug)
    row = next((row for row in rows if provider_id in (None, row["provider_id"])), None)
    if row is None:
        raise NotFound(_NO_LOGIN)
    proof, now = Proof.new(), clock.now()
    client, _ = await _registered(row["company_id"], row["provider_id"], settings)
    try:
        url = authorization_url(client, await metadata_of(client.issuer, networks), proof)
    except KeysAway:
        raise Unavailable(PROVIDER_AWAY) from None
    async with transaction(system()):
        await Login.insert(
            Login(
                id=new_id(),
                digest=digest(proof.secret),
                company_id=row["company_id"],
                provider_id=row["provider_id"],
                person_id=person_id,
                return_to=return_to,
                created_at=now,
                expires_at=now + LIFETIME,
            )
        )
    return Begun(url, proof)


PROVIDER_AWAY = Words(
    "Your company’s sign-in does not answer.", "La connexion de votre entreprise ne répond pas."
)


async def require_own_session(actor: Actor | None, session_id: UUID) -> UUID:
    """Give the person who adds an identity: only they know one of their sessions; raises Forbidden.

    Another site's page could otherwise send their browser here, and add an identity that is not theirs.
    """
    if actor is None or actor.person_id is None:
        raise Unauthenticated
    async with read(actor) as connection:
        if not await connection.fetchval(_SESSION, session_id, actor.person_id):
            raise Forbidden
    return actor.person_id


async def finish(given: Callback, secret: str, settings: Settings, networks: Reach) -> Returned:
    """Open a session for whom the provider vouches, once; `secret` is what the browser kept.

    Raises LoginRefused, Unauthenticated, Unavailable, IdentityTaken, EmployedElsewhere.
    """
    proof = Proof(secret)
    if not hmac.compare_digest(given.state.encode(), proof.state.encode()):
        raise LoginRefused
    async with transaction(system()) as connection:
        login = await connection.fetchrow(_USE, digest(secret), clock.now())
    if login is None or given.error is not None or not given.code:
        raise LoginRefused
    client, provider = await _registered(login["company_id"], login["provider_id"], settings)
    try:
        token = believe(provider, client.issuer, await _claims(client, proof, given, networks))
    except KeysAway:
        raise Unavailable(PROVIDER_AWAY) from None
    except Unauthenticated:
        raise LoginRefused from None
    return Returned(await _open(token, login), login["return_to"])


async def _registered(company_id: UUID, provider_id: UUID, settings: Settings) -> tuple[Client, Provider]:
    """Give what we are to a company's provider, and how it is believed; raises NotFound, Unavailable."""
    async with read(system(company_id=company_id)) as connection:
        row = found(await connection.fetchrow(_PROVIDER, provider_id))
    issuer, client_id, sealed, *rules = row
    if client_id is None:
        raise NotFound
    provider = Provider(*rules)
    try:
        secret = unseal(SECRETS, sealed) if sealed else None
    except ValueError:  # an operator dropped a secret too early: until they give it back, nobody is let in
        log.warning("client secret", state="sealed by no secret of ours", provider_id=str(provider_id))
        raise Unavailable(PROVIDER_AWAY) from None
    return Client(issuer, client_id, secret, provider.jwks_url, redirect_uri(settings)), provider


async def _claims(client: Client, proof: Proof, given: Callback, networks: Reach) -> dict[str, Any]:
    metadata = await metadata_of(client.issuer, networks)
    if (given.iss is not None or metadata.authorization_response_iss_parameter_supported) and (
        given.iss != client.issuer
    ):
        raise LoginRefused
    tokens = await exchange(client, metadata, proof, given.code, networks)
    claims = await read_id_token(client, tokens.id_token, proof, networks)
    return await read_userinfo(metadata, tokens, claims["sub"], networks) | claims


async def _open(token: CompanyToken, login: Any) -> OpenedSession:
    if login["person_id"] is not None:
        await link_identity(token, login["person_id"])
    row = await find(token) or await arrive(token)
    if row is None or row["company_id"] != token.company_id:
        # Deactivated, or gone to another company: what came through this one is closed.
        raise LoginRefused
    try:
        async with transaction(system()):
            return await begin_session(
                row["person_id"],
                SESSION_LIFETIME,
                company_id=token.company_id,
                provider_id=login["provider_id"],
                roles=token.roles,
            )
    except asyncpg.CheckViolationError:
        raise LoginRefused from None

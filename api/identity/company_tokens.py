"""JWTs of a company's own identity provider: checked against what the company registered (RFC 7519, 8725)."""

from typing import Any
from uuid import UUID

import msgspec
from joserfc import jws, jwt
from joserfc.errors import JoseError
from joserfc.jwt import ClaimsOption, JWTClaimsRegistry

from api.core import clock
from api.core.database import read
from api.core.net import Reach
from api.core.problems import Unauthenticated, Unavailable
from api.identity.keys import KeysAway, keys_of

ALGORITHMS = ["RS256", "PS256", "ES256", "ES384", "EdDSA", "Ed25519"]
LEEWAY = 60
REGISTRY = jws.JWSRegistry(algorithms=ALGORITHMS)


class Provider(msgspec.Struct, frozen=True):
    """What a company registered of its provider."""

    company_id: UUID
    audience: str
    jwks_url: str | None
    role_claim: str | None
    employee_key: str | None


class EmployeeKey(msgspec.Struct, frozen=True):
    """What a provider says of a person that the company's directory says too: never an address."""

    attribute: str
    value: str


class CompanyToken(msgspec.Struct, frozen=True):
    """A token that holds: whose it is, of which company, and what it says of the person."""

    company_id: UUID
    issuer: str
    subject: str
    claims: dict[str, Any]
    roles: frozenset[str]
    key: "EmployeeKey | None"


def refused() -> Unauthenticated:
    """Make the one answer to every token that does not hold; it says nothing of why."""
    return Unauthenticated(error="invalid_token")


async def read_company_token(text: str, networks: Reach) -> CompanyToken:
    """Check a JWT's issuer, audience, signature and times; raises Unauthenticated, Unavailable."""
    issuer, audience, kid = _peek(text)
    async with read(None) as connection:
        rows = await connection.fetch("SELECT * FROM providers_of($1)", issuer)
    # The connection is given back: a provider that does not answer must not hold the database.
    providers = [Provider(**row) for row in rows]
    try:
        # Keys belong to who registered issuer and audience together: another company's keys sign nothing here.
        provider = _of_audience(providers, audience)
        keys = await keys_of(issuer, provider.jwks_url, kid, networks)
        token = jwt.decode(text, keys, registry=REGISTRY)
        claims_registry(issuer, provider.audience).validate(token.claims)
    except KeysAway:
        raise Unavailable from None
    except (JoseError, ValueError, TypeError, KeyError):
        raise refused() from None
    return believe(provider, issuer, dict(token.claims))


def claims_registry(issuer: str, audience: str, **more: ClaimsOption) -> JWTClaimsRegistry:
    """Make what a token's claims must be, now: its issuer, audience, subject, times, and more of them."""
    return JWTClaimsRegistry(
        now=int(clock.now().timestamp()),
        leeway=LEEWAY,
        iss={"essential": True, "value": issuer},
        aud={"essential": True, "value": audience},
        sub={"essential": True},
        exp={"essential": True},
        **more,
    )


def believe(provider: Provider, issuer: str, claims: dict[str, Any]) -> CompanyToken:
    """Read what claims whose signature holds say of a person; raises Unauthenticated."""
    subject = _identifier(claims.get("sub"))
    key = None
    if provider.employee_key:
        mapping = msgspec.json.decode(provider.employee_key)
        key = EmployeeKey(mapping["scim"], _identifier(claims.get(mapping["claim"])))
    return CompanyToken(provider.company_id, issuer, subject, claims, _roles(provider, claims), key)


def _identifier(value: object) -> str:
    if not isinstance(value, str) or not 0 < len(value) <= 255 or "\x00" in value:
        raise refused()
    return value


def _peek(text: str) -> tuple[str, object, str | None]:
    """Read who claims to have signed for whom, before anything is believed."""
    try:
        claims = msgspec.json.decode(jws.extract_compact(text.encode()).payload)
        issuer, audience = claims["iss"], claims.get("aud")
    except (JoseError, ValueError, TypeError, KeyError, AttributeError, msgspec.MsgspecError):
        raise refused() from None
    if not isinstance(issuer, str) or len(issuer) > 2000 or "\x00" in issuer:
        raise refused()
    return issuer, audience, key_id(text)


def key_id(text: str) -> str | None:
    """Give which key a JWT says it is signed with; raises Unauthenticated where it is none."""
    try:
        kid = jws.extract_compact(text.encode()).headers().get("kid")
    except (JoseError, ValueError, TypeError, AttributeError):
        raise refused() from None
    return kid if isinstance(kid, str) else None


def _of_audience(providers: list[Provider], audience: object) -> Provider:
    named = audience if isinstance(audience, list) else [audience]
    for provider in providers:
        if provider.audience in named:
            return provider
    raise ValueError("no such audience")


def _roles(provider: Provider, claims: dict[str, Any]) -> frozenset[str]:
    if provider.role_claim is None:
        return frozenset()
    mapping = msgspec.json.decode(provider.role_claim)
    given = claims.get(mapping["claim"], [])
    values = given if isinstance(given, list) else [given]
    return frozenset(
        mapping["map"][value] for value in values if isinstance(value, str) and value in mapping["map"]
    )

"""The relying party's side of OpenID Connect: authorization code, PKCE (RFC 7636), nonce, `iss` (RFC 9207)."""

import hashlib
import hmac
import secrets
from base64 import b64encode, urlsafe_b64encode
from typing import Any
from urllib.parse import quote, urlencode

import msgspec
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwt import ClaimsOption

from api.core import clock
from api.core.net import Answered, Reach, fetch
from api.identity.company_tokens import REGISTRY, claims_registry, key_id, refused
from api.identity.keys import UNUSABLE, KeysAway, Metadata, keys_of

MAX_AGE = 300
"""Seconds since its issue after which an ID token begins no session."""


class Client(msgspec.Struct, frozen=True):
    """What we are to a company's provider."""

    issuer: str
    client_id: str
    client_secret: str | None
    jwks_url: str | None
    redirect_uri: str


class Tokens(msgspec.Struct, frozen=True):
    """What the token endpoint gave (RFC 6749, 5.1)."""

    id_token: str
    access_token: str | None = None


class Proof(msgspec.Struct, frozen=True):
    """State, nonce and verifier of one sign-in, all derived from the secret that its browser alone holds."""

    secret: str

    @classmethod
    def new(cls) -> "Proof":
        """Make the proof of a sign-in that begins."""
        return cls(secrets.token_urlsafe(32))

    @property
    def state(self) -> str:
        """Give what comes back with the code."""
        return self._derive("state")

    @property
    def nonce(self) -> str:
        """Give what the ID token must repeat."""
        return self._derive("nonce")

    @property
    def verifier(self) -> str:
        """Give what only who began the sign-in can exchange the code with."""
        return self._derive("verifier")

    def _derive(self, purpose: str) -> str:
        return _text(hmac.digest(self.secret.encode(), purpose.encode(), "sha256"))


def authorization_url(client: Client, metadata: Metadata, proof: Proof) -> str:
    """Give where the browser goes to sign in; raises KeysAway where the provider has no such place."""
    if metadata.authorization_endpoint is None:
        raise KeysAway("no authorization endpoint")
    question = {
        "response_type": "code",
        "client_id": client.client_id,
        "redirect_uri": client.redirect_uri,
        "scope": "openid profile email",
        "state": proof.state,
        "nonce": proof.nonce,
        "code_challenge": _text(hashlib.sha256(proof.verifier.encode()).digest()),
        "code_challenge_method": "S256",
    }
    joint = "&" if "?" in metadata.authorization_endpoint else "?"
    return f"{metadata.authorization_endpoint}{joint}{urlencode(question)}"


async def exchange(client: Client, metadata: Metadata, proof: Proof, code: str, networks: Reach) -> Tokens:
    """Exchange a code, once; raises Unauthenticated where the provider refuses it, KeysAway."""
    if metadata.token_endpoint is None:
        raise KeysAway("no token endpoint")
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": client.redirect_uri,
        "code_verifier": proof.verifier,
    }
    headers = _authenticate(client, metadata, form)
    try:
        answer = await fetch(metadata.token_endpoint, networks, headers=headers, form=form)
        return msgspec.json.decode(answer, type=Tokens)
    except Answered as error:
        if 400 <= error.status < 500:
            raise refused() from None
        raise KeysAway(str(error)) from None
    except UNUSABLE as error:
        raise KeysAway(type(error).__name__) from None


def _authenticate(client: Client, metadata: Metadata, form: dict[str, str]) -> dict[str, str]:
    """Say who we are: by HTTP Basic, in the form, or by PKCE alone (RFC 6749, 2.3.1)."""
    methods = metadata.token_endpoint_auth_methods_supported
    if client.client_secret is None or "client_secret_basic" not in methods:
        form["client_id"] = client.client_id
        if client.client_secret is not None:
            form["client_secret"] = client.client_secret
        return {}
    pair = f"{quote(client.client_id, safe='')}:{quote(client.client_secret, safe='')}"
    return {"Authorization": f"Basic {b64encode(pair.encode()).decode()}"}


async def read_id_token(client: Client, text: str, proof: Proof, networks: Reach) -> dict[str, Any]:
    """Give the claims of an ID token made for this sign-in; raises Unauthenticated, KeysAway."""
    keys = await keys_of(client.issuer, client.jwks_url, key_id(text), networks)
    try:
        token = jwt.decode(text, keys, registry=REGISTRY)
        expected: ClaimsOption = {"essential": True, "value": proof.nonce}
        claims_registry(client.issuer, client.client_id, iat={"essential": True}, nonce=expected).validate(
            token.claims
        )
        now = clock.now().timestamp()
        _require_party(client, token.claims)
        if token.header.get("typ", "JWT").lower() != "jwt" or now - int(token.claims["iat"]) > MAX_AGE:
            raise ValueError("not an ID token of now")
    except (JoseError, ValueError, TypeError, KeyError, AttributeError):
        raise refused() from None
    return dict(token.claims)


def _require_party(client: Client, claims: dict[str, Any]) -> None:
    """Refuse a token made for somebody else too (OpenID Connect Core, 3.1.3.7)."""
    party, audience = claims.get("azp"), claims["aud"]
    many = isinstance(audience, list) and len(audience) > 1
    if (party is not None or many) and party != client.client_id:
        raise ValueError("made for another party")


async def read_userinfo(
    metadata: Metadata, tokens: Tokens, subject: object, networks: Reach
) -> dict[str, Any]:
    """Give what the provider says of the person beside the ID token, nothing where it says it nowhere.

    Raises Unauthenticated where it speaks of somebody else, KeysAway.
    """
    if metadata.userinfo_endpoint is None or tokens.access_token is None:
        return {}
    headers = {"Authorization": f"Bearer {tokens.access_token}"}
    try:
        answer = await fetch(metadata.userinfo_endpoint, networks, headers=headers)
        claims = msgspec.json.decode(answer, type=dict[str, Any])
    except UNUSABLE as error:
        raise KeysAway(type(error).__name__) from None
    if claims.get("sub") != subject:
        raise refused()
    return claims


def _text(raw: bytes) -> str:
    return urlsafe_b64encode(raw).rstrip(b"=").decode()

"""What identity providers publish, cached and fetched again with a floor: their metadata, by discovery, and keys."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias, TypeVar

import msgspec
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from api.core.net import Reach, fetch

T = TypeVar("T")

LIFETIME = 600.0
FLOOR = 10.0
"""Seconds between two fetches for a key that was lacking: a provider may rotate at any moment, a caller may lie."""
UNUSABLE = (OSError, TimeoutError, ValueError, KeyError, TypeError, JoseError)
"""What fetching and reading a provider's answers raises."""


class KeysAway(Exception):
    """The provider cannot be asked now."""


class Metadata(msgspec.Struct, frozen=True):
    """What we use of a discovery document (OpenID Connect Discovery 1.0, RFC 8414, RFC 9207)."""

    issuer: str
    jwks_uri: str
    authorization_endpoint: str | None = None
    token_endpoint: str | None = None
    userinfo_endpoint: str | None = None
    token_endpoint_auth_methods_supported: tuple[str, ...] = ("client_secret_basic",)
    authorization_response_iss_parameter_supported: bool = False


class _Kept(msgspec.Struct):
    value: Any
    at: float
    wanted_more: float
    """When it was last fetched for what it lacked."""


Source: TypeAlias = tuple[str, ...]
_kept: dict[Source, _Kept] = {}
_failed: dict[Source, float] = {}
_locks: dict[Source, asyncio.Lock] = {}


async def metadata_of(issuer: str, networks: Reach) -> Metadata:
    """Give an issuer's metadata; raises KeysAway."""
    return await _remember(("metadata", issuer), lambda: read_metadata(issuer, networks))


async def keys_of(issuer: str, jwks_url: str | None, kid: str | None, networks: Reach) -> KeySet:
    """Give the keys of an issuer, fetched anew when they are old or lack the `kid`; raises KeysAway."""

    async def read() -> KeySet:
        return await read_keys(jwks_url or (await read_metadata(issuer, networks)).jwks_uri, networks)

    def known(keys: KeySet) -> bool:
        return kid is None or any(key.kid == kid for key in keys.keys)

    return await _remember(("keys", issuer, jwks_url or ""), read, known)


async def _remember(
    source: Source, read: Callable[[], Awaitable[T]], serves: Callable[[T], bool] = lambda _: True
) -> T:
    async with _locks.setdefault(source, asyncio.Lock()):
        kept = _kept.get(source)
        if kept is None and time.monotonic() - _failed.get(source, -FLOOR) < FLOOR:
            raise KeysAway
        if kept is None or _stale(kept, serves(kept.value)):
            try:
                lacking = time.monotonic() if kept and not serves(kept.value) else -FLOOR
                _kept[source] = kept = _Kept(await read(), time.monotonic(), lacking)
            except UNUSABLE as error:
                _failed[source] = time.monotonic()
                if kept is None:
                    raise KeysAway(type(error).__name__) from None
                kept.at = kept.wanted_more = time.monotonic()
    value: T = kept.value
    return value


def _stale(kept: _Kept, serves: bool) -> bool:
    now = time.monotonic()
    return now - kept.at > LIFETIME or (not serves and now - kept.wanted_more > FLOOR)


async def read_metadata(issuer: str, networks: Reach) -> Metadata:
    """Fetch an issuer's discovery document; raises one of UNUSABLE."""
    found = msgspec.json.decode(
        await fetch(f"{issuer.rstrip('/')}/.well-known/openid-configuration", networks), type=Metadata
    )
    if found.issuer != issuer:
        raise ForeignIssuer("discovery names another issuer")
    addresses = (found.jwks_uri, found.authorization_endpoint, found.token_endpoint, found.userinfo_endpoint)
    if issuer.startswith("https://") and not all(
        (each or "https://").startswith("https://") for each in addresses
    ):
        raise ValueError("discovery leaves https")
    return found


class ForeignIssuer(ValueError):
    """The discovery document names another issuer than the one asked for."""


async def read_keys(jwks_url: str, networks: Reach) -> KeySet:
    """Fetch a key set; raises one of UNUSABLE."""
    return KeySet.import_key_set(msgspec.json.decode(await fetch(jwks_url, networks)))

"""Public keys of identity providers: found by discovery, cached, fetched again for a key nobody knows."""

import asyncio
import time

import msgspec
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from api.core.net import Reach, fetch

LIFETIME = 600.0
FLOOR = 10.0
"""Seconds between two fetches of one issuer's keys, whatever a caller's `kid` says."""


class KeysAway(Exception):
    """The provider's keys cannot be had now."""


class _Kept(msgspec.Struct):
    keys: KeySet
    at: float


_kept: dict[str, _Kept] = {}
_locks: dict[str, asyncio.Lock] = {}


async def keys_of(issuer: str, jwks_url: str | None, kid: str | None, networks: Reach) -> KeySet:
    """Give the keys of an issuer, fetched anew when they are old or lack the `kid`; raises KeysAway."""
    async with _locks.setdefault(issuer, asyncio.Lock()):
        kept = _kept.get(issuer)
        if kept and not _stale(kept, kid):
            return kept.keys
        try:
            _kept[issuer] = kept = _Kept(await _fetch(issuer, jwks_url, networks), time.monotonic())
        except (OSError, TimeoutError, ValueError, KeyError, TypeError, JoseError) as error:
            if kept is None:
                raise KeysAway(type(error).__name__) from None
            kept.at = time.monotonic()
    return kept.keys


def _stale(kept: _Kept, kid: str | None) -> bool:
    age = time.monotonic() - kept.at
    known = kid is None or any(key.kid == kid for key in kept.keys.keys)
    return age > LIFETIME or (not known and age > FLOOR)


async def _fetch(issuer: str, jwks_url: str | None, networks: Reach) -> KeySet:
    if jwks_url is None:
        found = msgspec.json.decode(
            await fetch(f"{issuer.rstrip('/')}/.well-known/openid-configuration", networks)
        )
        if found["issuer"] != issuer:
            raise ValueError("discovery names another issuer")
        jwks_url = str(found["jwks_uri"])
    return KeySet.import_key_set(msgspec.json.decode(await fetch(jwks_url, networks)))

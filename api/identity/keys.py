"""Public keys of identity providers: found by discovery, cached, fetched again for a key nobody knows."""

import asyncio
import time
from typing import TypeAlias

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


Source: TypeAlias = tuple[str, str | None]
_kept: dict[Source, _Kept] = {}
_failed: dict[Source, float] = {}
_locks: dict[Source, asyncio.Lock] = {}


async def keys_of(issuer: str, jwks_url: str | None, kid: str | None, networks: Reach) -> KeySet:
    """Give the keys of an issuer, fetched anew when they are old or lack the `kid`; raises KeysAway."""
    source = (issuer, jwks_url)
    async with _locks.setdefault(source, asyncio.Lock()):
        kept = _kept.get(source)
        if kept is None and time.monotonic() - _failed.get(source, -FLOOR) < FLOOR:
            raise KeysAway
        if kept and not _stale(kept, kid):
            return kept.keys
        try:
            _kept[source] = kept = _Kept(await _fetch(issuer, jwks_url, networks), time.monotonic())
        except (OSError, TimeoutError, ValueError, KeyError, TypeError, JoseError) as error:
            _failed[source] = time.monotonic()
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

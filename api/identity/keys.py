"""Public keys of identity providers: found by discovery, cached, fetched again for a key nobody knows."""

import asyncio
import time
from typing import Any

import httpx
import msgspec
from joserfc.jwk import KeySet

MAX_BYTES = 200_000
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


async def keys_of(issuer: str, jwks_url: str | None, kid: str | None) -> KeySet:
    """Give the keys of an issuer, fetched anew when they are old or lack the `kid`; raises KeysAway."""
    async with _locks.setdefault(issuer, asyncio.Lock()):
        kept = _kept.get(issuer)
        if kept and not _stale(kept, kid):
            return kept.keys
        try:
            _kept[issuer] = kept = _Kept(await _fetch(issuer, jwks_url), time.monotonic())
        except (httpx.HTTPError, ValueError, KeyError, TypeError) as error:
            if kept is None:
                raise KeysAway(type(error).__name__) from None
            kept.at = time.monotonic()
    return kept.keys


def _stale(kept: _Kept, kid: str | None) -> bool:
    age = time.monotonic() - kept.at
    known = kid is None or any(key.kid == kid for key in kept.keys.keys)
    return age > LIFETIME or (not known and age > FLOOR)


async def _fetch(issuer: str, jwks_url: str | None) -> KeySet:
    async with httpx.AsyncClient(timeout=3.0, follow_redirects=False, trust_env=False) as client:
        if jwks_url is None:
            found = await _get(client, issuer.rstrip("/") + "/.well-known/openid-configuration")
            if found["issuer"] != issuer:
                raise ValueError("discovery names another issuer")
            jwks_url = str(found["jwks_uri"])
        return KeySet.import_key_set(await _get(client, jwks_url))


async def _get(client: httpx.AsyncClient, url: str) -> Any:
    body = b""
    async with client.stream("GET", url) as response:
        response.raise_for_status()
        async for chunk in response.aiter_bytes():
            body += chunk
            if len(body) > MAX_BYTES:
                raise ValueError("too large")
    return msgspec.json.decode(body)

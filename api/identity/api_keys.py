"""Keys of organisations: `mln_…`, shown once, kept as digests, narrowed by scopes."""

import secrets
import string
from datetime import timedelta
from typing import Any
from uuid import UUID
from zlib import crc32

import asyncpg
import msgspec

from api.core import clock
from api.core.actor import Actor, Employment, system
from api.core.database import Connection, fetch_all, fetch_one, found, read, transaction
from api.core.ids import new_id
from api.core.language import Words
from api.core.problems import Fault, Invalid, NotFound
from api.core.schemas import Page
from api.identity.schemas import ApiKeyIn, ApiKeyOut, NewApiKeyOut
from api.identity.sessions import digest
from api.identity.tables import ApiKey, CalendarFeed, ScimToken, Session
from api.organisations.policy import require_company_role, require_member, require_sight_of_company

PREFIX = "mln_"
SECRET = 32
CHECK = 6
LIFETIME = timedelta(days=90)
LONGEST = timedelta(days=366)
_ALPHABET = string.digits + string.ascii_letters

_KEY = """
    SELECT id, name, scopes, created_at, expires_at, last_used_at, revoked_at FROM api_key
    WHERE $1 IN (company_id, association_id)
"""
_ONE = _KEY + "AND id = $2"
_ALL = _KEY + "ORDER BY id"
_ACTOR = "SELECT * FROM actor_by_key($1, $2)"
_ORGANISATION = """
    SELECT EXISTS (SELECT FROM company WHERE id = $1) AS company,
           EXISTS (SELECT FROM association WHERE id = $1) AS association
"""


def write_key(prefix: str = PREFIX) -> str:
    """Give a new key: a random secret and its checksum, by which a scanner knows a key from a mere text."""
    secret = "".join(secrets.choice(_ALPHABET) for _ in range(SECRET))
    return prefix + secret + _checksum(secret)


def is_key(text: str, prefix: str = PREFIX) -> bool:
    """Tell whether a text is a key by its form and checksum."""
    secret = text[len(prefix) : -CHECK]
    return (
        text.startswith(prefix)
        and len(secret) == SECRET
        and text.isascii()
        and text[-CHECK:] == _checksum(secret)
    )


def _checksum(secret: str) -> str:
    number, digits = crc32(secret.encode()), ""
    for _ in range(CHECK):
        number, rest = divmod(number, len(_ALPHABET))
        digits = _ALPHABET[rest] + digits
    return digits


async def actor_of_key(text: str) -> Actor | None:
    """Give the organisation that a key speaks for, or None when it is not, or no more, a key."""
    if not is_key(text):
        return None
    async with transaction(None) as connection:  # it may write down when the key was last used
        row = await connection.fetchrow(_ACTOR, digest(text), clock.now())
    if row is None:
        return None
    company_id, association_id = row["company_id"], row["association_id"]
    return Actor(
        person_id=None,
        key_id=row["key_id"],
        scopes=frozenset(row["scopes"]),
        made_by=row["created_by"],
        # A company's key reads what HR reads, an association's does what a coordinator does: scopes narrow both.
        employment=Employment(company_id, row["key_id"], frozenset({"hr"})) if company_id else None,
        memberships={association_id: "coordinator"} if association_id else {},
    )


async def create_api_key(actor: Actor, organisation_id: UUID, given: ApiKeyIn) -> NewApiKeyOut:
    """Make a key of an association or a company; raises NotFound, Forbidden, Invalid."""
    now = clock.now()
    expires_at = given.expires_at or now + LIFETIME
    if not now < expires_at <= now + LONGEST:
        words = Words("Within a year from now.", "Dans l’année qui vient.")
        raise Invalid(faults=[Fault("/expires_at", "out-of-bounds", words)])
    key, key_id = write_key(), new_id()
    async with transaction(actor) as connection:
        owner = await _owner(connection, actor, organisation_id)
        await ApiKey.insert(
            ApiKey(
                id=key_id,
                name=given.name,
                scopes=sorted(set(given.scopes)),
                digest=digest(key),
                created_by=actor.author,
                created_at=now,
                expires_at=expires_at,
                **owner,
            )
        )
        made = found(await fetch_one(connection, ApiKeyOut, _ONE, organisation_id, key_id))
    return NewApiKeyOut(key=key, **msgspec.structs.asdict(made))


async def list_api_keys(actor: Actor, organisation_id: UUID) -> Page[ApiKeyOut]:
    """List an organisation's keys, those revoked too; they are few. Raises NotFound, Forbidden."""
    async with read(actor) as connection:
        await _owner(connection, actor, organisation_id)
        return Page(items=await fetch_all(connection, ApiKeyOut, _ALL, organisation_id))


async def revoke_api_key(actor: Actor, organisation_id: UUID, key_id: UUID) -> None:
    """Revoke a key: the next request with it is refused. Raises NotFound, Forbidden."""
    async with transaction(actor) as connection:
        await _owner(connection, actor, organisation_id)
        found(await fetch_one(connection, ApiKeyOut, _ONE, organisation_id, key_id))
        await ApiKey.update({ApiKey.revoked_at: clock.now()}).where(
            (ApiKey.id == key_id) & ApiKey.revoked_at.is_null()
        )


async def revoke_secret(text: str) -> None:
    """Revoke a leaked key, token or calendar's address by its secret, as the operator; raises NotFound."""
    presented = digest(text.strip().rpartition("/")[2].removesuffix(".ics"))
    gone: list[Any] = []
    async with transaction(system()):
        gone += await Session.delete().where(Session.digest == presented).returning(Session.id)
        gone += await CalendarFeed.delete().where(CalendarFeed.digest == presented).returning(CalendarFeed.id)
        for kind in (ApiKey, ScimToken):
            revoked = kind.update({kind.revoked_at: clock.now()}).where(kind.digest == presented)
            gone += await revoked.returning(kind.id)
    if not gone:
        raise NotFound


async def _owner(connection: Connection, actor: Actor, organisation_id: UUID) -> dict[str, Any]:
    """Say which kind of organisation it is, once its owner or administrator is known to be asking."""
    seen: asyncpg.Record = await connection.fetchrow(_ORGANISATION, organisation_id)
    if seen["company"]:
        require_sight_of_company(actor, organisation_id)
        require_company_role(actor, organisation_id, "company_admin")
        return {"company_id": organisation_id}
    if not seen["association"]:
        raise NotFound
    require_member(actor, organisation_id, "owner")
    return {"association_id": organisation_id}

"""The private address of a person's calendar: a secret, shown once, kept as a digest; a new one ends the former."""

from uuid import UUID

import msgspec

from api.applications.calendar import write_feed
from api.applications.queries_calendar import list_told
from api.core import clock
from api.core.actor import Actor
from api.core.database import fetch_one, found, read, transaction
from api.core.ids import new_id
from api.core.language import Language
from api.core.problems import Forbidden, NotFound
from api.identity.api_keys import is_key, write_key
from api.identity.schemas import CalendarFeedOut
from api.identity.sessions import digest
from api.organisations.policy import NOT_EMPLOYED

PREFIX = "mlf_"
SUFFIX = ".ics"

_KEEP = """
    INSERT INTO calendar_feed (id, person_id, digest, created_at) VALUES ($1, $2, $3, $4)
    ON CONFLICT ON CONSTRAINT calendar_feed_one_a_person DO UPDATE
        SET digest = excluded.digest, created_at = excluded.created_at
"""
_HAS_LEFT = "SELECT has_left($1)"
_READER = "SELECT person_id, language FROM reader_of_calendar($1)"


class Reader(msgspec.Struct, frozen=True):
    """Whose calendar an address opens."""

    person_id: UUID
    language: Language


async def create_calendar_feed(actor: Actor, public_url: str) -> CalendarFeedOut:
    """Make the address of the caller's calendar, unless they left; the former is none from now on.

    Raises Forbidden.
    """
    token = write_key(PREFIX)
    async with transaction(actor) as connection:
        if actor.employment is None and await connection.fetchval(_HAS_LEFT, actor.author):
            raise Forbidden(NOT_EMPLOYED)
        await connection.execute(_KEEP, new_id(), actor.author, digest(token), clock.now())
    return CalendarFeedOut(url=f"{public_url.rstrip('/')}/v1/calendars/{token}{SUFFIX}")


async def read_calendar_feed(file: str) -> bytes:
    """Give the calendar at an address, within its person's own walls; raises NotFound."""
    token = file.removesuffix(SUFFIX)
    if not file.endswith(SUFFIX) or not is_key(token, PREFIX):
        raise NotFound
    async with read(None) as connection:
        reader = found(await fetch_one(connection, Reader, _READER, digest(token)))
    async with read(Actor(person_id=reader.person_id, language=reader.language)) as connection:
        told = await list_told(connection, reader.person_id, reader.language, clock.now())
    return write_feed(told, reader.language).encode()

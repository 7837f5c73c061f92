"""Everything that holds a person, as one document for them alone (RGPD art. 15 and 20), written by the worker."""

import hashlib
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg
import msgspec

from api.core import clock
from api.core.actor import Actor
from api.core.database import Connection, fetch_one, found, operations, read, transaction
from api.core.ids import new_id
from api.core.language import Words
from api.core.outbox import record
from api.core.problems import NotFound, TooManyRequests
from api.identity.export_parts import NOT_OF_ONESELF, PARTS, TEXTS, Part
from api.identity.facts import ExportAsked
from api.identity.schemas import ExportOut

LIFETIME = timedelta(days=7)
WINDOW, MOST = timedelta(days=1), 5

_LOCK = "SELECT pg_advisory_xact_lock(hashtextextended('export ' || $1::uuid::text, 0))"
_ASKED = (
    "SELECT count(*) AS number, min(asked_at) AS since FROM export WHERE person_id = $1 AND asked_at > $2"
)
_WAITING = "SELECT id FROM export WHERE person_id = $1 AND as_of IS NULL"
_ADD = "INSERT INTO export (id, person_id, asked_at, expires_at) VALUES ($1, $2, $3, $4)"
_EXPORT = """
    SELECT id, CASE WHEN as_of IS NULL THEN 'asked' ELSE 'ready' END AS state,
           CASE WHEN as_of IS NULL THEN 0 ELSE 100 END AS progress, as_of, encode(sha256, 'hex') AS sha256, expires_at,
           CASE WHEN as_of IS NOT NULL THEN '/v1/exports/' || id::text || '/document' END AS url
    FROM export WHERE id = $1 AND person_id = $2 AND expires_at > $3
"""
_DOCUMENT = "SELECT document FROM export WHERE id = $1 AND person_id = $2 AND expires_at > $3"
_KEEP = """
    UPDATE export SET as_of = $2, document = $3, sha256 = $4 WHERE id = $1 AND as_of IS NULL
"""
_ABOUT = Words(
    "Everything that Maillon holds of you (GDPR, articles 15 and 20). Other people are ids here.",
    "Tout ce que Maillon détient sur vous (RGPD, articles 15 et 20). Les autres y sont des identifiants.",
)


async def export_my_data(actor: Actor) -> ExportOut:
    """Ask for everything that holds the caller; one that is being written is given again. Raises TooManyRequests."""
    now, person_id = clock.now(), actor.author
    async with transaction(actor) as connection:
        await connection.execute(_LOCK, person_id)
        export_id = await connection.fetchval(_WAITING, person_id)
        if export_id is None:
            await _require_calm(connection, person_id, now)
            export_id = new_id()
            await connection.execute(_ADD, export_id, person_id, now, now + LIFETIME)
            await record(ExportAsked(export_id=export_id, person_id=person_id))
        return found(await fetch_one(connection, ExportOut, _EXPORT, export_id, person_id, now))


async def _require_calm(connection: Connection, person_id: UUID, now: datetime) -> None:
    asked: Any = await connection.fetchrow(_ASKED, person_id, now - WINDOW)
    if asked["number"] >= MOST:
        raise TooManyRequests(seconds=int((asked["since"] + WINDOW - now).total_seconds()) + 1)


async def get_export(actor: Actor, export_id: UUID) -> ExportOut:
    """Give how an export of the caller does; raises NotFound."""
    async with read(actor) as connection:
        return found(await fetch_one(connection, ExportOut, _EXPORT, export_id, actor.author, clock.now()))


async def get_document(actor: Actor, export_id: UUID) -> bytes:
    """Give the document of an export of the caller, JSON in UTF-8; raises NotFound until it is written."""
    async with read(actor) as connection:
        document: bytes | None = await connection.fetchval(_DOCUMENT, export_id, actor.author, clock.now())
    if document is None:
        raise NotFound
    return document


async def write_export(export_id: UUID, person_id: UUID) -> None:
    """Write an asked export within its person's walls; nothing where it is written, or its person erased."""
    as_of, document = await _collect(person_id)
    async with transaction(Actor(person_id=person_id)) as connection:
        await connection.execute(_KEEP, export_id, as_of, document, hashlib.sha256(document).digest())


async def _collect(person_id: UUID) -> tuple[datetime, bytes]:
    """Read every part at one instant, and give it with the document."""
    as_of = clock.now()
    async with operations() as connection:
        await connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        parts = [await _part(connection, part, person_id) for part in PARTS]
    document = {"about": _ABOUT._asdict(), "person_id": person_id, "as_of": as_of, "parts": parts}
    return as_of, msgspec.json.format(msgspec.json.encode(document), indent=1)


async def _part(connection: asyncpg.Connection, part: Part, person_id: UUID) -> dict[str, Any]:
    rows = [msgspec.json.decode(row[0]) for row in await connection.fetch(part.query, person_id)]
    shown = [*part.names.split(), *part.columns.split()]
    return {
        "name": part.name,
        "explanation": part.words._asdict(),
        "items": [{name: row[name] for name in shown if not _is_withheld(row, name)} for row in rows],
    }


def _is_withheld(row: dict[str, Any], name: str) -> bool:
    return name in TEXTS and row.get("kind") in NOT_OF_ONESELF

"""How many applications of a person may wait for an answer: the operator's bounds, which a trigger reads."""

import msgspec

from api.core import clock
from api.core.database import fetch_all, operations

_CAPS = "SELECT format, most FROM application_cap ORDER BY format"
_SET = """
    INSERT INTO application_cap (format, most, since) VALUES ($1, $2, $3)
    ON CONFLICT (format) DO UPDATE SET most = excluded.most, since = excluded.since
"""


class Cap(msgspec.Struct, frozen=True):
    """How many may wait at most, of a format or of `any`."""

    format: str
    most: int


async def list_caps() -> list[Cap]:
    """Give every cap: that of all formats together, and those of some."""
    async with operations() as connection:
        return await fetch_all(connection, Cap, _CAPS)


async def set_cap(kind: str, most: int) -> None:
    """Let so many applications to missions of a format, or of `any`, wait; what waits already goes on."""
    async with operations() as connection:
        await connection.execute(_SET, kind, most, clock.now())

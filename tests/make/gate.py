"""Interleavings played by hand: a row held like a gate, and sessions of the application standing in line before it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID

import asyncpg

from tests.make.clone import superuser_url

_WAITING = """
    SELECT count(*) FROM pg_stat_activity
    WHERE datname = current_database() AND wait_event_type = 'Lock' AND usename = 'maillon_app'
"""


@asynccontextmanager
async def held(environment: dict[str, str], table: str, row_id: str) -> AsyncIterator[asyncpg.Connection]:
    """Hold a row of a table, so that whoever needs it stands in line until the block ends."""
    connection = await asyncpg.connect(superuser_url(environment, "maillon"))
    try:
        async with connection.transaction():
            await connection.execute(f"SELECT FROM {table} WHERE id = $1 FOR UPDATE", UUID(row_id))
            yield connection
    finally:
        await connection.close()


async def until_waiting(connection: asyncpg.Connection, sessions: int) -> None:
    """Wait until so many sessions of the application stand in line."""
    async with asyncio.timeout(5):
        while await connection.fetchval(_WAITING) < sessions:
            # Within a transaction the activity is looked at once, unless it is told to look again.
            await connection.execute("SELECT pg_stat_clear_snapshot()")
            await asyncio.sleep(0.01)

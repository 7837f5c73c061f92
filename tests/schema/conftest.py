from collections.abc import AsyncIterator

import asyncpg
import pytest_asyncio


@pytest_asyncio.fixture
async def catalogue(environment: dict[str, str]) -> AsyncIterator[asyncpg.Connection]:
    """A connection of the owner, to read what the migrations made."""
    connection = await asyncpg.connect(environment["MAILLON_DATABASE_OWNER_URL"])
    yield connection
    await connection.close()

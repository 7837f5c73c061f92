import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio

from api.core.database import operations
from api.core.settings import Settings
from api.dev.valkey import ValkeyServer, valkey
from tests.faults.stage import Nursery, Place, SmtpServer, Workers, connected, forget, made_place, smtp_server


@pytest.fixture(scope="session")
def place() -> Iterator[Place]:
    with made_place() as made:
        yield made


@pytest.fixture
def folder(place: Place) -> Path:
    """A new folder for servers of one test."""
    return Path(tempfile.mkdtemp(dir=place.folder))


@pytest.fixture(scope="session")
def nursery() -> Iterator[Nursery]:
    made = Nursery()
    yield made
    made.end()


@pytest.fixture(scope="session")
def cache(place: Place) -> Iterator[ValkeyServer]:
    with valkey(place.folder / "valkey") as server:
        yield server


@pytest_asyncio.fixture
async def smtp() -> AsyncIterator[SmtpServer]:
    async with smtp_server() as server:
        yield server


@pytest_asyncio.fixture
async def settings(place: Place, cache: ValkeyServer, smtp: SmtpServer) -> AsyncIterator[Settings]:
    """Settings of this process, whose pools are open; what tests before this one left to do is forgotten."""
    async with connected(place.environment(cache.url, smtp.url)) as settings:
        async with operations() as connection:
            await connection.execute("DELETE FROM outbox")
        await forget(cache)
        yield settings


@pytest.fixture
def workers(
    place: Place, cache: ValkeyServer, smtp: SmtpServer, settings: Settings, nursery: Nursery
) -> Iterator[Workers]:
    started = Workers(nursery, place.environment(cache.url, smtp.url))
    yield started
    started.end()

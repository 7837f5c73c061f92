from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio

from api.core.settings import Settings
from api.dev.valkey import ValkeyServer, valkey
from tests.faults.stage import Place, SmtpServer, connected, made_place, smtp_server
from tests.reactions.world import World, make_world
from workers.relay import Queue, open_queue


@pytest.fixture(scope="session")
def place() -> Iterator[Place]:
    with made_place() as made:
        yield made


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
    async with connected(place.environment(cache.url, smtp.url)) as settings:
        yield settings


@pytest_asyncio.fixture
async def queue(settings: Settings) -> AsyncIterator[Queue]:
    opened = open_queue(settings)
    await opened.flushall()
    yield opened
    await opened.aclose(close_connection_pool=True)


@pytest_asyncio.fixture
async def world(settings: Settings) -> World:
    return await make_world()

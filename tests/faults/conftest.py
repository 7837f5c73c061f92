from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio

from api.core.settings import Settings
from api.dev.valkey import ValkeyServer, valkey
from tests.faults.stage import Place, SmtpServer, Workers, connected, made_place, smtp_server


@pytest.fixture(scope="session")
def place() -> Iterator[Place]:
    with made_place() as made:
        yield made


@pytest.fixture
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


@pytest.fixture
def workers(place: Place, cache: ValkeyServer, smtp: SmtpServer, settings: Settings) -> Iterator[Workers]:
    started = Workers(place.environment(cache.url, smtp.url))
    yield started
    started.end()

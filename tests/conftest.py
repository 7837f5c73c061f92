"""Real servers for every test: PostgreSQL, Valkey, SMTP sink and an identity provider, one set a process."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio
from litestar import Litestar

from api.app import create_litestar
from api.core.check import violations
from api.core.settings import Settings, read_settings
from api.dev.stack import stack
from tests.make.served import served
from tests.make.world import World

UNLIMITED = {"MAILLON_CALLER_LIMIT": "99999/second", "MAILLON_NETWORK_LIMIT": "99999/second"}
"""All of a suite comes from one network, as fast as it can."""


def pytest_sessionfinish(session: pytest.Session) -> None:
    """On the gate a skipped test is a failure: what it needs must be there."""
    reporter: Any = session.config.pluginmanager.get_plugin("terminalreporter")
    if os.environ.get("CI") and reporter and reporter.stats.get("skipped"):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


@pytest.fixture(scope="session")
def environment() -> Iterator[dict[str, str]]:
    """The settings of a migrated database of its own: embedded, or the one that MAILLON_DATABASE_URL gives."""
    folder = Path(tempfile.mkdtemp(prefix="maillon-test-"))
    folder.chmod(0o711)
    try:
        with stack(folder, fsync=False) as servers:
            given = (
                servers.environment
                | UNLIMITED
                | {key: value for key, value in os.environ.items() if key.startswith("MAILLON_")}
            )
            subprocess.run([sys.executable, "-m", "migrations"], env=os.environ | given, check=True)
            yield given
    finally:
        shutil.rmtree(folder)


@pytest.fixture(scope="session")
def settings(environment: dict[str, str]) -> Settings:
    return read_settings(environment)


@pytest.fixture(scope="session")
def app(settings: Settings) -> Litestar:
    return create_litestar(settings)


@pytest_asyncio.fixture
async def client(app: Litestar, settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    """The whole application over HTTP, in this event loop; the invariants hold when the test ends."""
    async with served(app, settings) as connected:
        yield connected
        broken = await violations()
    assert broken == []


@pytest_asyncio.fixture
async def world(client: httpx.AsyncClient, environment: dict[str, str]) -> World:
    """Makers of people, associations, companies and missions, through the API alone."""
    return World(client, environment)

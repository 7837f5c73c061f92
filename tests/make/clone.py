"""A copy of the test database that a test may break: a guard removed, a violation planted."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import count

import asyncpg

from api.core.settings import Settings, read_settings

_numbers = count(1)
_URLS = ("MAILLON_DATABASE_URL", "MAILLON_DATABASE_OPS_URL", "MAILLON_DATABASE_OWNER_URL")


def superuser_url(environment: dict[str, str], database: str) -> str:
    """Give the address of a database of the embedded cluster, as its superuser."""
    url = environment["MAILLON_DATABASE_OWNER_URL"]
    return url.replace("//maillon_owner@", "//postgres@").replace("/maillon?", f"/{database}?")


@asynccontextmanager
async def cloned(environment: dict[str, str], *changes: str) -> AsyncIterator[Settings]:
    """Copy the database, change the copy with nothing to stop it, and give the settings that reach it."""
    name = f"clone_{next(_numbers)}"
    administration = await asyncpg.connect(superuser_url(environment, "postgres"))
    try:
        await _copy(administration, name)
        connection = await asyncpg.connect(superuser_url(environment, name))
        await connection.execute("SET session_replication_role = replica")
        for change in changes:
            await connection.execute(change)
        await connection.close()
        urls = {key: environment[key].replace("/maillon?", f"/{name}?") for key in _URLS}
        yield read_settings(environment | urls)
    finally:
        await administration.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        await administration.close()


def reaching(settings: Settings) -> dict[str, str]:
    """Give the variables with which processes, and gates, reach a copy."""
    urls = (settings.database_url, settings.database_ops_url, settings.database_owner_url)
    return dict(zip(_URLS, map(str, urls), strict=True))


async def _copy(administration: asyncpg.Connection, name: str) -> None:
    """Copy once the last connection of the test before is gone, which PostgreSQL notices a moment later."""
    for _ in range(50):
        try:
            await administration.execute(f"CREATE DATABASE {name} TEMPLATE maillon")
        except asyncpg.ObjectInUseError:
            await asyncio.sleep(0.1)
        else:
            return
    raise AssertionError("a test left a connection open")

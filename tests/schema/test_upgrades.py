import asyncpg
import pytest
from piccolo.apps.migrations.commands.base import BaseMigrationManager

from migrations.__main__ import run_versions
from tests.make.clone import superuser_url

_MADE = "SELECT proname, md5(prosrc) FROM pg_proc WHERE pronamespace = 'public'::regnamespace"


async def test_each_version_runs_in_a_session_of_its_own(
    environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on a database that was there before the version came; a new one runs them all in one."""
    monkeypatch.setenv("PICCOLO_CONF", "migrations.piccolo_conf")
    owner = environment["MAILLON_DATABASE_OWNER_URL"]
    manager = BaseMigrationManager()
    modules = manager.get_migration_modules(manager.get_app_config("maillon").resolved_migrations_folder_path)
    administration = await asyncpg.connect(superuser_url(environment, "postgres"))
    await administration.execute("CREATE DATABASE aged OWNER maillon_owner TEMPLATE template0")
    try:
        for version in manager.get_migration_ids(modules):
            connection = await asyncpg.connect(owner.replace("/maillon?", "/aged?"))
            async with connection.transaction():
                await run_versions(connection, version)
            aged = await connection.fetch(_MADE)
            await connection.close()
        new = await asyncpg.connect(owner)
        made = await new.fetch(_MADE)
        await new.close()
    finally:
        await administration.execute("DROP DATABASE aged WITH (FORCE)")
        await administration.close()

    assert sorted(map(tuple, aged)) == sorted(map(tuple, made))

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from migrations.script import run_script

ID = "2026-11-23T11:50:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "text search by windows; applying in fewer statements"


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="maillon", description=DESCRIPTION)

    async def run() -> None:
        await run_script("0020/words.sql")
        await run_script("0020/applying.sql")

    manager.add_raw(run)
    return manager

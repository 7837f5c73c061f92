from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from migrations.script import run_script

ID = "2026-11-27T12:20:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "nobody rejects their own hours, nor answers what their own side proposed"


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="maillon", description=DESCRIPTION)

    async def run() -> None:
        await run_script("0036/own.sql")

    manager.add_raw(run)
    return manager

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from migrations.script import run_script

ID = "2026-11-27T12:15:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "hours that are for HR to approve are asked of HR"


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="maillon", description=DESCRIPTION)

    async def run() -> None:
        await run_script("0035/hours.sql")

    manager.add_raw(run)
    return manager

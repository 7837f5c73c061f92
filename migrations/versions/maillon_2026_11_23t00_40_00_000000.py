from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from migrations.script import run_script

ID = "2026-11-23T00:40:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "company sign-in, leavers"


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="maillon", description=DESCRIPTION)

    async def run() -> None:
        for script in ("tables.sql", "guards.sql"):
            await run_script(f"0004/{script}")
        await run_script("hand_over.sql")

    manager.add_raw(run)
    return manager

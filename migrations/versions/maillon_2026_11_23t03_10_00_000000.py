from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from migrations.script import run_script

ID = "2026-11-23T03:10:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "skills, causes, reference data"


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="maillon", description=DESCRIPTION)

    async def run() -> None:
        for script in ("reference.sql", "skills.sql", "guards.sql"):
            await run_script(f"0011/{script}")

    manager.add_raw(run)
    return manager

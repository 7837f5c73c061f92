from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from migrations.script import run_script

ID = "2026-11-24T00:30:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "a no-show did not come; what was planned can be taken back"


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="maillon", description=DESCRIPTION)

    async def run() -> None:
        await run_script("0023/no_shows.sql")
        await run_script("0023/policies.sql")
        await run_script("hand_over.sql")

    manager.add_raw(run)
    return manager

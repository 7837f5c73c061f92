from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from migrations.script import run_script

ID = "2026-11-23T03:00:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "missions in full, their life by the clock, moderation"


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="maillon", description=DESCRIPTION)

    async def run() -> None:
        await run_script("0010/missions.sql")
        await run_script("0010/moderation.sql")
        await run_script("hand_over.sql")

    manager.add_raw(run)
    return manager

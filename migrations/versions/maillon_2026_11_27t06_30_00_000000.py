from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from migrations.script import run_script

ID = "2026-11-27T06:30:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "a freed place is nobody's act, and goes to whoever can take it; a history is for whoever sees an application"


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="maillon", description=DESCRIPTION)

    async def run() -> None:
        await run_script("0029/offers.sql")
        await run_script("0029/history.sql")
        await run_script("0029/leavers.sql")
        await run_script("hand_over.sql")

    manager.add_raw(run)
    return manager

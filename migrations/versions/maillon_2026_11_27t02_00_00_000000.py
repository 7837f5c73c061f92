from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from migrations.script import run_script

ID = "2026-11-27T02:00:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "what moderators decide holds, words are understood once, guards stand in the database"


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="maillon", description=DESCRIPTION)

    async def run() -> None:
        await run_script("0024/history.sql")
        await run_script("0024/guards.sql")
        await run_script("0024/search.sql")
        await run_script("0024/associations.sql")
        await run_script("hand_over.sql")

    manager.add_raw(run)
    return manager

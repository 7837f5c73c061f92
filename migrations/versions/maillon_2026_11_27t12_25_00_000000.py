from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from migrations.script import run_script

ID = "2026-11-27T12:25:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "the moderation queue looks past nothing that ended unread"


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="maillon", description=DESCRIPTION)

    async def run() -> None:
        await run_script("0037/queue.sql")

    manager.add_raw(run)
    return manager

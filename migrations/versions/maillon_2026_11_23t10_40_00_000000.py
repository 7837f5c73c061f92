from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from migrations.script import run_script

ID = "2026-11-23T10:40:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "work-lists, caps, filtered search"


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="maillon", description=DESCRIPTION)

    async def run() -> None:
        await run_script("0019/work_lists.sql")
        await run_script("0019/search.sql")

    manager.add_raw(run)
    return manager

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from migrations.script import run_script

ID = "2026-11-23T10:30:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "what an employer takes back, pages to decide on, and what both sides say at the end"


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="maillon", description=DESCRIPTION)

    async def run() -> None:
        await run_script("0018/taking_back.sql")
        await run_script("0018/pages.sql")
        await run_script("0018/feedback.sql")
        await run_script("0018/overlap.sql")
        await run_script("hand_over.sql")

    manager.add_raw(run)
    return manager

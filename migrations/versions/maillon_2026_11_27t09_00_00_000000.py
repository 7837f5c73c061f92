from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from migrations.script import run_script

ID = "2026-11-27T09:00:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "what is contested is not public, and a closing leaves no hours unanswered"


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="maillon", description=DESCRIPTION)

    async def run() -> None:
        await run_script("0031/missions.sql")
        await run_script("0031/closing.sql")
        await run_script("0031/contact.sql")
        await run_script("0031/agreed.sql")
        await run_script("0031/deleting.sql")
        await run_script("hand_over.sql")

    manager.add_raw(run)
    return manager

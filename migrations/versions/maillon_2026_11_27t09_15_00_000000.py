from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from migrations.script import run_script

ID = "2026-11-27T09:15:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "no hours are dated after the end of their engagement; a cap is named; so are skills, mistyped"


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="maillon", description=DESCRIPTION)

    async def run() -> None:
        await run_script("0032/engaged.sql")
        await run_script("0032/caps.sql")
        await run_script("0032/words.sql")
        await run_script("hand_over.sql")

    manager.add_raw(run)
    return manager

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from migrations.script import run_script

ID = "2026-11-27T05:30:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "a replaced skill is copied, found and offered as what replaced it"


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="maillon", description=DESCRIPTION)

    async def run() -> None:
        await run_script("0027/skills.sql")
        await run_script("0027/typed.sql")
        await run_script("0027/search.sql")
        await run_script("0027/words.sql")
        await run_script("0027/associations.sql")
        await run_script("0027/places.sql")
        await run_script("hand_over.sql")

    manager.add_raw(run)
    return manager

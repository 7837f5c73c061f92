from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from migrations.script import run_script

ID = "2026-11-23T03:20:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "what people type, where they look, what they find"


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="maillon", description=DESCRIPTION)

    async def run() -> None:
        for script in ("words.sql", "places.sql", "search.sql"):
            await run_script(f"0012/{script}")
        await run_script("hand_over.sql")

    manager.add_raw(run)
    return manager

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from migrations.script import run_script

ID = "2026-11-27T08:30:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "what a company decides: nobody for themselves; hours are asked of who works there; who stands in for HR reads what they decide"


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="maillon", description=DESCRIPTION)

    async def run() -> None:
        await run_script("0030/own.sql")
        await run_script("0030/hours.sql")
        await run_script("0030/standing_in.sql")
        await run_script("0030/allowance.sql")
        await run_script("hand_over.sql")

    manager.add_raw(run)
    return manager

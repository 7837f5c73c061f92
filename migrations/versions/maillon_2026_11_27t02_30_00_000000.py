from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from migrations.script import run_script

ID = "2026-11-27T02:30:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "an employer is bound to what it agreed to; replies, leavers and suspended associations stand"


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="maillon", description=DESCRIPTION)

    async def run() -> None:
        await run_script("0025/effort.sql")
        await run_script("0025/endings.sql")
        await run_script("0025/people.sql")
        await run_script("0025/replies.sql")
        await run_script("0025/first_day.sql")
        await run_script("0025/suspended.sql")
        await run_script("0025/years.sql")
        await run_script("hand_over.sql")

    manager.add_raw(run)
    return manager

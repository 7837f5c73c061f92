"""`python -m migrations`: bring the database to the newest version, alone, all or nothing."""

import asyncio
import contextlib
import io
import os
import sys
from types import SimpleNamespace
from typing import Any

import asyncpg
from piccolo.apps.migrations.commands.forwards import run_forwards

from api.core.database import ENGINE
from migrations.reference import load_reference

LOCK = 4_601_975
"""Any two migrators take the same advisory lock; the number means nothing else."""


async def migrate(url: str) -> None:
    """Run what has not run yet and load what is shipped, in one transaction; raises SystemExit with Piccolo's words."""
    connection = await asyncpg.connect(url, timeout=10)
    try:
        async with connection.transaction():
            await connection.execute("SET LOCAL lock_timeout = '30s'; SET LOCAL statement_timeout = '10min'")
            await connection.execute("SELECT pg_advisory_xact_lock($1)", LOCK)
            await connection.execute("SET LOCAL lock_timeout = '5s'")
            await run_versions(connection)
            await load_reference(connection)
    finally:
        await connection.close()


async def run_versions(connection: asyncpg.Connection, last: str = "all") -> None:
    """Run what has not run yet, up to the last version given; raises SystemExit with Piccolo's words."""
    said = io.StringIO()
    here: Any = SimpleNamespace(connection=connection)
    token = ENGINE.current_transaction.set(here)
    try:
        with contextlib.redirect_stdout(said):
            result = await run_forwards("maillon", last)
    finally:
        ENGINE.current_transaction.reset(token)
    if not result.success:
        raise SystemExit(f"{said.getvalue()}\n{result.message}")


def main() -> None:
    """Migrate the database of MAILLON_DATABASE_OWNER_URL."""
    os.environ.setdefault("PICCOLO_CONF", "migrations.piccolo_conf")
    url = os.environ.get("MAILLON_DATABASE_OWNER_URL")
    if not url:
        sys.exit("Set MAILLON_DATABASE_OWNER_URL: the owner migrates.")
    asyncio.run(migrate(url))


if __name__ == "__main__":
    main()

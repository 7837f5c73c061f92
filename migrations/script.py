"""Raw migrations: a version runs a script of `migrations/sql/` as it stands."""

from pathlib import Path
from typing import Any

from piccolo.engine import engine_finder

SCRIPTS = Path(__file__).parent / "sql"


async def run_script(name: str) -> None:
    """Run a script in the migration's transaction."""
    engine: Any = engine_finder()
    await engine.current_transaction.get().connection.execute((SCRIPTS / name).read_text())

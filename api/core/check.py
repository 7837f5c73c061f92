"""`maillon check`: every invariant as a SQL query that finds nothing, run over all tenants."""

from importlib import resources

import asyncpg

from api.core.database import operations
from api.core.schemas import Out

MOST_ROWS = 20


class Violation(Out, frozen=True, kw_only=True):
    """A row that breaks an invariant, by ids and codes alone."""

    invariant: str
    row: dict[str, str | None]


def invariants() -> dict[str, str]:
    """Give the invariants' queries by name."""
    folder = resources.files("api.core") / "invariants"
    return {
        file.name.removesuffix(".sql"): file.read_text()
        for file in sorted(folder.iterdir(), key=lambda file: file.name)
        if file.name.endswith(".sql")
    }


async def violations() -> list[Violation]:
    """Give the rows that break an invariant, at most 20 of each; an empty list is a sound database."""
    found = []
    async with operations() as connection:
        # A wall that hid a row would count as a clean bill: with row_security off it is an error instead.
        await connection.execute("SET LOCAL row_security = off")
        for name, query in invariants().items():
            rows = await connection.fetch(query)
            found += [Violation(invariant=name, row=_text(row)) for row in rows[:MOST_ROWS]]
    return found


def _text(row: asyncpg.Record) -> dict[str, str | None]:
    return {name: None if value is None else str(value) for name, value in row.items()}

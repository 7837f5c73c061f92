"""Loads what searching needs of the world: where French postcodes are, which words mean the same."""

import csv
import io
from itertools import permutations

import asyncpg


async def load_communes(connection: asyncpg.Connection, content: bytes) -> None:
    """Load `communes.csv` in place of what was there."""
    rows = csv.reader(io.StringIO(content.decode()))
    next(rows)
    await connection.execute("TRUNCATE commune")
    await connection.copy_records_to_table(
        "commune",
        records=(
            (code, insee, name, department, float(latitude), float(longitude), approximate == "1")
            for code, insee, name, department, latitude, longitude, approximate in rows
        ),
    )


async def load_synonyms(connection: asyncpg.Connection, content: bytes) -> None:
    """Load `synonyms.txt`, a group a line, in place of what was there; each word, in any form, means the others."""
    pairs = sorted({pair for line in content.decode().splitlines() for pair in permutations(line.split(), 2)})
    await connection.execute("TRUNCATE search_synonym")
    await connection.executemany(
        """INSERT INTO search_synonym SELECT key, $2 FROM unnest(search_keys(lower(unaccent($1)))) key
           WHERE key IS NOT NULL ON CONFLICT DO NOTHING""",
        pairs,
    )

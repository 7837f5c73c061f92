"""Reference data: what `migrations/data/` ships, loaded after the versions wherever a file has changed."""

from collections.abc import Awaitable, Callable
from hashlib import sha256
from pathlib import Path

import asyncpg

from migrations.reference_search import load_communes, load_synonyms
from migrations.reference_skills import load_causes, load_skills

DATA = Path(__file__).parent / "data"

Loader = Callable[[asyncpg.Connection, bytes], Awaitable[None]]
"""Puts a file's content into its tables; run again with the same content, it changes nothing."""
LOADERS: dict[str, Loader] = {
    "causes.json": load_causes,
    "skills.json": load_skills,
    "communes.csv": load_communes,
    "synonyms.txt": load_synonyms,
}
"""By file name, in the order of loading."""
_LOADED = """
    INSERT INTO reference_data VALUES ($1, $2, now())
    ON CONFLICT (name) DO UPDATE SET (digest, loaded_at) = (excluded.digest, excluded.loaded_at)
"""


async def load_reference(connection: asyncpg.Connection) -> None:
    """Load each file that is not the one loaded last, in the migration's transaction."""
    for name, load in LOADERS.items():
        content = (DATA / name).read_bytes()
        digest = sha256(content).digest()
        known = await connection.fetchval("SELECT digest FROM reference_data WHERE name = $1", name)
        if known != digest:
            await load(connection, content)
            await connection.execute(_LOADED, name, digest)

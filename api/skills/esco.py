"""Imports the official CSV files of ESCO, `skills_fr.csv` and `skills_en.csv` (esco.ec.europa.eu, "Download")."""

import csv
import re
from collections.abc import Collection, Iterator
from pathlib import Path

from api.core import clock
from api.core.database import Connection, operations
from api.core.language import Language, Words
from api.core.problems import Invalid
from api.core.schemas import Out

COLUMNS = {"conceptUri", "preferredLabel", "altLabels", "status"}
_URI = re.compile(r"http://data\.europa\.eu/esco/skill/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_STAGE = """
    CREATE TEMPORARY TABLE esco_row (language text, uri text, label text, aliases text[], obsolete boolean)
    ON COMMIT DROP
"""
_MERGE = """
    CREATE TEMPORARY TABLE esco_concept ON COMMIT DROP AS
    SELECT uri, min(label) FILTER (WHERE language = 'fr') AS fr, min(label) FILTER (WHERE language = 'en') AS en,
           array_agg(DISTINCT name ORDER BY name) AS names, bool_or(obsolete) AS obsolete
    FROM esco_row, unnest(aliases || label) name GROUP BY uri
"""
_UNKNOWN = "SELECT uri FROM unnest($1::text[]) uri EXCEPT SELECT uri FROM esco_concept ORDER BY uri LIMIT 1"
_ADD = """
    INSERT INTO skill (id, family_id, label_fr, label_en, esco_uri)
    SELECT 'esco-' || right(uri, 36), 'esco', fr, en, uri FROM esco_concept
    WHERE ($1::text[] IS NULL OR uri = ANY ($1)) AND fr IS NOT NULL AND en IS NOT NULL AND NOT obsolete
      AND NOT EXISTS (SELECT FROM skill WHERE esco_uri = uri)
    RETURNING id
"""
# A shipped skill keeps its labels, and all that ESCO calls it becomes an alias; an imported one is called as by ESCO.
_COMPLETE = """
    UPDATE skill s SET (label_fr, label_en, imported_aliases) = ROW (called.fr, called.en, more.aliases)
    FROM esco_concept c JOIN skill present ON present.esco_uri = c.uri,
    LATERAL (SELECT CASE present.family_id WHEN 'esco' THEN coalesce(c.fr, present.label_fr)
                    ELSE present.label_fr END AS fr,
                    CASE present.family_id WHEN 'esco' THEN coalesce(c.en, present.label_en)
                    ELSE present.label_en END AS en) called,
    LATERAL (SELECT ARRAY (
        SELECT name FROM unnest(c.names) name
        WHERE lower(name) NOT IN (SELECT lower(known) FROM unnest(present.aliases || called.fr || called.en) known)
        ORDER BY name) AS aliases) more
    WHERE s.id = present.id
      AND (s.label_fr, s.label_en, s.imported_aliases) IS DISTINCT FROM (called.fr, called.en, more.aliases)
    RETURNING s.id
"""
_DEPRECATE = """
    UPDATE skill SET deprecated_at = $1 FROM esco_concept
    WHERE esco_uri = uri AND obsolete AND deprecated_at IS NULL RETURNING id
"""


class Imported(Out, frozen=True, kw_only=True):
    """How many concepts were read, and how many skills were added, completed and deprecated."""

    concepts: int
    added: int
    completed: int
    deprecated: int


async def import_esco(
    french: Path, english: Path, add: Collection[str] | None = (), *, dry_run: bool = False
) -> Imported:
    """Complete the skills whose concepts are in the files; `add` names the URIs of new ones, None all of them.

    Obsolete concepts deprecate their skills. In a dry run everything is done and taken back. Raises Invalid.
    """
    async with operations() as connection:
        attempt = connection.transaction()
        await attempt.start()
        await _stage(connection, french, english)
        imported = await _apply(connection, add)
        await (attempt.rollback() if dry_run else attempt.commit())
    return imported


async def _stage(connection: Connection, french: Path, english: Path) -> None:
    await connection.execute(_STAGE)
    files: list[tuple[Language, Path]] = [("fr", french), ("en", english)]
    for language, path in files:
        await connection.copy_records_to_table("esco_row", records=_rows(language, path))
    await connection.execute(_MERGE)


async def _apply(connection: Connection, add: Collection[str] | None) -> Imported:
    wanted = None if add is None else list(add)
    if unknown := await connection.fetchval(_UNKNOWN, wanted or []):
        raise _refused(f"{unknown} is in neither file.", f"{unknown} n’est dans aucun des deux fichiers.")
    added = {row["id"] for row in await connection.fetch(_ADD, wanted)}
    completed = {row["id"] for row in await connection.fetch(_COMPLETE)}
    return Imported(
        concepts=await connection.fetchval("SELECT count(*) FROM esco_concept"),
        added=len(added),
        completed=len(completed - added),
        deprecated=len(await connection.fetch(_DEPRECATE, clock.now())),
    )


def _rows(language: Language, path: Path) -> Iterator[tuple[str, str, str, list[str], bool]]:
    """Read a file a row at a time; raises Invalid naming the file and the line."""
    line = 1
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            if missing := COLUMNS - set(reader.fieldnames or ()):
                names = ", ".join(sorted(missing))
                raise _refused(
                    f"{path.name}: columns are missing: {names}.", f"{path.name} : il manque {names}."
                )
            for row in reader:
                line = reader.line_num
                yield (language, *_concept(row))
    except (OSError, ValueError, csv.Error) as error:
        raise _refused(
            f"{path.name}, after line {line}: {error}.", f"{path.name}, après la ligne {line} : {error}."
        ) from None


def _concept(row: dict[str, str | None]) -> tuple[str, str, list[str], bool]:
    """Give a row's URI, label, aliases, and whether it is obsolete; raises ValueError."""
    uri, label = row["conceptUri"] or "", _line(row["preferredLabel"] or "")
    if not _URI.fullmatch(uri):
        raise ValueError(f"not the URI of a skill: {uri[:100]!r}")
    if not label:
        raise ValueError("no preferred label")
    aliases = [alias for text in (row["altLabels"] or "").split("\n") if (alias := _line(text))]
    return uri, label, aliases, row["status"] == "obsolete"


def _line(text: str) -> str:
    """Give a label on one line; raises ValueError where it cannot be one."""
    line = " ".join(text.split())
    if len(line) > 500 or _CONTROL.search(line):
        raise ValueError(f"not a label: {line[:100]!r}")
    return line


def _refused(english: str, french: str) -> Invalid:
    return Invalid(Words(english, french))

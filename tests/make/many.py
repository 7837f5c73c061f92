"""Missions by the hundred thousand: a territory written straight into a database, the same for the same seed."""

import asyncio
import csv
import json
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, time, timedelta
from itertools import accumulate
from pathlib import Path
from random import Random
from typing import Any, TypeVar
from uuid import UUID

import asyncpg

from api.core import clock
from api.dev.demo.days import Seeded
from migrations.reference import DATA
from tests.make.phrases import DELIVERABLES, NEEDS, PUBLICS, SENTENCES, SUMMARIES

T = TypeVar("T")
Row = dict[str, Any]

FORMATS = {
    "project": (45, (900, 9000)),
    "short": (25, (240, 1260)),
    "consultation": (15, (60, 60)),
    "mentoring": (10, (300, 3000)),
    "team_day": (5, (240, 480)),
}
"""By format: how many of a hundred missions, and the bounds of their effort in minutes."""
CITIES = ("75", "69", "13", "31", "44", "33", "59", "35", "67", "34")
"""Departments where two missions of three are."""
WRITERS = 4
_DAYS = 120
_PLANTED = "SELECT s.* FROM mission_shown s JOIN mission m USING (id) WHERE m.state = 'published'"
_FILL = f"""
    INSERT INTO mission_search {_PLANTED} AND m.reserved_to = '{{}}' AND hashtext(id::text) & 3 = $1
        AND NOT EXISTS (SELECT FROM mission_search WHERE id = m.id)
"""
_RESERVED = f"""
    INSERT INTO mission_reserved {_PLANTED} AND m.reserved_to <> '{{}}'
        AND NOT EXISTS (SELECT FROM mission_reserved WHERE id = m.id)
"""
_SEARCH_WORDS = """
    INSERT INTO search_word
    SELECT word FROM mission_search, regexp_split_to_table(lower(unaccent(title)), '[^[:alnum:]]+') word
    WHERE length(word) BETWEEN 4 AND 40 GROUP BY word ON CONFLICT DO NOTHING
"""
_INDEXES = """
    SELECT indexrelid::regclass::text AS name, pg_get_indexdef(indexrelid) AS definition FROM pg_index
    WHERE indrelid IN ('mission'::regclass, 'mission_search'::regclass) AND NOT indisunique
"""


async def plant_missions(
    url: str, missions: int, *, associations: int = 5_000, reserved_to: UUID | None = None, seed: int = 4
) -> None:
    """Write verified associations and their published missions, as a superuser; without a history.

    One mission in fifty is reserved to the company given.
    """
    chance = Seeded(seed)
    hosts = list(_associations(chance, associations))
    settings = {"session_replication_role": "replica", "synchronous_commit": "off", "work_mem": "256MB"}
    async with asyncpg.create_pool(url, min_size=WRITERS, max_size=WRITERS, server_settings=settings) as pool:
        indexes = await pool.fetch(_INDEXES)
        for index in indexes:
            await pool.execute(f"DROP INDEX {index['name']}")
        await _copy(pool, "association", hosts)
        await pool.execute("UPDATE association SET name_key = folded(name)")
        await _copy(pool, "mission", _missions(chance, missions, hosts, reserved_to))
        await pool.execute("ANALYZE mission, association")
        await asyncio.gather(*(pool.execute(_FILL, part) for part in range(WRITERS)), pool.execute(_RESERVED))
        await asyncio.gather(*(pool.execute(index["definition"]) for index in indexes))
        await pool.execute(_SEARCH_WORDS)
        await pool.execute("VACUUM ANALYZE")


async def _copy(pool: asyncpg.Pool, table: str, rows: Iterable[Row]) -> None:
    rows = iter(rows)
    first = next(rows)
    records = (tuple(row.values()) for row in _chained(first, rows))
    await pool.copy_records_to_table(table, records=records, columns=list(first))


def _chained(first: Row, rest: Iterator[Row]) -> Iterator[Row]:
    yield first
    yield from rest


def _associations(chance: Random, count: int) -> Iterator[Row]:
    places = _places(chance, count)
    for number, (code, _, city) in enumerate(places):
        public, causes = chance.choice(PUBLICS)
        name = f"{chance.choice(('Les amis', 'Collectif', 'Maison', 'Atelier', 'Réseau'))} {public} de {city}"
        yield {
            "id": _id(chance, clock.now() - timedelta(days=900)),
            "state": "verified",
            "name": name,
            "legal_form": "association",
            "purpose": f"Accompagner {public} à {city}.",
            "postal_code": code,
            "city": city,
            "causes": causes,
            "contact_email": f"contact@association-{number}.example",
            "created_at": clock.now() - timedelta(days=900),
        }


def _missions(chance: Random, count: int, hosts: list[Row], reserved_to: UUID | None) -> Iterator[Row]:
    today = clock.today("Europe/Paris")
    now = datetime.combine(today, time(), UTC)
    of_hosts = _skewed(chance, hosts, count)
    skills = _skewed(chance, [skill["id"] for skill in _data("skills.json", "skills")], 3 * count)
    causes = _skewed(chance, [cause["id"] for cause in _data("causes.json", "causes")], 2 * count)
    formats = chance.choices(list(FORMATS), [share for share, _ in FORMATS.values()], k=count)
    sentences = chance.choices(SENTENCES, k=4 * count)
    for n, (host, (code, label, city), format_) in enumerate(
        zip(of_hosts, _places(chance, count), formats, strict=True)
    ):
        need, words = chance.choice(NEEDS)
        public, _ = chance.choice(PUBLICS)
        published_at = now - timedelta(seconds=chance.randrange(180 * 86_400))
        starts_on = today + timedelta(days=chance.randrange(7, 7 + _DAYS))
        # A few have closed since, and wait for the schedule.
        apply_by = today - timedelta(days=3) if chance.random() < 0.01 else None
        low, high = FORMATS[format_][1]
        skilled = list(dict.fromkeys([*words, *skills[3 * n : 3 * n + chance.randrange(1, 4)]]))
        yield {
            "id": _id(chance, published_at),
            "association_id": host["id"],
            "state": "published",
            "title": f"{need} pour {public}",
            "summary": f"{chance.choice(SUMMARIES)} à {city}.",
            "description": " ".join((f"{host['name']} cherche de l’aide.", *sentences[4 * n : 4 * n + 4])),
            "deliverable": chance.choice(DELIVERABLES),
            "format": format_,
            "causes": list(dict.fromkeys(causes[2 * n : 2 * n + chance.randrange(1, 3)])),
            "skills": json.dumps(
                [{"skill": skill, "level": 1 + n % 3, "essential": n % 2 == 0} for skill in skilled]
            ),
            "places": 1 + n % 4,
            "taken": (1 + n % 4) * (chance.random() < 0.2),
            "effort_minutes": chance.randrange(low, high + 1, 30),
            "regimes": chance.choice(
                (["working_time"], ["personal_time"], ["working_time", "personal_time"])
            ),
            "remote": chance.choice(("no", "no", "possible", "full")),
            "location_label": label,
            "postal_code": code,
            "starts_on": starts_on,
            "ends_on": starts_on + timedelta(days=chance.randrange(1, 60)),
            "apply_by": apply_by,
            "closes_on": apply_by or starts_on,
            "languages": chance.choice((["fr"], ["fr"], ["fr"], ["fr", "en"], ["en"])),
            "created_by": host["id"],
            "created_at": published_at,
            "published_at": published_at,
            "reserved_to": [reserved_to] if reserved_to and n % 50 == 0 else [],
        }


def _data(name: str, key: str) -> list[dict[str, Any]]:
    read = json.loads((DATA / name).read_text())
    return list(read[key] if isinstance(read, dict) else read)


def _places(chance: Random, count: int) -> list[tuple[str, str, str]]:
    """Give postcode, label and name of communes, two in three of the great cities' departments."""
    with Path(DATA / "communes.csv").open() as file:
        communes = [(row["postal_code"], row["name"], row["name"]) for row in csv.DictReader(file)]
    weights = accumulate(20 if code[:2] in CITIES else 1 for code, *_ in communes)
    return chance.choices(communes, cum_weights=list(weights), k=count)


def _skewed(chance: Random, values: Sequence[T], count: int) -> list[T]:
    """Choose as people do: the first value twice as often as the second, three times as often as the third."""
    shuffled = chance.sample(values, len(values))
    return chance.choices(
        shuffled, cum_weights=list(accumulate(1 / rank for rank in range(1, len(values) + 1))), k=count
    )


def _id(chance: Random, instant: datetime) -> UUID:
    """Make a UUIDv7 of an instant (RFC 9562, 5.7)."""
    stamp = int(instant.timestamp() * 1000) << 80
    return UUID(int=stamp | 7 << 76 | chance.getrandbits(12) << 64 | 2 << 62 | chance.getrandbits(62))

"""Finding missions: by words, filters and distance, page after page, with counts of what each filter would leave."""

import zlib
from collections.abc import Sequence
from datetime import date, datetime
from functools import partial
from itertools import groupby
from typing import Any, Literal
from uuid import UUID

import msgspec
from msgspec import UNSET, UnsetType, structs

from api.core import clock, pagination
from api.core.database import Connection, fetch_all
from api.core.problems import Fault, Invalid
from api.missions.schemas_search import FacetCount, Found, MissionSummary
from api.organisations.policy import UNKNOWN_POSTAL_CODE

Sort = Literal["newest", "relevance", "distance", "starts"]
Facet = Literal["cause", "skill", "format", "remote", "regime", "language"]


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody looks for; null asks nothing. `near`: latitude and longitude, in degrees; `radius` in km."""

    association: UUID | None = None
    cause: Sequence[str] | None = None
    skill: Sequence[str] | None = None
    format: Sequence[str] | None = None
    remote: Sequence[str] | None = None
    regime: Sequence[str] | None = None
    language: Sequence[str] | None = None
    starts_after: date | None = None
    starts_before: date | None = None
    max_minutes: int | None = None
    has_places: bool = False
    near: tuple[float, float] | None = None
    radius: int = 20
    q: str | None = None
    sort: Sort = "newest"


class Placed(MissionSummary, frozen=True, kw_only=True):
    """A mission found, with its place in the order that was asked, and the words as they were understood."""

    straight: float | None = None
    tier: int | None = None
    words: bytes | None = None

    def shown(self) -> MissionSummary:
        """Give what is shown of it."""
        return MissionSummary(**{name: getattr(self, name) for name in MissionSummary.__struct_fields__})


FILTERS = {
    "open": "closes_at > $1",
    "association": "($2::uuid IS NULL OR association_id = $2)",
    "cause": "($3::text[] IS NULL OR causes && $3)",
    # A constant to the planner, which plans each question that filters: the ids of what replaced the skills asked for.
    "skill": "($4::text[] IS NULL OR skills && searched_skills($4))",
    # One alone is an equality to the planner, which has an index in the order of the list for it.
    "format": """($5::text[] IS NULL
                OR CASE cardinality($5::text[]) WHEN 1 THEN format = ($5::text[])[1] ELSE format = ANY ($5) END)""",
    "remote": "($6::text[] IS NULL OR remote = ANY ($6))",
    "regime": "($7::text[] IS NULL OR regimes && $7)",
    "language": "($8::text[] IS NULL OR languages && $8)",
    "starts_after": "($9::date IS NULL OR starts_on >= $9)",
    "starts_before": "($10::date IS NULL OR starts_on <= $10)",
    "max_minutes": "($11::int IS NULL OR effort_minutes <= $11)",
    "has_places": "(NOT $12::boolean OR places_left > 0)",
    "near": """($13::float8 IS NULL OR (spot <@ cube_enlarge(on_globe($13, $14), through_globe($15), 3)
                AND spot <-> on_globe($13, $14) <= through_globe($15)))""",
    "q": "($16::text IS NULL OR document @@ $16::text::tsquery)",
}
"""Every filter, by the parameter it answers; one that is not asked is a constant that the planner drops."""
_ASKED = ("now", *list(FILTERS)[1:-2], "latitude", "longitude", "radius", "words")
"""The parameters of the filters, in their order."""
_WHERE = "\n    AND ".join(FILTERS.values())
_BUT_WORDS = "\n    AND ".join(text for name, text in FILTERS.items() if name != "q")
_COLUMNS = """id, version, association_id, association_name, title, summary, format, causes, skills, places,
    places_left, effort_minutes, regimes, remote, location_label, postal_code, starts_on, ends_on, apply_by,
    languages, published_at, round(along_globe(spot <-> on_globe($13, $14))::numeric, 1)::float8 AS distance_km"""
_PUBLIC = "mission_search"
_RESERVED = "mission_reserved"
_BOTH = "(SELECT * FROM mission_search UNION ALL SELECT * FROM mission_reserved) AS shown"
_ORDER = {
    "newest": "ORDER BY published_at DESC, id DESC LIMIT $19",
    "starts": "ORDER BY starts_on, id LIMIT $19",
    "distance": "ORDER BY straight, id LIMIT $19",
}
_AFTER = {
    "newest": "($17::timestamptz IS NULL OR (published_at, id) < ($17, $18::uuid))",
    "starts": "($17::date IS NULL OR (starts_on, id) > ($17, $18::uuid))",
    "distance": "($17::float8 IS NULL OR (spot <-> on_globe($13, $14), id) > ($17, $18::uuid))",
    "tier": """($20::int IS NULL OR $20 < {tier}
                OR ($20 = {tier} AND (published_at, id) < ($17::timestamptz, $18::uuid)))""",
}
"""What comes after the last row seen."""
_SAYS, _TITLED = "document @@ $16::text::tsquery", "titles @@ $16::text::tsquery"
_TIERS = (
    (f"NOT silent AND {_TITLED}", _TITLED),
    (f"NOT silent AND {_SAYS} AND NOT {_TITLED}", _SAYS),
    (f"silent AND {_SAYS}", None),
)
"""Every word in the title; somewhere else; whatever left somebody without an answer. Each with its words' index."""
# How many missions say some words is a guess, and a plan on a wrong one reads nearly all. Each part is bounded instead:
# a window of the newest is walked, then what the index of the words gives of the older ones is put in order.
_WALKED = (
    "(SELECT * FROM mission_search WHERE {after} ORDER BY published_at DESC, id DESC LIMIT 1000) AS walked"
)
_SAID = "(SELECT * FROM mission_search WHERE {indexed} OFFSET 0) AS said"
_OLDER = """(published_at, id) < (SELECT published_at, id FROM mission_search WHERE {after}
    ORDER BY published_at DESC, id DESC LIMIT 1 OFFSET 999)"""
_PART = "(SELECT {number} AS tier, {columns} FROM {source} WHERE {where} {order})"
_WITH_RESERVED = """
    (SELECT * FROM ((SELECT * FROM ({public}) AS public LIMIT $19) UNION ALL {reserved}) AS tier {order})
"""
_QUERY = "SELECT {columns} FROM {source} WHERE {where} {order}"
_FOUND = "WITH found AS MATERIALIZED ({found}) {whole}"
_MERGED = "SELECT * FROM (({public}) UNION ALL ({reserved})) AS found {order}"


def _relevance(*, reserved: bool) -> str:
    """Ask tier by tier, the newest first: an Append asks a branch for nothing until those before it have given all."""
    tiers = []
    for number, (words, indexed) in enumerate(_TIERS, 1):
        after = _AFTER["tier"].replace("{tier}", str(number))
        where = f"{_BUT_WORDS} AND {words} AND {after}"
        part = partial(_PART.format, number=number, columns=_COLUMNS, order=_ORDER["newest"])
        tier = part(source=_PUBLIC, where=where)
        if indexed:
            older = f"{where} AND {_OLDER.format(after=after)}"
            walked, said = _WALKED.format(after=after), _SAID.format(indexed=indexed)
            tier = " UNION ALL ".join((part(source=walked, where=where), part(source=said, where=older)))
        if reserved:
            apart = part(source=_RESERVED, where=where)
            tier = _WITH_RESERVED.format(public=tier, reserved=apart, order=_ORDER["newest"])
        tiers.append(tier)
    return " UNION ALL ".join(tiers) + " LIMIT $19"


def _asked(columns: str, sort: str, where: str | None = None, *, reserved: bool) -> str:
    """Ask in an order; reserved missions are asked apart and put in order after: together, all would be read."""
    where = where or f"{_WHERE} AND {_AFTER[sort]}"
    query = partial(_QUERY.format, columns=columns, where=where, order=_ORDER[sort])
    public, apart = (query(source=source) for source in (_PUBLIC, _RESERVED))
    return _MERGED.format(public=public, reserved=apart, order=_ORDER[sort]) if reserved else public


def _newest(*, reserved: bool) -> str:
    """Find first, in the index that gives the order and holds what the filters look at; read whole what is shown."""
    found = _asked("id, published_at", "newest", reserved=reserved)
    whole = _asked(_COLUMNS, "newest", "id = ANY (ARRAY(SELECT id FROM found))", reserved=reserved)
    return _FOUND.format(found=found, whole=whole)


def _written(*, reserved: bool) -> dict[str, str]:
    straight = f"spot <-> on_globe($13, $14) AS straight, {_COLUMNS}"
    return {
        "all": _asked(_COLUMNS, "newest", reserved=reserved),
        "newest": _newest(reserved=reserved),
        "starts": _asked(_COLUMNS, "starts", reserved=reserved),
        "distance": _asked(straight, "distance", reserved=reserved),
        "relevance": _relevance(reserved=reserved),
    }


_STATEMENTS = {reserved: _written(reserved=reserved) for reserved in (False, True)}
_PLAIN = Question()
_KEYS: dict[str, tuple[tuple[str, ...], tuple[Any, ...]]] = {
    "newest": (("published_at", "id"), (datetime, UUID)),
    "starts": (("starts_on", "id"), (date, UUID)),
    "distance": (("straight", "id"), (float, UUID)),
    "relevance": (("published_at", "id", "tier"), (datetime, UUID, int)),
}
"""By sort: the fields of its cursor, and their types."""
COUNTED = 10_000
"""How many missions a facet counts at most, the newest: what a page of counts costs stays bounded."""
_VALUES: dict[str, str] = {
    "cause": "unnest(causes)",
    "skill": "unnest(skills)",
    "format": "format",
    "remote": "remote",
    "regime": "unnest(regimes)",
    "language": "unnest(languages)",
}
_FACET = """
    SELECT '{name}' AS facet, {value} AS value, count(*) AS count
    FROM (SELECT * FROM {source} WHERE {where} ORDER BY published_at DESC, id DESC LIMIT {counted}) newest
    GROUP BY value
"""
# Its own filter is named and lifted: every parameter is still one of the statement.
_FACETS: dict[str, str] = {
    name: _FACET.format(
        name=name,
        value=value,
        source="{source}",
        where=_WHERE.replace(FILTERS[name], f"({FILTERS[name]} OR true)"),
        counted=COUNTED,
    )
    for name, value in _VALUES.items()
}
_WORDS = "SELECT search_query($1)::text"
_POINT = "SELECT avg(latitude) AS latitude, avg(longitude) AS longitude FROM commune WHERE postal_code = $1"
_points: dict[str, tuple[float, float]] = {}


async def search_missions(
    connection: Connection,
    question: Question,
    limit: int,
    cursor: str | None,
    facets: Sequence[Facet] = (),
    *,
    reserved: bool = False,
) -> Found:
    """List the missions that anyone may see, and, where asked, those reserved to the company within whose walls we are.

    `relevance` gives those whose title says every word before those that say it anywhere, each the newest first, and
    last of all those that left somebody without an answer.
    `facets` counts, of the newest 10 000 that match, what each value of a filter would leave, that filter aside.
    A mission without a place is near nothing. Raises Malformed.
    """
    asked = ("missions", question)
    fields, types = _KEYS[question.sort]
    if question.q is not None:
        # What words mean depends on what is published: all pages answer what the first one understood.
        fields, types = (*fields, "words"), (*types, bytes)
    last = pagination.read_cursor(cursor, asked, *types)
    if last and question.q is not None:
        words: str | None = zlib.decompress(last[-1]).decode()
    else:
        words = await read_words(connection, question.q)
    if question.q is not None and words is None:
        return Found(items=[], next=None, facets={name: [] for name in facets} or UNSET)
    query, given = statement(question, words, last or (None, None, None), limit + 1, reserved=reserved)
    shape = MissionSummary if words is None and question.sort in ("newest", "starts") else Placed
    rows = await fetch_all(connection, shape, query, *given)
    if words is not None and len(rows) > limit:
        rows[limit - 1] = structs.replace(rows[limit - 1], words=zlib.compress(words.encode()))
    page = pagination.page(rows, limit, asked, *fields)
    items = [row.shown() if isinstance(row, Placed) else row for row in page.items]
    counts = await _facets(connection, facets, _BOTH if reserved else _PUBLIC, given[: len(_ASKED)])
    return Found(items=items, next=page.next, facets=counts)


async def read_words(connection: Connection, typed: str | None) -> str | None:
    """Give what words mean as a query of the documents; None where there are none, or stop words alone."""
    meant: str | None = await connection.fetchval(_WORDS, typed) if typed is not None else None
    return meant


def statement(
    question: Question,
    words: str | None,
    last: tuple[Any, ...] = (None, None, None),
    limit: int = 21,
    *,
    reserved: bool = False,
) -> tuple[str, list[Any]]:
    """Give the one statement that answers a question after the last row seen, and its parameters."""
    latitude, longitude = question.near or (None, None)
    given = [
        clock.now(),
        *(getattr(question, name) for name in _ASKED[1:-4]),
        *(latitude, longitude, question.radius, words),
    ]
    given += [*last[:2], limit]
    if question.sort == "relevance":
        given.append(last[2])
    return _STATEMENTS[reserved]["all" if question == _PLAIN else question.sort], given


async def point_of(connection: Connection, postal_code: str) -> tuple[float, float]:
    """Give the middle of a French postcode, in degrees; raises Invalid where there is no such postcode."""
    if postal_code not in _points:
        row = await connection.fetchrow(_POINT, postal_code)
        if row["latitude"] is None:
            raise Invalid(faults=[Fault("/postal_code", *UNKNOWN_POSTAL_CODE)])
        _points[postal_code] = (row["latitude"], row["longitude"])
    return _points[postal_code]


async def _facets(
    connection: Connection, facets: Sequence[Facet], source: str, given: list[Any]
) -> dict[str, list[FacetCount]] | UnsetType:
    """Count each facet without its own filter, in one statement."""
    if not facets:
        return UNSET
    query = " UNION ALL ".join(_FACETS[name] for name in dict.fromkeys(facets))
    query = query.replace("{source}", source) + " ORDER BY facet, count DESC, value"
    rows = await connection.fetch(query, *given)
    counted: dict[str, list[FacetCount]] = {name: [] for name in facets}
    for name, group in groupby(rows, key=lambda row: row["facet"]):
        counted[name] = [FacetCount(value=row["value"], count=row["count"]) for row in group]
    return counted

"""The peer's search: a select put together from the filters that were asked for."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Double,
    Numeric,
    Select,
    Text,
    cast,
    func,
    literal_column,
    null,
    select,
    tuple_,
    union_all,
)
from sqlalchemy.dialects.postgresql import TSQUERY
from sqlalchemy.ext.asyncio import AsyncSession

from tests.bench.peer.schemas import MissionSummary
from tests.bench.peer.tables import MissionReserved, MissionSearch

SPOT: ColumnElement[Any] = literal_column("spot")
DOCUMENT: ColumnElement[Any] = literal_column("document")
TITLES: ColumnElement[Any] = literal_column("titles")
SHOWN = [name for name in MissionSummary.model_fields if name != "distance_km"]


@dataclass
class Asked:
    """What somebody looks for."""

    q: str | None
    association: UUID | None
    cause: list[str] | None
    skill: list[str] | None
    format: list[str] | None
    remote: list[str] | None
    regime: list[str] | None
    language: list[str] | None
    near: tuple[float, float] | None
    radius: int
    starts_after: date | None
    starts_before: date | None
    max_minutes: int | None
    has_places: bool
    after: tuple[datetime, UUID] | None


async def search(session: AsyncSession, asked: Asked, limit: int) -> list[MissionSummary]:
    """Give the first missions: those whose titles say it, the others, the silent; each the newest first."""
    if asked.q is None:
        return await _read(session, asked, limit)
    words = await session.scalar(select(func.search_query(asked.q)))
    if words is None:
        return []
    query = cast(cast(words, Text), TSQUERY)
    anywhere, in_title = DOCUMENT.op("@@")(query), TITLES.op("@@")(query)
    silent: ColumnElement[bool] = literal_column("silent")
    found: list[MissionSummary] = []
    for tier in ([~silent, in_title], [~silent, anywhere, ~in_title], [silent, anywhere]):
        if len(found) < limit:
            found += await _read(session, asked, limit - len(found), *tier)
    return found


async def _read(
    session: AsyncSession, asked: Asked, limit: int, *more: ColumnElement[bool]
) -> list[MissionSummary]:
    rows = await session.execute(_query(session, asked, limit, *more))
    return [MissionSummary.model_validate(row) for row in rows]


def _query(session: AsyncSession, asked: Asked, limit: int, *more: ColumnElement[bool]) -> Select[Any]:
    sources = [MissionSearch, MissionReserved] if session.info["company_id"] else [MissionSearch]
    branches = [
        select(*(getattr(source, name) for name in SHOWN), _distance(asked).label("distance_km"))
        .where(*_filters(source, asked), *more)
        .order_by(source.published_at.desc(), source.id.desc())
        .limit(limit)
        for source in sources
    ]
    found = union_all(*(select(branch.subquery()) for branch in branches)).subquery()
    return select(found).order_by(found.c.published_at.desc(), found.c.id.desc()).limit(limit)


def _filters(source: Any, asked: Asked) -> Iterator[ColumnElement[bool]]:
    yield source.closes_at > datetime.now(UTC)
    for wanted, filtered in (
        (asked.cause, lambda: source.causes.overlap(asked.cause)),
        (asked.skill, lambda: source.skills.overlap(asked.skill)),
        (asked.regime, lambda: source.regimes.overlap(asked.regime)),
        (asked.language, lambda: source.languages.overlap(asked.language)),
        (asked.format, lambda: source.format.in_(asked.format)),
        (asked.remote, lambda: source.remote.in_(asked.remote)),
        (asked.association, lambda: source.association_id == asked.association),
        (asked.starts_after, lambda: source.starts_on >= asked.starts_after),
        (asked.starts_before, lambda: source.starts_on <= asked.starts_before),
        (asked.max_minutes, lambda: source.effort_minutes <= asked.max_minutes),
        (asked.has_places, lambda: source.places_left > 0),
        (asked.after, lambda: tuple_(source.published_at, source.id) < asked.after),
    ):
        if wanted:
            yield filtered()
    if asked.near:
        through = func.through_globe(float(asked.radius))
        here = func.on_globe(*asked.near)
        yield SPOT.op("<@")(func.cube_enlarge(here, through, 3))
        yield SPOT.op("<->")(here) <= through


def _distance(asked: Asked) -> ColumnElement[Any]:
    if asked.near is None:
        return null()
    along = func.along_globe(SPOT.op("<->")(func.on_globe(*asked.near)))
    return cast(func.round(cast(along, Numeric), 1), Double)

"""Search over HTTP; `routes` registers it, for its path is also that of createMission."""

import re
from collections.abc import Iterator
from datetime import date
from typing import Annotated
from uuid import UUID

from litestar import get
from litestar.params import FromQuery, QueryParameter
from msgspec import structs

from api.core.actor import Actor, public
from api.core.database import read
from api.core.language import Words
from api.core.pagination import CursorText, Limit
from api.core.parameters import pasted
from api.core.problems import Fault, Invalid
from api.core.routing import Reader
from api.core.schemas import POSTCODE
from api.missions.schemas import LanguageCode, Remote, SkillId
from api.missions.schemas_search import Found
from api.missions.search import Facet, Question, Sort, point_of, search_missions
from api.organisations.schemas import Cause, Format, Regime

_NEAR = re.compile(r"(-?\d{1,2}(?:\.\d{1,10})?) ?, ?(-?\d{1,3}(?:\.\d{1,10})?)")
FEW = 20
"""How many values of one filter, at most."""
_SOME = QueryParameter(max_items=FEW)
Typed = Annotated[
    str | None,
    QueryParameter(
        max_length=200,
        description="Words, French or English; accents are forgiven, typing errors in those of titles and skills too.",
    ),
]
Near = Annotated[str | None, QueryParameter(max_length=40, description="`latitude,longitude`.")]
Postcode = Annotated[str | None, QueryParameter(pattern=POSTCODE, description="A French postcode.")]
Radius = Annotated[int | None, QueryParameter(ge=1, le=300, description="Around the point: 20 when missing.")]
Order = Annotated[
    Sort | None, QueryParameter(description="`relevance` where words are given, else `newest`.")
]
Facets = Annotated[
    list[Facet] | None, QueryParameter(max_items=FEW, description="Filters whose values to count.")
]
Formats = Annotated[list[Format] | None, QueryParameter(name="format", max_items=FEW)]
HasPlaces = Annotated[bool, QueryParameter(description="Only where a place is left.")]


def misplaced(given: dict[str, str]) -> Iterator[Fault]:
    """Name what of a question, as it was typed, says nothing without another parameter, or against it."""
    near, sort = given.get("near"), given.get("sort")
    if near is not None and _point(near) is None:
        words = Words("Latitude and longitude, in degrees.", "Latitude et longitude, en degrés.")
        yield Fault("/near", "invalid", words)
    if near is not None and "postal_code" in given:
        words = Words("A point or a postcode, not both.", "Un point ou un code postal, pas les deux.")
        yield Fault("/postal_code", "point-given-twice", words)
    placed = near is not None or "postal_code" in given
    needed = Words("Give a point or a postcode.", "Donnez un point ou un code postal.")
    if "radius_km" in given and not placed:
        yield Fault("/radius_km", "point-missing", needed)
    if sort == "distance" and not placed:
        yield Fault("/sort", "point-missing", needed)
    if sort == "relevance" and not _words(given.get("q")):
        yield Fault("/sort", "words-missing", Words("Give some words: q.", "Donnez des mots : q."))


@get(
    "/v1/missions",
    operation_id="searchMissions",
    guards=[public],
    raises=[Invalid],
    opt={"query_rules": misplaced},
)
async def search(
    request: Reader,
    q: Typed = None,
    association: FromQuery[UUID | None] = None,
    cause: Annotated[list[Cause] | None, _SOME] = None,
    skill: Annotated[list[SkillId] | None, _SOME] = None,
    formats: Formats = None,
    remote: Annotated[list[Remote] | None, _SOME] = None,
    regime: Annotated[list[Regime] | None, _SOME] = None,
    language: Annotated[list[LanguageCode] | None, _SOME] = None,
    starts_after: FromQuery[date | None] = None,
    starts_before: FromQuery[date | None] = None,
    max_minutes: Annotated[int | None, QueryParameter(ge=1, le=1_000_000)] = None,
    has_places: HasPlaces = False,
    near: Near = None,
    postal_code: Postcode = None,
    radius_km: Radius = None,
    sort: Order = None,
    facets: Facets = None,
    limit: Limit = 20,
    cursor: CursorText = None,
) -> Found:
    """Find published missions, and those reserved to the caller's company."""
    question = Question(
        association=association,
        cause=cause,
        skill=skill,
        format=formats,
        remote=remote,
        regime=regime,
        language=language,
        starts_after=starts_after,
        starts_before=starts_before,
        max_minutes=max_minutes,
        has_places=has_places,
        near=_point(near),
        radius=radius_km or 20,
        q=_words(q),
        sort=sort or ("relevance" if _words(q) else "newest"),
    )
    return await _found(request.user, question, postal_code, limit, cursor, facets or [])


async def _found(
    viewer: Actor | None,
    question: Question,
    postal_code: str | None,
    limit: int,
    cursor: str | None,
    facets: list[Facet],
) -> Found:
    """Answer within the walls of the caller's company, if any; the plain list needs no plan of its own."""
    employee = viewer if viewer and viewer.company_id else None
    plain = question == Question() and not postal_code
    async with read(employee, planned=not plain) as connection:
        if postal_code:
            question = structs.replace(question, near=await point_of(connection, postal_code))
        return await search_missions(
            connection, question, limit, cursor, facets, reserved=employee is not None
        )


def _words(q: str | None) -> str | None:
    return pasted(q or "").strip() or None


def _point(near: str | None) -> tuple[float, float] | None:
    found = _NEAR.fullmatch(near) if near else None
    if found is None:
        return None
    latitude, longitude = float(found[1]), float(found[2])
    return (latitude, longitude) if abs(latitude) <= 90 and abs(longitude) <= 180 else None

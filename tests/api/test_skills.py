"""The list of skills: found as it is typed, in both languages, at any size, whatever is typed."""

import re
from collections.abc import AsyncIterator
from typing import Any, get_args
from urllib.parse import quote

import asyncpg
import httpx
import pytest
import pytest_asyncio
from litestar import Litestar

from api.core.database import Connection, read
from api.core.settings import Settings
from api.organisations.schemas import Cause
from api.skills import queries
from tests.api.core.asking import assert_problem
from tests.make.clone import cloned
from tests.make.served import served
from tests.make.world import World

ESCO_SIZE = """
    INSERT INTO skill (id, family_id, label_fr, label_en, imported_aliases, esco_uri)
    SELECT 'esco-' || n, 'esco', fr.verb || ' ' || fr.noun || ' ' || n, en.verb || ' ' || en.noun || ' ' || n,
           ARRAY[en.noun || ' ' || en.verb, fr.noun || ' de type ' || n],
           'http://data.europa.eu/esco/skill/' || n
    FROM generate_series(1, 13900) n,
    LATERAL (SELECT (ARRAY['gérer', 'élaborer', 'contrôler', 'réparer', 'présenter'])[n % 5 + 1] AS verb,
                    (ARRAY['un musée', 'des équipements', 'la comptabilité', 'un réseau', 'des véhicules',
                           'un vignoble', 'une école'])[n % 7 + 1] AS noun) fr,
    LATERAL (SELECT (ARRAY['manage', 'develop', 'inspect', 'repair', 'present'])[n % 5 + 1] AS verb,
                    (ARRAY['museum', 'equipment', 'accounts', 'network', 'vehicles', 'vineyard', 'school'])[n % 7 + 1]
                        AS noun) en;
    ANALYZE skill
"""


async def labels(world: World, query: str) -> list[str]:
    """Give the labels of the first page of an answer."""
    return [item["label"] for item in (await world.ok(None, "GET", f"/v1/skills?{query}"))["items"]]


@pytest.mark.parametrize(
    ("typed", "first"),
    [
        ("comptabilite", "Comptabilité"),
        ("COMPTABILITÉ", "Comptabilité"),
        ("comptabilite\u0301", "Comptabilité"),
        ("compta", "Comptabilité"),
        ("graphsime", "Graphisme"),
        ("traducton", "Traduction"),
        ("rgpd", "Protection des données (RGPD)"),
        ("gdpr", "Protection des données (RGPD)"),
        ("excel", "Tableur"),
        ("gestion projet", "Gestion de projet"),
        ("l'accessibilité numérique", "Accessibilité numérique"),
        ("bookkeeping", "Comptabilité"),
        ("droit du travai", "Droit du travail"),
        ("accounting", "Comptabilité"),
        ("Translation", "Traduction"),
        ("translat", "Traduction"),
        ("Real estate", "Immobilier"),
        ("Customer relations", "Relation usagers et clients"),
        ("comptablité", "Comptabilité"),
        ("Espganol", "Espagnol"),
        ("Allmeand", "Allemand"),
        ("Alllemand", "Allemand"),
    ],
)
async def test_what_is_typed_finds_what_is_meant(world: World, typed: str, first: str) -> None:
    assert (await labels(world, f"q={quote(typed)}"))[0] == first


async def test_whole_names_come_first_then_what_they_begin_with_then_their_words_and_typos_alone(
    world: World,
) -> None:
    async def places(typed: str) -> list[int]:
        page = await world.ok(None, "GET", f"/v1/skills?q={typed}&limit=100")
        return [place_of(item, typed) for item in page["items"]]

    assert set(await places("compta")) == {1, 2, 5}
    assert set(await places("graphsime")) == {6}
    assert set(await places("co")) == {2, 3, 4, 5}
    for typed in ("compta", "communication", "design", "co", "accounting", "web design"):
        assert await places(typed) == sorted(await places(typed)), typed


def place_of(item: dict[str, Any], typed: str) -> int:
    """Tell by plain reading how a skill answers what is typed, where no accent is in play."""
    labels = [plain(item["label_fr"]), plain(item["label_en"])]
    names = labels + [plain(alias) for alias in item["aliases"]]
    answers = (
        typed in labels,
        typed in names,
        labels[0].startswith(typed),
        any(name.startswith(typed) for name in names),
        f" {typed}" in labels[0],
        any(f" {typed}" in name for name in names),
        True,
    )
    return answers.index(True)


def plain(name: str) -> str:
    """Write a name with one space between its words."""
    return " ".join(re.findall(r"\w+", name.lower()))


async def test_the_language_decides_the_label_and_the_order(world: World) -> None:
    for headers, query, language in (
        ({}, "", "fr"),
        ({"accept_language": "en-GB,fr;q=0.5"}, "", "en"),
        ({"accept_language": "de"}, "", "fr"),
        ({"accept_language": "en"}, "&lang=fr", "fr"),
        ({}, "&lang=en", "en"),
    ):
        answer = await world.call(None, "GET", f"/v1/skills?limit=100{query}", **headers)
        items = answer.json()["items"]
        assert [item["label"] for item in items] == [item[f"label_{language}"] for item in items], query
        assert all(item["family"]["label"] == item["family"][f"label_{language}"] for item in items)
    english = await labels(world, "lang=en&limit=100")
    assert english == sorted(english, key=str.lower)
    assert_problem(await world.call(None, "GET", "/v1/skills?lang=de"), 422, "invalid", "/lang")


async def test_pages_hold_every_skill_once_in_order(world: World) -> None:
    for query in ("", "q=gestion&", "family=finance&", "q=co&lang=en&"):
        whole, cursor = [], ""
        while cursor is not None:
            page = await world.ok(None, "GET", f"/v1/skills?{query}limit=7{cursor and f'&cursor={cursor}'}")
            whole += [item["id"] for item in page["items"]]
            cursor = page["next"]
        assert len(whole) == len(set(whole)) > 7, query
        at_once = await world.ok(None, "GET", f"/v1/skills?{query}limit=100")
        assert whole[:100] == [item["id"] for item in at_once["items"]], query
    page = await world.ok(None, "GET", "/v1/skills?q=gestion&limit=1")
    for other in ("q=gestio", "", "q=gestion&lang=en", "q=gestion&family=finance"):
        answer = await world.call(None, "GET", f"/v1/skills?{other}&cursor={page['next']}".replace("?&", "?"))
        assert_problem(answer, 400, "malformed")


async def test_a_family_holds_its_own(world: World) -> None:
    page = await world.ok(None, "GET", "/v1/skills?family=law&limit=100")
    assert {item["family"]["id"] for item in page["items"]} == {"law"}
    assert len(page["items"]) > 10
    found = await world.ok(None, "GET", "/v1/skills?family=law&q=droit")
    assert {item["family"]["id"] for item in found["items"]} == {"law"}
    assert (await world.ok(None, "GET", "/v1/skills?family=nothing-here"))["items"] == []


async def test_a_skill_is_given_whole(world: World) -> None:
    skill = await world.ok(None, "GET", "/v1/skills/accounting?lang=en")
    assert skill == {
        "id": "accounting",
        "family": {
            "id": "finance",
            "label": "Finance and accounting",
            "label_fr": "Finance et comptabilité",
            "label_en": "Finance and accounting",
        },
        "label": "Accounting",
        "label_fr": "Comptabilité",
        "label_en": "Accounting",
        "aliases": skill["aliases"],
        "esco_uri": "http://data.europa.eu/esco/skill/ecc18804-a466-40d9-98b4-fba5cd67dd4b",
        "rome_code": "M1203",
        "deprecated_at": None,
        "replaced_by": None,
    }
    assert "compta" in skill["aliases"]
    for unknown in ("nothing-here", "Accounting", "%F0%9F%A6%86", "a" * 1900):
        assert_problem(await world.call(None, "GET", f"/v1/skills/{unknown}"), 404, "not-found")


async def test_what_the_reader_holds_is_not_sent_again(world: World) -> None:
    for path in ("/v1/skills", "/v1/skills?q=compta", "/v1/skills/accounting", "/v1/causes"):
        first = await world.call(None, "GET", path)
        again = await world.call(None, "GET", path, if_none_match=first.headers["etag"])
        assert (again.status_code, again.content) == (304, b""), path
        other = await world.call(None, "GET", path, if_none_match=first.headers["etag"], accept_language="en")
        assert other.status_code == 200, path
        assert "Accept-Language" in first.headers["vary"]


@pytest.mark.parametrize(
    "typed",
    [
        *(
            "%",
            "_",
            "\\",
            "'",
            '"',
            "' OR 1=1 --",
            "a%b_c",
            "& | ! ( ) <-> :*",
            "%%%%",
            "*",
            "   ",
            "🦆",
            "+",
            "c++",
            "#",
        ),
        *("\n", "a\nb", "a " * 50, "a" * 100, "é" * 100, "%" * 100, "ﷺ" * 100, "\u200b", "´ǅ½"),
    ],
)
async def test_a_hostile_q_is_read_as_text(world: World, typed: str) -> None:
    answer = await world.call(None, "GET", f"/v1/skills?q={quote(typed)}")
    assert answer.status_code == 200, answer.text
    if not any(character.isalnum() or character in "+#" for character in typed):
        assert answer.json() == {"items": [], "next": None}


@pytest.mark.parametrize(
    "typed", ["", "a" * 101, "a" * 10_000, "%00", "compta%00", "%FF", "%1B%5B0m", "%E2%80%AEa"]
)
async def test_a_q_that_nobody_types_is_refused(world: World, typed: str) -> None:
    assert_problem(await world.call(None, "GET", f"/v1/skills?q={typed}"), 422, "invalid", "/q")


async def test_causes_are_those_of_the_contract_with_their_goals(world: World) -> None:
    french, english = [
        (await world.ok(None, "GET", f"/v1/causes?lang={language}"))["items"] for language in ("fr", "en")
    ]
    assert {cause["id"] for cause in french} == set(get_args(Cause))
    assert len(french) == 20
    assert (french[-1]["id"], french[-1]["sdgs"]) == ("autre", [])
    assert all(cause["sdgs"] for cause in french[:-1])
    assert [cause["label"] for cause in english] == [cause["label_en"] for cause in english]
    assert [cause["label"] for cause in french] == [cause["label_fr"] for cause in french]


@pytest_asyncio.fixture
async def large(
    app: Litestar, environment: dict[str, str]
) -> AsyncIterator[tuple[httpx.AsyncClient, Settings]]:
    """The list with all of ESCO added."""
    origin = "SET session_replication_role = origin"  # the trigger writes what is searched
    async with cloned(environment, origin, ESCO_SIZE) as settings, served(app, settings) as client:
        yield client, settings


async def scanned(connection: Connection) -> int:
    """Give how often this session read the whole table of skills, since its last report."""
    query = "SELECT coalesce(sum(seq_scan), 0) FROM pg_stat_xact_user_tables WHERE relname = 'skill'"
    return int(await connection.fetchval(query))


@pytest.mark.usefixtures("large")
async def test_no_search_reads_the_whole_of_a_full_list() -> None:
    async with read(None) as connection, connection.transaction():
        before = await scanned(connection)
        for typed in ("comptabilite", "graphsime", "vinyard", "gérer un réseau", "zzqqk", "%", "a" * 100):
            page = await queries.search_skills(connection, typed, "fr", None, 20, None)
            assert (typed, bool(page.items)) == (typed, typed not in ("%", "zzqqk", "a" * 100))
        for family in (None, "law", "esco"):
            cursor = None
            # Often enough for PostgreSQL to settle on one plan for all values.
            for _ in range(8):
                listed = await queries.list_skills(connection, "en", family, 20, cursor)
                cursor = listed.next
                assert listed.items
                if cursor is None:
                    break
        assert await scanned(connection) == before


async def test_the_plan_of_a_search_is_its_index(large: tuple[httpx.AsyncClient, Settings]) -> None:
    connection = await asyncpg.connect(large[1].database_url)
    try:
        function = "SELECT prosrc, proconfig FROM pg_proc WHERE proname = 'skills_like'"
        body, settings = await connection.fetchrow(function)
        for setting in settings:
            await connection.execute(f"SET {setting}")
        for typed in ("graphsime", "comptabilite", "c"):
            plan = await connection.fetch("EXPLAIN " + body.replace("typed", f"'{typed}'"))
            assert "Bitmap Index Scan on skill_trigrams" in str(plan), plan
            assert "Seq Scan" not in str(plan), plan
    finally:
        await connection.close()


async def test_a_shipped_skill_is_found_among_all_of_esco(
    large: tuple[httpx.AsyncClient, Settings],
) -> None:
    for typed, first in (("comptabilite", "accounting"), ("graphsime", "graphic-design")):
        answer = await large[0].get(f"/v1/skills?q={typed}")
        assert answer.json()["items"][0]["id"] == first

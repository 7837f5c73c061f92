"""How the database finds missions among many: never by reading them all."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any
from uuid import UUID

import asyncpg
import msgspec
import pytest
import pytest_asyncio

from api.core import clock
from api.core.database import _PLANNED, Connection
from api.missions.search import Question, read_words, statement
from tests.make.clone import cloned, superuser_url
from tests.make.many import plant_missions
from tests.schema.test_personal_data import database_of

LYON = (45.7452, 4.8420)
TODAY = clock.today("Europe/Paris")
COMPANY = UUID(int=1)
"""Whom one mission in fifty is reserved to, and who asks."""
QUESTIONS = {
    "the list": Question(),
    "open places": Question(has_places=True),
    "a common cause": Question(cause=["education"]),
    "a rare cause": Question(cause=["gestion-finance-droit"]),
    "a rare skill": Question(skill=["translation"]),
    "two filters": Question(skill=["accounting"], cause=["education"]),
    "many filters": Question(
        format=["short"], remote=["full"], regime=["working_time"], language=["fr"], max_minutes=2_000
    ),
    "by their start": Question(sort="starts", starts_after=TODAY + timedelta(days=30)),
    "around Lyon": Question(near=LYON, radius=10),
    "the nearest": Question(near=LYON, radius=50, sort="distance"),
    "a common word": Question(q="association", sort="relevance"),
    "words": Question(q="refonte site internet", sort="relevance"),
    "words, the newest": Question(q="comptabilite", sort="newest"),
    "a word of no title": Question(q="cybersécurité", sort="relevance"),
    "a mistyped word": Question(q="comtpabilité", sort="relevance"),
    "words around Lyon": Question(q="comptabilite", near=LYON, radius=30, sort="distance"),
}

ORDERED = """
    SELECT id FROM mission_search WHERE closes_at > $2 AND document @@ $1::text::tsquery
    ORDER BY silent, NOT titles @@ $1::text::tsquery, published_at DESC, id DESC
"""
"""Every mission that says the words, put in order at once."""


@pytest_asyncio.fixture(
    params=[20_000, pytest.param(200_000, marks=pytest.mark.prove)], scope="module", loop_scope="session"
)
async def crowd(
    request: pytest.FixtureRequest, environment: dict[str, str]
) -> AsyncIterator[asyncpg.Connection]:
    """A connection of the application's role to a database of so many missions."""
    async with cloned(environment) as settings:
        url = superuser_url(environment, database_of(settings))
        await plant_missions(url, request.param, associations=request.param // 40, reserved_to=COMPANY)
        connection = await asyncpg.connect(settings.database_url, connection_class=Connection)
        yield connection
        await connection.close()


def nodes(plan: dict[str, Any]) -> list[dict[str, Any]]:
    """Give every node of a plan that is executed."""
    own = [] if plan.get("Actual Loops") == 0 else [plan]
    return own + [node for child in plan.get("Plans", []) for node in nodes(child)]


async def explained(
    connection: asyncpg.Connection, question: Question, *, reserved: bool = False
) -> list[dict[str, Any]]:
    """Run a question, as anyone or as an employee, and give the nodes of its plan."""
    async with connection.transaction(readonly=True):
        await connection.execute(_PLANNED.removeprefix("; "))
        await connection.execute("SELECT set_config('app.company', $1, true)", str(COMPANY))
        words = await read_words(connection, question.q)
        query, given = statement(question, words, reserved=reserved)
        plan = await connection.fetchval(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {query}", *given)
    return nodes(msgspec.json.decode(plan)[0]["Plan"])


@pytest.mark.parametrize("reserved", [False, True])
@pytest.mark.parametrize("name", QUESTIONS)
async def test_no_question_reads_every_mission(crowd: asyncpg.Connection, name: str, reserved: bool) -> None:
    plan = await explained(crowd, QUESTIONS[name], reserved=reserved)
    there = await crowd.fetchval("SELECT count(*) FROM mission_search")

    scanned = [node["Relation Name"] for node in plan if node["Node Type"] == "Seq Scan"]
    assert set(scanned) <= {"mission_reserved"}
    passed_over = [node.get("Rows Removed by Filter", 0) * node["Actual Loops"] for node in plan]
    assert sum(passed_over) < there / 2
    assert plan[0]["Actual Rows"] > 0


@pytest.mark.parametrize("reserved", [False, True])
async def test_a_rare_cause_of_a_rare_format_passes_over_few(
    crowd: asyncpg.Connection, reserved: bool
) -> None:
    plan = await explained(crowd, Question(format=["team_day"], cause=["sante"]), reserved=reserved)
    indexes = {node["Index Name"] for node in plan if node["Node Type"] == "Index Only Scan"}
    passed_over = [node.get("Rows Removed by Filter", 0) * node["Actual Loops"] for node in plan]
    there = await crowd.fetchval("SELECT count(*) FROM mission_search WHERE format = 'team_day'")

    reserved_too = {"mission_reserved_by_format"} if reserved else set()
    assert indexes == {"mission_search_by_format"} | reserved_too
    assert sum(passed_over) <= there


async def test_titles_come_first_without_asking_for_the_rest(crowd: asyncpg.Connection) -> None:
    """What `relevance` relies on: an Append whose second branch is left alone once the first has filled the page."""
    question = Question(q="site", sort="relevance")
    plan = await explained(crowd, question)
    assert [node["Node Type"] for node in plan[:2]] == ["Limit", "Append"]
    query, given = statement(question, await read_words(crowd, question.q))
    assert {row["tier"] for row in await crowd.fetch(query, *given)} == {1}


async def test_words_are_found_in_one_order_within_the_window_and_beyond(crowd: asyncpg.Connection) -> None:
    question = Question(q="comptabilite", sort="relevance")
    words = await read_words(crowd, question.q)
    found: list[asyncpg.Record] = []
    page: list[asyncpg.Record] = []
    last: tuple[Any, ...] = (None, None, None)
    async with crowd.transaction(readonly=True):
        await crowd.execute(_PLANNED.removeprefix("; "))
        while not found or len(page) == 500:
            query, given = statement(question, words, last, 500)
            page = await crowd.fetch(query, *given)
            found += page
            last = (page[-1]["published_at"], page[-1]["id"], page[-1]["tier"])
        expected = await crowd.fetch(ORDERED, words, clock.now())

    assert [row["id"] for row in found] == [row["id"] for row in expected]
    assert {row["tier"] for row in found} == {1, 2}
    assert len(found) > 1_000


async def test_a_question_without_words_needs_none(crowd: asyncpg.Connection) -> None:
    assert await read_words(crowd, None) is None
    assert await read_words(crowd, "le la de") is None

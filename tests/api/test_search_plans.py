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
from api.missions import moderation, policy, queries
from api.missions.search import _ASKED, _FACETS, _VALUES, COUNTED, Question, read_words, statement
from api.organisations import queries as organisations
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

UNREAD = """
    SET session_replication_role = replica;
    UPDATE association SET state = 'closed', review_since = now()
    WHERE id IN (SELECT id FROM association WHERE state = 'verified' ORDER BY id LIMIT 40);
    UPDATE mission SET state = 'cancelled', review_since = now()
    WHERE id IN (SELECT id FROM mission WHERE state = 'published' ORDER BY id LIMIT 40);
    ANALYZE association, mission
"""
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
        await plant_unread(url)
        connection = await asyncpg.connect(settings.database_url, connection_class=Connection)
        yield connection
        await connection.close()


async def plant_unread(url: str) -> None:
    """Add bodies that were closed, and missions that were cancelled, before any moderator had read them."""
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(UNREAD)
    finally:
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
    wasted = [node.get("Rows Removed by Filter", 0) * node["Actual Loops"] for node in plan]
    assert sum(wasted) < there / 2
    assert plan[0]["Actual Rows"] > 0


READS: dict[str, tuple[str, tuple[Any, ...]]] = {
    "an association's missions": (queries._OF_ASSOCIATION, (None, None, None, 21)),
    "an association's missions in a state": (queries._OF_ASSOCIATION, ("published", None, None, 21)),
}
"""Statements about one association, whose id comes first."""


async def plan_of(connection: asyncpg.Connection, query: str, *given: Any, settings: str = "") -> Any:
    """Run a statement as production plans it, within some walls, and give the nodes of its plan."""
    async with connection.transaction(readonly=True):
        await connection.execute(f"SET LOCAL plan_cache_mode = force_generic_plan; {settings}")
        plan = await connection.fetchval(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {query}", *given)
    return nodes(msgspec.json.decode(plan)[0]["Plan"])


FLAGGED = 20
"""The few flags of tests before, resolved since, lie in one page and are read whole."""


def passed_over(plan: list[dict[str, Any]]) -> int:
    """Count the rows that a plan reads for nothing; it scans no table whole."""
    scanned = {node["Relation Name"] for node in plan if node["Node Type"] == "Seq Scan"}
    assert scanned <= {"flag"}  # nobody flagged any
    return sum(node.get("Rows Removed by Filter", 0) * node["Actual Loops"] for node in plan)


async def test_the_plain_list_is_read_in_its_order_by_the_one_plan_that_serves_all(
    crowd: asyncpg.Connection,
) -> None:
    query, given = statement(Question(), None)
    plan = await plan_of(crowd, query, *given)
    assert passed_over(plan) <= 1_000
    assert "mission_search_newest" in {node.get("Index Name") for node in plan}
    assert max(node["Actual Rows"] for node in plan) <= 21


@pytest.mark.parametrize("name", READS)
async def test_the_reads_of_one_association_are_of_its_own_rows(crowd: asyncpg.Connection, name: str) -> None:
    query, given = READS[name]
    host = await crowd.fetchval(
        "SELECT association_id FROM mission_search GROUP BY 1 ORDER BY count(*) DESC, 1 LIMIT 1"
    )
    settings = f"SET LOCAL app.association = '{{{host}}}'"
    assert passed_over(await plan_of(crowd, query, host, *given, settings=settings)) <= 500


async def test_duplicates_of_an_association_are_looked_up(crowd: asyncpg.Connection) -> None:
    """Beyond the walls, within a function: what it scanned is counted, not explained."""
    read = "SELECT seq_scan FROM pg_stat_xact_user_tables WHERE relname = 'association'"
    hosts = await crowd.fetch("SELECT DISTINCT association_id FROM mission_search LIMIT 5")
    async with crowd.transaction(readonly=True):
        await crowd.execute("SET LOCAL enable_seqscan = off")
        before = await crowd.fetchval(read)
        for host in hosts:
            await crowd.fetch("SELECT * FROM duplicates_of($1)", host["association_id"])
        assert await crowd.fetchval(read) == before


async def test_the_list_of_associations_is_read_in_its_order(crowd: asyncpg.Connection) -> None:
    query = organisations._ASSOCIATIONS
    plan = await plan_of(crowd, query, "verified", None, None, 21)
    assert passed_over(plan) <= 0
    assert max(node["Actual Rows"] for node in plan) <= 21


@pytest.mark.parametrize("kind", ["association", "mission", "flag"])
async def test_the_moderation_queue_reads_what_waits_alone(crowd: asyncpg.Connection, kind: str) -> None:
    settings = "SET LOCAL app.role = '{moderator}'"
    plan = await plan_of(crowd, moderation._QUEUE, [kind], None, None, 21, settings=settings)
    assert passed_over(plan) <= (FLAGGED if kind == "flag" else 0)


def test_the_moderation_queue_holds_every_living_mission() -> None:
    named = moderation._QUEUE.partition("m.state IN (")[2].partition(")")[0]
    assert set(named.replace("'", "").split(", ")) == policy.LIVE


@pytest.mark.parametrize("facet", _VALUES)
async def test_facets_count_the_newest_alone(crowd: asyncpg.Connection, facet: str) -> None:
    _, given = statement(Question(cause=["education"], format=["short"]), None)
    query = _FACETS[facet].replace("{source}", "mission_search")
    plan = await planned(crowd, query, *given[: len(_ASKED)])
    assert passed_over(plan) <= await crowd.fetchval("SELECT count(*) FROM mission_search")
    assert max(node["Actual Rows"] for node in plan) <= 3 * COUNTED


async def planned(connection: asyncpg.Connection, query: str, *given: Any) -> Any:
    """Run a statement with a plan of its own, and give the nodes of that."""
    async with connection.transaction(readonly=True):
        await connection.execute(_PLANNED.removeprefix("; "))
        plan = await connection.fetchval(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {query}", *given)
    return nodes(msgspec.json.decode(plan)[0]["Plan"])


@pytest.mark.parametrize("words", ["comptabilit & sit", "nowher & sit"])
async def test_whether_a_mission_says_every_word_is_asked_of_the_index(
    crowd: asyncpg.Connection, words: str
) -> None:
    """The inner statements of search_query and is_said."""
    for column in ("document", "titles"):
        plan = await planned(
            crowd, f"SELECT EXISTS (SELECT FROM mission_search WHERE {column} @@ $1::text::tsquery)", words
        )
        assert passed_over(plan) <= 1_000
        newest = await planned(
            crowd,
            f"""SELECT EXISTS (SELECT FROM (SELECT {column} FROM mission_search
                ORDER BY published_at DESC, id DESC LIMIT 200) newest WHERE {column} @@ $1::text::tsquery)""",
            words,
        )
        assert passed_over(newest) <= 200
        assert max(node["Actual Rows"] for node in newest) <= 200


@pytest.mark.parametrize("reserved", [False, True])
async def test_a_rare_cause_of_a_rare_format_passes_over_few(
    crowd: asyncpg.Connection, reserved: bool
) -> None:
    plan = await explained(crowd, Question(format=["team_day"], cause=["sante"]), reserved=reserved)
    indexes = {node["Index Name"] for node in plan if node["Node Type"] == "Index Only Scan"}
    wasted = [node.get("Rows Removed by Filter", 0) * node["Actual Loops"] for node in plan]
    there = await crowd.fetchval("SELECT count(*) FROM mission_search WHERE format = 'team_day'")

    reserved_too = {"mission_reserved_by_format"} if reserved else set()
    assert indexes == {"mission_search_by_format"} | reserved_too
    assert sum(wasted) <= there


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
            assert found, "words that nothing says"
            last = (found[-1]["published_at"], found[-1]["id"], found[-1]["tier"])
        expected = await crowd.fetch(ORDERED, words, clock.now())

    assert [row["id"] for row in found] == [row["id"] for row in expected]
    assert {row["tier"] for row in found} == {1, 2}
    assert len(found) > 1_000


async def test_a_question_without_words_needs_none(crowd: asyncpg.Connection) -> None:
    assert await read_words(crowd, None) is None
    assert await read_words(crowd, "le la de") is None

"""The demo territory, loaded once for this file into the database of the session."""

import asyncio
import shlex
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from datetime import date
from pathlib import Path
from string import Template
from typing import Any, NamedTuple
from urllib.parse import urlsplit
from uuid import UUID

import httpx
import pytest
import pytest_asyncio

from api.core import clock
from api.core.check import violations
from api.core.database import close_pools, open_pools, operations
from api.core.settings import Settings
from api.dev.demo import load, story
from api.dev.demo.days import TIME_ZONE, month
from api.dev.demo.plan import hero_of, make_plan
from api.dev.demo.territory import read_territory
from workers import schedule

README = Path("README.md").read_text()
TABLES = (
    "association",
    "company",
    "employee",
    "mission",
    "application",
    "hours_entry",
    "ledger_line",
    "outbox",
)
DAYS = [
    *(date(2026, 11, day) for day in (1, 2, 15, 21, 22, 30)),
    *(date(2026, 2, 28), date(2026, 12, 31), date(2027, 1, 1), date(2028, 2, 29)),
]


class Told(NamedTuple):
    """What a story says: its variables, and its commands."""

    variables: dict[str, str]
    commands: list[list[str]]


@pytest.fixture(scope="session")
def variables(environment: dict[str, str]) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        for name, value in environment.items():
            patch.setenv(name, value)
        yield


async def counts() -> Counter[str]:
    async with operations() as connection:
        return Counter(
            {table: await connection.fetchval(f"SELECT count(*) FROM {table}") for table in TABLES}
        )


@pytest_asyncio.fixture(scope="session")
async def loaded(settings: Settings, variables: None) -> AsyncIterator[Counter[str]]:
    """How many rows the loading added, beside a worker whose schedule never rests."""
    await open_pools(settings)
    before = await counts()
    queue: Any = None
    restless = [
        asyncio.create_task(schedule._repeat(entry._replace(every=lambda _: 0.2), settings, queue))
        for entry in schedule.ENTRIES
        if entry.every(settings) <= 60 and entry.name != "sweep"  # it has no Redis here
    ]
    try:
        await load()
    finally:
        for each in restless:
            each.cancel()
        await asyncio.gather(*restless, return_exceptions=True)
    after = await counts()
    await close_pools()
    yield after - before


async def told() -> Told:
    lines = (await story()).splitlines()
    exports = (shlex.split(line, comments=True)[1] for line in lines if line.startswith("export "))
    variables = dict(export.split("=", 1) for export in exports)
    commands = [
        shlex.split(Template(line).substitute(variables)) for line in lines if line.startswith("curl ")
    ]
    return Told(variables, commands)


async def run(client: httpx.AsyncClient, command: list[str]) -> httpx.Response:
    """Do what curl would, over the client."""
    words = iter(command[1:])
    headers, method, body = {}, "GET", None
    for word in words:
        match word:
            case "-H":
                name, _, value = next(words).partition(": ")
                headers[name] = value
            case "-X":
                method = next(words)
            case "-d":
                body = next(words)
            case "-w":
                next(words)
            case "-sS":
                pass
            case _:
                url = urlsplit(word)
    return await client.request(method, f"{url.path}?{url.query}", headers=headers, content=body)


async def test_the_territory_has_what_it_should(loaded: Counter[str]) -> None:
    plan = make_plan(read_territory(), clock.today(TIME_ZONE))
    acts = Counter(event.act for life in plan.lives for event in life.events)

    assert loaded["association"] == 15
    assert loaded["company"] == 7
    assert loaded["employee"] == 300 + 7
    assert loaded["mission"] == 60
    assert loaded["application"] == acts["apply"]
    assert loaded["hours_entry"] == acts["declare"]
    assert loaded["ledger_line"] > loaded["hours_entry"] * 0.8


async def test_a_second_run_adds_nothing(
    loaded: Counter[str], client: httpx.AsyncClient, capsys: pytest.CaptureFixture[str]
) -> None:
    before = await counts()

    await load()

    assert await counts() == before
    assert "already" in capsys.readouterr().err


async def test_no_invariant_is_broken(loaded: Counter[str], client: httpx.AsyncClient) -> None:
    assert await violations() == []


async def test_the_report_is_the_sum_of_the_ledger(loaded: Counter[str], client: httpx.AsyncClient) -> None:
    said = await told()
    headers = {"Authorization": f"Bearer {said.variables['HR']}"}
    me = (await client.get("/v1/me", headers=headers)).json()
    company, today = f"/v1/companies/{me['employments'][0]['company']}", clock.today(TIME_ZONE)
    asked = {"from": str(month(today, -8)), "to": str(today)}

    report = (await client.get(f"{company}/reports/engagement", params=asked, headers=headers)).json()
    lines: list[dict[str, Any]] = []
    page: dict[str, Any] = {"next": None}
    while not lines or page["next"]:
        params = asked | {"limit": "100"} | ({"cursor": page["next"]} if page["next"] else {})
        page = (await client.get(f"{company}/ledger", params=params, headers=headers)).json()
        lines += page["items"]

    by_month: Counter[tuple[str, str]] = Counter()
    for line in lines:
        by_month[line["posted_on"][:7], line["regime"]] += line["minutes"]
    assert len(lines) > 50
    assert {(row["month"], row["regime"]): row["minutes"] for row in report["rows"]} == by_month
    assert [(total["regime"], total["minutes"]) for total in report["totals"]] == [
        ("working_time", sum(line["minutes"] for line in lines))
    ]


async def test_every_line_of_the_story_works(loaded: Counter[str], client: httpx.AsyncClient) -> None:
    said = await told()

    answers = [(command, await run(client, command)) for command in said.commands]

    assert {command[-1]: answer.status_code for command, answer in answers if not answer.is_success} == {}
    acts = [command[-1].rpartition("/")[2] for command in said.commands if "POST" in command]
    assert acts == ["applications", "accept", "approve", "publish"]
    assert all(answer.json()["items"] for command, answer in answers if "/me/app" in command[-1])


async def test_the_employee_of_the_story_was_told_something_this_week(
    loaded: Counter[str], client: httpx.AsyncClient
) -> None:
    employee = {"Authorization": f"Bearer {(await told()).variables['EMPLOYEE']}"}
    mine = (await client.get("/v1/me/applications", headers=employee)).json()["items"]
    written = [
        message
        for one in mine
        for message in (await client.get(f"/v1/applications/{one['id']}/messages", headers=employee)).json()[
            "items"
        ]
    ]
    async with operations() as connection:
        to_tell = await connection.fetchval(
            "SELECT count(*) FROM outbox WHERE fact = 'MessageSent' AND relayed_at IS NULL AND about = ANY ($1)",
            [UUID(one["id"]) for one in mine],
        )

    assert [message["from_association"] for message in written] == [True]
    assert to_tell == 1


async def test_the_example_of_a_search_by_skills_finds_something(
    loaded: Counter[str], client: httpx.AsyncClient
) -> None:
    path = "/v1/missions?skill=accounting&skill=budgeting&regime=working_time&has_places=true&sort=starts"
    page = (await client.get(f"{path}&facets=skill")).json()

    assert path.partition("?")[2] in README
    assert page["items"]
    assert all({"accounting", "budgeting"} & set(item["skills"]) for item in page["items"])
    assert "budgeting" in {one["value"] for one in page["facets"]["skill"]}


async def test_a_story_told_again_leaves_out_what_is_done(
    loaded: Counter[str], client: httpx.AsyncClient
) -> None:
    for _ in range(2):
        answers = [await run(client, command) for command in (await told()).commands]

    assert all(answer.is_success for answer in answers)


@pytest.mark.parametrize("day", DAYS, ids=str)
def test_any_day_gives_one_plausible_plan(day: date) -> None:
    territory = read_territory()
    plan = make_plan(territory, day)
    acts = Counter(event.act for life in plan.lives for event in life.events)
    hero = hero_of(plan.staff)
    minutes = [event.minutes for life in plan.lives for event in life.events if event.minutes]
    waiting = [life for life in plan.lives if {event.act for event in life.events} <= {"apply", "write"}]

    assert make_plan(territory, day) == plan
    assert 250 <= acts["apply"] <= 400
    assert 500 <= acts["declare"] <= 900
    assert 15 <= min(minutes) <= max(minutes) <= 600
    assert {life.regime for life in plan.lives} == {"working_time", "personal_time"}
    assert any(life.employee == hero and life.regime == "working_time" for life in waiting)
    assert len({one.email for people in plan.staff.values() for one in people}) == 300
    assert all(month(day, -6) <= mission.starts_on <= month(day, 3) for mission in plan.missions)

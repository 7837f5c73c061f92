"""What was worked is declared once: entries of one day side by side, played by hand, raced, and without the guard."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, time, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import asyncpg
import httpx
import pytest
from litestar import Litestar

from api.core import clock
from tests.api.core.asking import assert_problem
from tests.make.clone import cloned, reaching
from tests.make.served import served
from tests.make.world import World, agreed_earlier

DECLARED = """
    INSERT INTO hours_entry (id, application_id, mission_id, association_id, company_id, employee_id, person_id, regime,
                             worked_on, starts_at, minutes, declared_minutes, created_at)
    SELECT uuidv7(), id, mission_id, association_id, company_id, employee_id, person_id, regime,
           ($2 AT TIME ZONE 'Europe/Paris')::date, CASE WHEN $3 THEN $2 END, 90, 90, now()
    FROM application WHERE id = $1
"""
WAITS = "SELECT pg_blocking_pids($1) <> '{}'"
WRITTEN = "SELECT count(*) FROM hours_entry WHERE application_id = $1"
PARIS = ZoneInfo("Europe/Paris")


async def engaged(world: World) -> tuple[str, str]:
    """Give an employee whose engagement began days ago, and the path of its hours."""
    association, company = await world.association(), await world.company(approval="automatic")
    employee, application = await world.engagement(association, company)
    await agreed_earlier(application["id"])
    return employee, f"/v1/applications/{application['id']}/hours"


def worked(hour: int | None, minutes: int = 90, days_ago: int = 1) -> dict[str, Any]:
    """Give a declaration of minutes from an hour of a former day on."""
    day = clock.today("Europe/Paris") - timedelta(days=days_ago)
    start = {} if hour is None else {"starts_at": datetime.combine(day, time(hour), PARIS).isoformat()}
    return {"worked_on": str(day), "minutes": minutes} | start


async def test_entries_of_one_day_stand_side_by_side_where_each_says_when_it_began(world: World) -> None:
    employee, path = await engaged(world)

    async def declare(hour: int | None, minutes: int = 90) -> httpx.Response:
        return await world.call(employee, "POST", path, worked(hour, minutes))

    morning, noon, evening = await declare(9, 180), await declare(12), await declare(18)
    assert [one.status_code for one in (morning, noon, evening)] == [201, 201, 201]
    assert datetime.fromisoformat(noon.json()["starts_at"]).astimezone(PARIS).hour == 12
    for hour, minutes, other in ((8, 61, morning), (13, 15, noon), (18, 90, evening), (None, 30, morning)):
        refused = await declare(hour, minutes)
        assert_problem(refused, 409, "day-declared")
        assert refused.json()["hours_id"] == other.json()["id"]

    for entry in (morning, noon, evening):
        await world.ok(employee, "POST", f"/v1/hours/{entry.json()['id']}/cancel")
    whole = await declare(None)
    assert (whole.status_code, whole.json()["starts_at"]) == (201, None)
    assert_problem(await declare(20), 409, "day-declared")


async def test_a_start_lies_on_its_day_and_behind(world: World) -> None:
    employee, path = await engaged(world)
    other_day = worked(9) | {"worked_on": worked(9, days_ago=2)["worked_on"]}
    evening = datetime.combine(clock.today("Europe/Paris"), time.max, PARIS)
    ahead = worked(9, days_ago=0) | {"starts_at": evening.isoformat()}
    for body, code in ((other_day, "another-day"), (ahead, "in-the-future")):
        refused = await world.call(employee, "POST", path, body)
        faults = [(fault["pointer"], fault["code"]) for fault in refused.json()["errors"]]
        assert (refused.status_code, faults) == (422, [("/starts_at", code)])

    night = worked(23, 180)  # it ends on the next day, and is of the day it began on
    assert (await world.call(employee, "POST", path, night)).status_code == 201
    assert (await world.call(employee, "POST", path, worked(None, days_ago=0))).status_code == 201


async def test_the_same_day_declared_at_once_by_two_windows(world: World) -> None:
    for hour in (None, 9, 14):
        employee, path = await engaged(world)
        answers = await asyncio.gather(*(world.call(employee, "POST", path, worked(hour)) for _ in range(4)))
        assert sorted(one.status_code for one in answers) == [201, 409, 409, 409]


@asynccontextmanager
async def two_sessions(
    environment: dict[str, str],
) -> AsyncIterator[tuple[asyncpg.Connection, asyncpg.Connection]]:
    first, second = [await asyncpg.connect(environment["MAILLON_DATABASE_OPS_URL"]) for _ in range(2)]
    try:
        yield first, second
    finally:
        await first.close()
        await second.close()


async def meet(environment: dict[str, str], path: str, hours: tuple[int | None, int | None]) -> int:
    """Declare an hour in one session, another in a second one before the first commits; gives how many are written."""
    application = UUID(path.split("/")[3])
    starts = [datetime.combine(clock.today("Europe/Paris"), time(hour or 0), PARIS) for hour in hours]
    async with two_sessions(environment) as (first, second):
        async with first.transaction():
            await first.execute(DECLARED, application, starts[0], hours[0] is not None)
            behind = asyncio.create_task(
                second.execute(DECLARED, application, starts[1], hours[1] is not None)
            )
            while not (behind.done() or await first.fetchval(WAITS, second.get_server_pid())):
                await asyncio.sleep(0.01)
        await behind
        written: int = await second.fetchval(WRITTEN, application)
    return written


@pytest.mark.parametrize("hours", [(None, None), (None, 9), (9, None), (9, 10)])
async def test_by_sql_what_was_worked_is_written_once(
    world: World, environment: dict[str, str], hours: tuple[int | None, int | None]
) -> None:
    _, path = await engaged(world)
    with pytest.raises(asyncpg.ExclusionViolationError) as refused:
        await meet(environment, path, hours)
    assert refused.value.constraint_name == "hours_entry_worked_once"


async def test_by_sql_hours_apart_are_both_written(world: World, environment: dict[str, str]) -> None:
    _, path = await engaged(world)
    assert await meet(environment, path, (9, 11)) == 2


async def test_without_the_guard_what_was_worked_is_written_twice(
    app: Litestar, environment: dict[str, str]
) -> None:
    guard = "ALTER TABLE hours_entry DROP CONSTRAINT hours_entry_worked_once"
    async with cloned(environment, guard) as settings, served(app, settings) as client:
        _, path = await engaged(World(client, environment))
        assert await meet(reaching(settings), path, (9, 10)) == 2

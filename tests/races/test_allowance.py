"""The last minutes of an allowance and of a budget: interleavings played by hand, races, and the mutant."""

import asyncio
from collections import Counter
from uuid import UUID

import pytest
from litestar import Litestar

from api.core import clock
from api.core.check import violations
from api.core.database import operations
from tests.make.clone import cloned
from tests.make.gate import held, until_waiting
from tests.make.served import served
from tests.make.world import World

LIMITS = {"allowance": {"yearly_minutes": 3000}, "budget": {"budget_minutes": 3000}}
"""Enough for one engagement of 1 800 minutes."""
_TAKEN = """
    SELECT sum(reserved + used) FROM allowance w JOIN application a ON a.company_id = w.company_id
    WHERE a.id = $1 AND w.employee_id IS NULL
"""


async def applied(world: World, limit: str, people: int) -> tuple[str, list[str]]:
    """Let one employee, or as many of a company, apply to as many missions; gives the owner and the paths."""
    association, company = (
        await world.association(),
        await world.company(approval="automatic", **LIMITS[limit]),
    )
    one = world.employee(company)
    tokens = [one if limit == "allowance" else world.employee(company) for _ in range(people)]
    made = [await world.application(token, await world.mission(association)) for token in tokens]
    return association.owner, [f"/v1/applications/{application['id']}" for application in made]


async def taken(path: str) -> int:
    """Give what is reserved and used of the year of an application, by all of its company."""
    async with operations() as connection:
        return int(await connection.fetchval(_TAKEN, UUID(path.rpartition("/")[2])))


@pytest.mark.parametrize("limit", LIMITS)
async def test_two_acceptances_meet_on_the_last_minutes(
    world: World, environment: dict[str, str], limit: str
) -> None:
    owner, paths = await applied(world, limit, 2)
    missions = [(await world.ok(owner, "GET", path))["mission_id"] for path in paths]
    async with held(environment, "mission", missions[0]) as first, held(environment, "mission", missions[1]):
        both = asyncio.gather(*(world.call(owner, "POST", f"{path}/accept") for path in paths))
        await until_waiting(first, 2)
    answers = await both

    assert Counter(answer.status_code for answer in answers) == Counter({200: 1, 409: 1})
    refused = next(answer.json() for answer in answers if answer.status_code == 409)
    assert refused["type"] == "/problems/employer-conditions"


@pytest.mark.parametrize("limit", LIMITS)
async def test_five_acceptances_race_for_the_last_minutes(world: World, limit: str) -> None:
    owner, paths = await applied(world, limit, 5)

    answers = await asyncio.gather(*(world.call(owner, "POST", f"{path}/accept") for path in paths))

    assert Counter(answer.status_code for answer in answers) == Counter({200: 1, 409: 4})


async def test_an_acceptance_meets_hours_of_another_engagement(
    world: World, environment: dict[str, str]
) -> None:
    association, company = (
        await world.association(),
        await world.company(approval="automatic", yearly_minutes=2000),
    )
    employee = world.employee(company)
    first, second = [
        await world.application(employee, await world.mission(association, effort_minutes=900))
        for _ in range(2)
    ]
    await world.ok(association.owner, "POST", f"/v1/applications/{first['id']}/accept")
    day = {"worked_on": clock.today("Europe/Paris").isoformat(), "minutes": 1200}
    async with held(environment, "mission", second["mission_id"]) as gate:
        accept = asyncio.create_task(
            world.call(association.owner, "POST", f"/v1/applications/{second['id']}/accept")
        )
        await until_waiting(gate, 1)
        await world.ok(employee, "POST", f"/v1/applications/{first['id']}/hours", day)
    assert (await accept).json()["type"] == "/problems/employer-conditions"


@pytest.mark.parametrize("limit", LIMITS)
async def test_without_its_guard_the_limit_is_exceeded(
    app: Litestar, environment: dict[str, str], limit: str
) -> None:
    guard = "ALTER TABLE application DISABLE TRIGGER application_reserves"
    async with cloned(environment, guard) as settings, served(app, settings) as client:
        world = World(client, environment)
        owner, paths = await applied(world, limit, 2)
        answers = [await world.call(owner, "POST", f"{path}/accept") for path in paths]

        assert {answer.status_code for answer in answers} == {200}
        assert "engagements_reserve" in {violation.invariant for violation in await violations()}


@pytest.mark.parametrize("limit", LIMITS)
async def test_without_the_row_that_lines_them_up_two_exceed_the_limit(
    app: Litestar, environment: dict[str, str], limit: str
) -> None:
    """Counted after the fact instead of under a lock, both acceptances find enough left."""
    unlocked = """
        DROP TRIGGER reservation_counted ON reservation;
        CREATE CONSTRAINT TRIGGER reservation_counted AFTER INSERT OR UPDATE OR DELETE ON reservation
            DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION count_reservation()"""
    async with cloned(environment, unlocked) as settings, served(app, settings) as client:
        world = World(client, environment)
        owner, paths = await applied(world, limit, 2)
        answers = await asyncio.gather(*(world.call(owner, "POST", f"{path}/accept") for path in paths))

        assert {answer.status_code for answer in answers} == {200}
        assert await taken(paths[0]) == 3600

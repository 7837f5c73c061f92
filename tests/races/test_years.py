"""A company's years are whole: no change of their first day gives the same months twice."""

import asyncio
from datetime import date, timedelta
from typing import Any

import httpx
import pytest
from litestar import Litestar

from api.core import clock
from api.core.database import operations
from tests.api.core.asking import assert_problem
from tests.make.clone import cloned
from tests.make.gate import held, until_waiting
from tests.make.served import served
from tests.make.world import Company, World

TODAY = clock.today("Europe/Paris")
SOON = TODAY + timedelta(days=3 if TODAY.day < 25 else 10)
OTHER = date(TODAY.year, TODAY.month % 12 + 1, 15).strftime("%m-%d")


async def limited(world: World, **policy: Any) -> tuple[Company, str, dict[str, Any], str]:
    """Give a company with an allowance, its employee, their application, and the association that may accept it."""
    company = await world.company(approval="automatic", yearly_minutes=2000, **policy)
    association, employee = await world.association(), world.employee(company)
    application = await world.application(
        employee, await world.mission(association, starts_on=str(TODAY), apply_by=None)
    )
    return company, employee, application, association.owner


def put(world: World, company: Company, **fields: Any) -> Any:
    body = {"approval": "automatic", "yearly_minutes": 2000} | fields
    return world.call(company.admin, "PUT", f"/v1/companies/{company.id}/policy", body)


def accept(world: World, owner: str, application: dict[str, Any]) -> Any:
    return world.call(owner, "POST", f"/v1/applications/{application['id']}/accept")


async def years(company: Company) -> list[tuple[date, int]]:
    """Give the years in which the company's employees have minutes, and how many."""
    async with operations() as connection:
        rows = await connection.fetch(
            "SELECT year, reserved + used AS minutes FROM allowance WHERE company_id = $1 AND employee_id IS NULL",
            company.id,
        )
    return [(row["year"], row["minutes"]) for row in rows if row["minutes"]]


async def test_no_other_year_begins_in_the_middle_of_one_whose_minutes_are_taken(world: World) -> None:
    company, employee, application, owner = await limited(world)
    assert (await accept(world, owner, application)).status_code == 200
    for day in (None, str(SOON)):
        refused = await put(world, company, year_starts=OTHER, effective_from=day)
        fault = assert_problem(refused, 422, "invalid", "/year_starts")["errors"][0]
        assert fault["code"] == "year-begun"
    left = (await world.ok(employee, "GET", "/v1/me/allowance"))["left"]
    assert (left, len(await years(company))) == (200, 1)
    assert (await put(world, company, yearly_minutes=2500)).status_code == 200


async def test_another_year_begins_on_its_first_day_or_before_anything_is_taken(world: World) -> None:
    company, _, application, owner = await limited(world)
    assert (await put(world, company, year_starts=OTHER)).status_code == 200
    assert (await put(world, company, year_starts="01-01")).status_code == 200
    assert (await accept(world, owner, application)).status_code == 200
    first = SOON.strftime("%m-%d")
    assert (await put(world, company, year_starts=first, effective_from=str(SOON))).status_code == 200
    between = await put(world, company, year_starts=OTHER, effective_from=str(SOON + timedelta(days=1)))
    assert between.status_code == 200  # nobody has minutes of that year yet


async def test_a_planned_year_is_not_begun_twice_by_what_comes_before_it(world: World) -> None:
    company, _, _, _ = await limited(world)
    later = str(SOON + timedelta(days=30))
    assert (await put(world, company, effective_from=later)).status_code == 200
    first = SOON.strftime("%m-%d")
    refused = await put(world, company, year_starts=first, effective_from=str(SOON))
    assert_problem(refused, 422, "invalid", "/year_starts")


@pytest.mark.parametrize(("accepted_first", "statuses"), [(True, [200, 422]), (False, [200, 200])])
async def test_a_change_of_the_year_meets_an_acceptance(
    world: World, environment: dict[str, str], accepted_first: bool, statuses: list[int]
) -> None:
    company, _, application, owner = await limited(world)
    calls = [accept(world, owner, application), put(world, company, year_starts=OTHER)]
    tasks: list[asyncio.Task[httpx.Response]] = []
    async with held(environment, "company", company.id) as gate:
        for number, call in enumerate(calls if accepted_first else calls[::-1], 1):
            tasks.append(asyncio.create_task(call))
            await until_waiting(gate, number)
    assert [(await task).status_code for task in tasks] == statuses
    ((year, minutes),) = await years(company)
    assert (year.strftime("%m-%d"), minutes) == ("01-01" if accepted_first else OTHER, 1800)


async def test_changes_of_the_year_and_acceptances_at_once_leave_one_year(world: World) -> None:
    for _ in range(4):
        company, _, application, owner = await limited(world)
        answers = await asyncio.gather(
            accept(world, owner, application), *(put(world, company, year_starts=OTHER) for _ in range(3))
        )
        assert {answer.status_code for answer in answers} <= {200, 422}
        ((year, _),) = await years(company)
        policy = await world.ok(company.admin, "GET", f"/v1/companies/{company.id}/policy")
        assert year.strftime("%m-%d") == policy["year_starts"]


async def test_without_its_guard_the_allowance_is_given_twice(
    app: Litestar, environment: dict[str, str]
) -> None:
    guard = "DROP TRIGGER policy_year_is_whole ON policy"
    async with cloned(environment, guard) as settings, served(app, settings) as client:
        world = World(client, environment)
        company, employee, application, owner = await limited(world)
        await accept(world, owner, application)
        assert (await put(world, company, year_starts=OTHER)).status_code == 200
        assert (await world.ok(employee, "GET", "/v1/me/allowance"))["left"] == 2000

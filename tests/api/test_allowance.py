"""The working time that an employer gives a year: reserved with the place, settled by the hours, never exceeded."""

from datetime import date, timedelta
from typing import Any

import httpx
import pytest

from api.applications.clockwork import complete_due_missions, release_unused_minutes
from api.core import clock
from tests.api.core.asking import assert_problem
from tests.make.world import Association, Company, World

TODAY = clock.today("Europe/Paris")
NEXT_YEAR = TODAY.year + 1


def path(application: dict[str, Any], act: str = "") -> str:
    return f"/v1/applications/{application['id']}{act and '/'}{act}"


async def minutes(
    world: World, token: str, year: int | None = None
) -> tuple[int | None, int, int, int | None]:
    """Give what is granted, reserved, used and left."""
    it = await world.ok(token, "GET", "/v1/me/allowance" + (f"?year={year}" if year else ""))
    return it["granted"], it["reserved"], it["used"], it["left"]


async def limited(world: World, **policy: Any) -> Company:
    return await world.company(approval="automatic", **policy)


async def accepted(world: World, association: Association, employee: str, **fields: Any) -> dict[str, Any]:
    """Give an employee's engagement on a new mission that begins today."""
    mission = await world.mission(association, **({"starts_on": str(clock.today("Europe/Paris"))} | fields))
    application = await world.application(employee, mission)
    engagement: dict[str, Any] = await world.ok(association.owner, "POST", path(application, "accept"))
    return engagement


async def declared(world: World, employee: str, application: dict[str, Any], minutes: int) -> dict[str, Any]:
    body = {"worked_on": str(clock.today("Europe/Paris")), "minutes": minutes}
    entry: dict[str, Any] = await world.ok(employee, "POST", path(application, "hours"), body)
    return entry


def assert_told(answer: httpx.Response, left: int, asked: int) -> None:
    """The person themself reads how much is left to them, and how much it takes."""
    document = assert_problem(answer, 409, "allowance-exceeded")
    assert (document["minutes_left"], document["minutes_asked"]) == (left, asked)
    assert document["detail"] == (
        f"Il vous reste {left} minutes sur l’année concernée, et il en faut {asked}."
    )


def assert_no_figure(answer: httpx.Response) -> None:
    """An association reads neither which limit it is, nor a figure."""
    assert_problem(answer, 409, "employer-conditions")
    assert answer.json() == {
        "type": "/problems/employer-conditions",
        "title": "Les conditions de l’employeur ne le permettent pas",
        "status": 409,
    }


async def test_without_a_limit_minutes_are_counted_all_the_same(world: World) -> None:
    employee = world.employee(await limited(world))
    assert await minutes(world, employee) == (None, 0, 0, None)
    await accepted(world, await world.association(), employee)
    assert await minutes(world, employee) == (None, 1800, 0, None)


async def test_minutes_are_reserved_with_the_place_and_come_back_with_it(world: World) -> None:
    association, employee = (
        await world.association(),
        world.employee(await limited(world, yearly_minutes=4000)),
    )
    application = await accepted(world, association, employee)
    assert await minutes(world, employee) == (4000, 1800, 0, 2200)
    await world.ok(association.owner, "POST", path(application, "cancel"), {"reason": "Le local a brûlé."})
    assert await minutes(world, employee) == (4000, 0, 0, 4000)


async def test_hours_settle_what_was_reserved(world: World) -> None:
    association, employee = (
        await world.association(),
        world.employee(await limited(world, yearly_minutes=4000)),
    )
    application = await accepted(world, association, employee)
    entry = await declared(world, employee, application, 600)
    assert await minutes(world, employee) == (4000, 1200, 600, 2200)
    await world.ok(
        association.owner, "POST", f"/v1/hours/{entry['id']}/confirm", {"minutes": 500, "reason": "Midi."}
    )
    assert await minutes(world, employee) == (4000, 1300, 500, 2200)
    await world.ok(employee, "POST", f"/v1/hours/{entry['id']}/cancel")
    assert await minutes(world, employee) == (4000, 1800, 0, 2200)


async def test_whoever_worked_more_than_agreed_has_used_it(world: World) -> None:
    association, company = await world.association(), await limited(world, yearly_minutes=700)
    employee = world.employee(company)
    application = await accepted(world, association, employee, effort_minutes=600)
    await declared(world, employee, application, 750)
    assert await minutes(world, employee) == (700, 0, 750, 0)


async def test_more_than_is_left_is_neither_applied_for_nor_accepted(world: World) -> None:
    association, company = await world.association(), await limited(world, yearly_minutes=3000)
    employee = world.employee(company)
    first, second = [await world.application(employee, await world.mission(association)) for _ in range(2)]
    await world.ok(association.owner, "POST", path(first, "accept"))
    refused = await world.call(association.owner, "POST", path(second, "accept"))
    assert_no_figure(refused)
    assert (await world.ok(employee, "GET", path(second)))["state"] == "submitted"
    mission = await world.mission(association)
    body = {"regime": "working_time"}
    asked = await world.call(employee, "POST", f"/v1/missions/{mission['id']}/applications", body)
    assert_told(asked, 1200, 1800)
    on_own_time = await world.application(employee, mission, "personal_time")
    await world.ok(association.owner, "POST", path(on_own_time, "accept"))
    assert (await minutes(world, employee))[1] == 1800


async def test_a_company_gives_no_more_than_its_budget_to_all_together(world: World) -> None:
    association, company = await world.association(), await limited(world, budget_minutes=3000)
    applications = [
        await world.application(world.employee(company), await world.mission(association)) for _ in range(2)
    ]
    await world.ok(association.owner, "POST", path(applications[0], "accept"))
    refused = await world.call(association.owner, "POST", path(applications[1], "accept"))
    assert_no_figure(refused)
    mission = await world.mission(association)
    body = {"regime": "working_time"}
    asked = await world.call(
        world.employee(company), "POST", f"/v1/missions/{mission['id']}/applications", body
    )
    assert_problem(asked, 409, "budget-exceeded")


async def test_a_place_kept_for_somebody_is_taken_only_with_minutes_left(world: World) -> None:
    association, company = await world.association(), await limited(world, yearly_minutes=3000)
    employee, holder = world.employee(company), world.employee(company)
    mission = await world.mission(association)
    held, waiting = [await world.application(token, mission) for token in (holder, employee)]
    await world.ok(association.owner, "POST", path(held, "accept"))
    await world.ok(association.owner, "POST", path(waiting, "waitlist"))
    await world.ok(holder, "POST", path(held, "withdraw"), {"reason": "other"})
    await accepted(world, association, employee)
    refused = await world.call(employee, "POST", path(waiting, "accept-offer"))
    assert_told(refused, 1200, 1800)
    assert (await world.ok(employee, "GET", path(waiting)))["state"] == "offered"


async def test_a_longer_effort_takes_what_is_left_and_no_more(world: World) -> None:
    association, company = await world.association(), await limited(world, yearly_minutes=2000)
    employee = world.employee(company)
    application = await accepted(world, association, employee)
    for effort, answer in ((2001, 409), (2000, 200), (900, 200)):
        change = await world.ok(employee, "POST", path(application, "changes"), {"effort_minutes": effort})
        accept = await world.call(association.owner, "POST", f"/v1/changes/{change['id']}/accept")
        assert accept.status_code == answer
        if answer == 409:
            assert_no_figure(accept)
            await world.ok(employee, "POST", f"/v1/changes/{change['id']}/withdraw")
            change = await world.ok(
                association.owner, "POST", path(application, "changes"), {"effort_minutes": effort}
            )
            assert_told(await world.call(employee, "POST", f"/v1/changes/{change['id']}/accept"), 200, 201)
            await world.ok(association.owner, "POST", f"/v1/changes/{change['id']}/withdraw")
    assert await minutes(world, employee) == (2000, 900, 0, 1100)


async def test_a_lower_allowance_ends_nothing_and_refuses_the_next(world: World) -> None:
    association, company = await world.association(), await limited(world, yearly_minutes=4000)
    employee = world.employee(company)
    application = await accepted(world, association, employee)
    waiting = await world.application(employee, await world.mission(association))
    policy = {"approval": "automatic", "yearly_minutes": 1000}
    await world.ok(company.admin, "PUT", f"/v1/companies/{company.id}/policy", policy)
    assert await minutes(world, employee) == (1000, 1800, 0, 0)
    entry = await declared(world, employee, application, 60)
    await world.ok(employee, "POST", f"/v1/hours/{entry['id']}/cancel")
    assert_no_figure(await world.call(association.owner, "POST", path(waiting, "accept")))


async def test_minutes_are_reserved_in_the_year_of_the_first_day_and_used_in_that_of_each_day(
    world: World,
) -> None:
    association, company = await world.association(), await limited(world, yearly_minutes=2000)
    employee = world.employee(company)
    days = {"starts_on": f"{NEXT_YEAR}-01-04", "ends_on": f"{NEXT_YEAR}-02-04"}
    await accepted(world, association, employee, **days)
    await accepted(world, association, employee)
    assert await minutes(world, employee) == (2000, 1800, 0, 200)
    assert await minutes(world, employee, NEXT_YEAR) == (2000, 1800, 0, 200)
    shown = await world.ok(employee, "GET", f"/v1/me/allowance?year={NEXT_YEAR}")
    assert (shown["starts_on"], shown["ends_on"]) == (f"{NEXT_YEAR}-01-01", f"{NEXT_YEAR}-12-31")


async def test_a_year_begins_when_the_company_says(world: World) -> None:
    tomorrow = TODAY + timedelta(days=1)
    first = date(tomorrow.year, tomorrow.month, min(tomorrow.day, 28))
    begins = first if first > TODAY else first.replace(month=first.month % 12 + 1)
    company = await limited(world, yearly_minutes=2000, year_starts=begins.strftime("%m-%d"), day_minutes=450)
    shown = await world.ok(world.employee(company), "GET", "/v1/me/allowance")
    starts, ends = date.fromisoformat(shown["starts_on"]), date.fromisoformat(shown["ends_on"])
    assert starts <= TODAY <= ends
    assert (starts.month, starts.day) == (begins.month, begins.day)
    assert ends + timedelta(days=1) == starts.replace(year=starts.year + 1)
    assert shown["day_minutes"] == 450


@pytest.mark.parametrize(
    "body", [{"year_starts": "02-30"}, {"year_starts": "1-1"}, {"yearly_minutes": -1}, {"day_minutes": 0}]
)
async def test_a_policy_counts_in_minutes_and_days_that_are(world: World, body: dict[str, Any]) -> None:
    company = await world.company()
    answer = await world.call(company.admin, "PUT", f"/v1/companies/{company.id}/policy", body)
    assert_problem(answer, 422, "invalid")


async def test_what_nobody_declared_comes_back_a_month_after_the_end(world: World) -> None:
    association, company = await world.association(), await limited(world, yearly_minutes=2000)
    employee = world.employee(company)
    application = await accepted(world, association, employee, ends_on=str(TODAY))
    await declared(world, employee, application, 300)
    await world.ok(association.owner, "POST", path(application, "complete"))
    assert await minutes(world, employee) == (2000, 1500, 300, 200)
    for days, reserved in ((29, 1500), (31, 0), (60, 0)):
        with clock.at(clock.now() + timedelta(days=days)):
            await complete_due_missions()
            await release_unused_minutes()
        assert (await minutes(world, employee))[1] == reserved


async def test_nobody_reads_what_is_left_to_somebody_else(world: World) -> None:
    person = await world.person()
    assert_problem(await world.call(person, "GET", "/v1/me/allowance"), 403, "forbidden")

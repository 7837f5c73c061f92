"""What an employer says of hours: who is asked, what its policy says by itself, and what stays readable of a figure."""

from datetime import timedelta
from typing import Any

from api.core import clock
from api.core.settings import Settings
from api.hours.clockwork import hand_on_hours
from tests.faults.month import lasting
from tests.make.world import Company, World
from tests.reactions.world import catch_up


async def worked(world: World, company: Company, manager: str, employee: str) -> tuple[str, dict[str, Any]]:
    """Give an association's owner and the hours declared to it by an employee whose manager agreed."""
    association = await world.association()
    application = await world.application(employee, await world.mission(association))
    path = f"/v1/applications/{application['id']}"
    await world.ok(manager, "POST", f"{path}/approve")
    await world.ok(association.owner, "POST", f"{path}/accept")
    day = clock.today("Europe/Paris").isoformat()
    entry = await world.ok(employee, "POST", f"{path}/hours", {"worked_on": day, "minutes": 120})
    return association.owner, entry


async def leave(world: World, company: Company, token: str) -> None:
    job = (await world.ok(token, "GET", "/v1/me"))["employments"][0]["employee_id"]
    await world.ok(company.admin, "POST", f"/v1/companies/{company.id}/employees/{job}/deactivate")


async def asked(world: World, token: str, entry: dict[str, Any]) -> int:
    """Count how often somebody was asked to approve an entry."""
    items = (await world.ok(token, "GET", "/v1/me/notifications?limit=100"))["items"]
    return sum(item["kind"] == "hours_to_approve" and item["about"]["id"] == entry["id"] for item in items)


async def test_hr_is_asked_for_the_hours_that_a_manager_left_unanswered(
    world: World, settings: Settings
) -> None:
    company = await world.company(hours_approval="manager")
    manager, employee = await world.managed(company)
    owner, entry = await worked(world, company, manager, employee)
    await world.ok(owner, "POST", f"/v1/hours/{entry['id']}/confirm")
    await catch_up(settings)
    assert [await asked(world, who, entry) for who in (manager, company.admin)] == [1, 0]

    await leave(world, company, manager)
    hr = await lasting(world, company.admin)
    with clock.at(clock.now() + timedelta(days=5)):  # after days without a worker
        assert await hand_on_hours() >= 1
        assert await hand_on_hours() == 0
        await catch_up(settings)
        assert await asked(world, hr, entry) == 1
        approved = await world.ok(hr, "POST", f"/v1/hours/{entry['id']}/approve")
    assert approved["state"] == "approved"


async def test_hr_is_asked_once_for_hours_confirmed_after_the_manager_left(
    world: World, settings: Settings
) -> None:
    company = await world.company(hours_approval="manager")
    manager, employee = await world.managed(company)
    owner, entry = await worked(world, company, manager, employee)
    await leave(world, company, manager)
    await world.ok(owner, "POST", f"/v1/hours/{entry['id']}/confirm")
    await hand_on_hours()
    await catch_up(settings)

    assert await asked(world, company.admin, entry) == 1


async def test_the_employers_list_is_of_teams_and_one_s_own_hours_are_in_one_s_own(world: World) -> None:
    company = await world.company()
    manager, employee = await world.managed(company)
    owner, entry = await worked(world, company, manager, employee)
    await world.ok(owner, "POST", f"/v1/hours/{entry['id']}/confirm")

    path = f"/v1/companies/{company.id}/hours"
    lists = [
        [item["id"] for item in (await world.ok(who, "GET", asked))["items"]]
        for who, asked in (
            (company.admin, path),
            (manager, path),
            (employee, path),
            (employee, "/v1/me/hours"),
        )
    ]
    assert lists == [[entry["id"]], [entry["id"]], [], [entry["id"]]]

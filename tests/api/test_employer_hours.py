"""What an employer says of hours: who is asked, what its policy says by itself, and what stays readable of a figure."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from api.core import clock
from api.core.database import operations
from api.core.settings import Settings
from api.hours.clockwork import hand_on_hours
from tests.faults.month import lasting
from tests.make.world import Association, Company, World, agreed_earlier
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


async def engaged(world: World, minutes: int, **rules: Any) -> tuple[Association, Company, str, str]:
    """Give an association, a company, its employee, and the path of their engagement of so many minutes."""
    association, company = await world.association(), await world.company(approval="automatic", **rules)
    employee = world.employee(company)
    mission = await world.mission(association, format="consultation", effort_minutes=minutes)
    path = f"/v1/applications/{(await world.application(employee, mission))['id']}"
    await world.ok(association.owner, "POST", f"{path}/accept")
    await agreed_earlier(path.rpartition("/")[2])
    return association, company, employee, path


async def declared(world: World, token: str, path: str, minutes: int, days_ago: int = 0) -> str:
    """Declare minutes of a day; gives the path of the entry."""
    day = clock.today("Europe/Paris") - timedelta(days=days_ago)
    entry = await world.ok(token, "POST", f"{path}/hours", {"worked_on": str(day), "minutes": minutes})
    return f"/v1/hours/{entry['id']}"


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


async def test_hr_alone_is_asked_for_hours_where_the_policy_says_hr(world: World, settings: Settings) -> None:
    company = await world.company(approval="manager", hours_approval="hr")
    manager, employee = await world.managed(company)
    owner, entry = await worked(world, company, manager, employee)
    path = f"/v1/hours/{entry['id']}"
    await world.ok(owner, "POST", f"{path}/confirm")
    await catch_up(settings)

    assert [await asked(world, who, entry) for who in (manager, company.admin)] == [0, 1]
    assert (await world.call(manager, "POST", f"{path}/approve")).status_code == 404
    assert (await world.ok(company.admin, "POST", f"{path}/approve"))["state"] == "approved"


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


async def test_what_the_policy_approves_is_nobodys_act(world: World) -> None:
    association, _, employee, path = await engaged(world, 60)
    entry = await declared(world, employee, path, 60)
    confirmed = await world.ok(association.owner, "POST", f"{entry}/confirm")

    assert (confirmed["state"], confirmed["approved_by"]) == ("approved", None)
    async with operations() as connection:
        steps = await connection.fetch(
            "SELECT to_state, by_person FROM state_event WHERE object_id = $1 ORDER BY at, id",
            UUID(confirmed["id"]),
        )
    assert [step["to_state"] for step in steps] == ["declared", "confirmed", "approved"]
    assert [step["by_person"] is None for step in steps] == [False, False, True]


async def test_the_policy_approves_no_more_than_the_employer_agreed_to_and_hr_is_asked_for_the_rest(
    world: World, settings: Settings
) -> None:
    association, company, employee, path = await engaged(world, 60, yearly_minutes=600)
    entries = [
        await declared(world, employee, path, minutes, days) for days, minutes in ((2, 900), (1, 40), (0, 21))
    ]
    states = [(await world.ok(association.owner, "POST", f"{each}/confirm"))["state"] for each in entries]
    assert states == ["confirmed", "approved", "confirmed"]

    await catch_up(settings)
    told = [await asked(world, company.admin, await world.ok(employee, "GET", each)) for each in entries]
    assert told == [1, 0, 1]
    ledger = f"/v1/companies/{company.id}/ledger"
    assert [line["minutes"] for line in (await world.ok(company.admin, "GET", ledger))["items"]] == [40]
    assert (await world.ok(company.admin, "POST", f"{entries[0]}/approve"))["state"] == "approved"
    rejected = await world.ok(company.admin, "POST", f"{entries[2]}/reject", {"reason": "Non convenu."})
    assert rejected["state"] == "rejected"
    assert [line["minutes"] for line in (await world.ok(company.admin, "GET", ledger))["items"]] == [40, 900]


async def test_a_longer_effort_that_the_employer_has_not_agreed_to_yet_is_approved_by_no_policy(
    world: World,
) -> None:
    association, company, employee, path = await engaged(world, 60)
    policy = {"approval": "hr", "hours_approval": "automatic"}
    await world.ok(company.admin, "PUT", f"/v1/companies/{company.id}/policy", policy)
    entry = await declared(world, employee, path, 90)
    change = await world.ok(employee, "POST", f"{path}/changes", {"effort_minutes": 120})
    await world.ok(association.owner, "POST", f"/v1/changes/{change['id']}/accept")

    assert (await world.ok(association.owner, "POST", f"{entry}/confirm"))["state"] == "confirmed"


@pytest.mark.parametrize("approval", ["automatic", "hr"])
async def test_why_a_figure_was_lowered_stays_readable_to_all_three(world: World, approval: str) -> None:
    association, company, employee, path = await engaged(world, 120, hours_approval=approval)
    entry = await declared(world, employee, path, 120)
    lowered = {"minutes": 100, "reason": "Arrivée à 10 h"}
    await world.ok(association.owner, "POST", f"{entry}/confirm", lowered)
    await world.ok(employee, "POST", f"{entry}/accept")
    if approval == "hr":
        await world.ok(company.admin, "POST", f"{entry}/approve")

    for who in (employee, association.owner, company.admin):
        seen = await world.ok(who, "GET", entry)
        assert (seen["state"], seen["minutes"], seen["declared_minutes"], seen["reason"]) == (
            "approved",
            100,
            120,
            "Arrivée à 10 h",
        )

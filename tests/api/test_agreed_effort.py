"""An employer is bound to the effort it agreed to, and to no other: it is asked about what is longer, once."""

from collections import Counter
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from api.applications.clockwork import decide_silent_approvals, hand_on_approvals
from api.core import clock
from api.core.database import operations
from api.core.settings import Settings
from tests.make.world import Association, Company, World
from tests.reactions.world import catch_up


async def asked(application: dict[str, Any]) -> int:
    """Count how often the employer was asked."""
    async with operations() as connection:
        rows = await connection.fetch(
            "SELECT fact FROM outbox WHERE strpos(encode(payload, 'escape'), $1) > 0", application["id"]
        )
    return Counter(row["fact"] for row in rows)["EmployerApprovalAsked"]


async def efforts(application: dict[str, Any]) -> tuple[int | None, int | None, int | None]:
    """Give the minutes that the two sides agreed on, that the employer was asked for, and that it agreed to."""
    async with operations() as connection:
        row = await connection.fetchrow(
            "SELECT agreed_minutes, asked_minutes, approved_minutes FROM application WHERE id = $1",
            UUID(application["id"]),
        )
    return tuple(row)


async def applied(
    world: World, approval: str = "hr", **policy: Any
) -> tuple[Association, Company, str, dict[str, Any]]:
    association, company = await world.association(), await world.company(approval=approval, **policy)
    employee = world.employee(company)
    return association, company, employee, await world.application(employee, await world.mission(association))


async def lengthen(world: World, association: Association, application: dict[str, Any], minutes: int) -> None:
    mission = f"/v1/missions/{application['mission_id']}"
    version = (await world.call(association.owner, "GET", mission)).headers["etag"]
    await world.ok(association.owner, "PATCH", mission, {"effort_minutes": minutes}, if_match=version)


async def agree(
    world: World, association: Association, employee: str, application: dict[str, Any], minutes: int
) -> dict[str, Any]:
    """Let both sides agree on another effort, and give the application then."""
    path = f"/v1/applications/{application['id']}"
    change = await world.ok(association.owner, "POST", f"{path}/changes", {"effort_minutes": minutes})
    await world.ok(employee, "POST", f"/v1/changes/{change['id']}/accept")
    shown: dict[str, Any] = await world.ok(employee, "GET", path)
    return shown


async def test_a_mission_made_longer_is_put_to_the_employer_at_the_acceptance(world: World) -> None:
    association, company, employee, application = await applied(world)
    path = f"/v1/applications/{application['id']}"
    assert (await world.ok(company.admin, "POST", f"{path}/approve"))["employer_approval"] == "approved"
    assert await efforts(application) == (None, 1800, 1800)
    await lengthen(world, association, application, 24_000)
    with clock.at(clock.now() + timedelta(minutes=5)):
        accepted = await world.ok(association.owner, "POST", f"{path}/accept")
        assert (accepted["state"], accepted["employer_approval"]) == ("accepted", "pending")
        assert accepted["approval_due_at"] > application["approval_due_at"]
        assert (await world.ok(employee, "GET", path))["contact"] is None
    assert (await efforts(application), await asked(application)) == ((24_000, 24_000, 1800), 2)

    approved = await world.ok(company.admin, "POST", f"{path}/approve")
    assert (approved["employer_approval"], await efforts(application)) == (
        "approved",
        (24_000, 24_000, 24_000),
    )


async def test_an_offer_taken_at_a_longer_effort_is_put_to_the_employer_too(world: World) -> None:
    association, company, _, application = await applied(world)
    mission = {"id": application["mission_id"]}
    other = await world.application(world.employee(company), mission)
    await world.ok(association.owner, "POST", f"/v1/applications/{other['id']}/accept")
    employee = world.employee(company)
    waiting = await world.application(employee, mission)
    path = f"/v1/applications/{waiting['id']}"
    await world.ok(company.admin, "POST", f"{path}/approve")
    await world.ok(association.owner, "POST", f"{path}/waitlist")
    await lengthen(world, association, application, 2400)
    await world.ok(
        association.owner, "POST", f"/v1/applications/{other['id']}/cancel", {"reason": "Plus besoin."}
    )
    assert (await world.ok(employee, "GET", path))["employer_approval"] == "approved"
    taken = await world.ok(employee, "POST", f"{path}/accept-offer")
    assert (taken["state"], taken["employer_approval"]) == ("accepted", "pending")
    assert (await efforts(waiting), await asked(waiting)) == ((2400, 2400, 1800), 2)


async def test_terms_that_come_back_are_agreed_to_already(world: World) -> None:
    association, company, employee, application = await applied(world, approval_silence="refuse")
    path = f"/v1/applications/{application['id']}"
    await world.ok(company.admin, "POST", f"{path}/approve")
    await world.ok(association.owner, "POST", f"{path}/accept")
    longer = await agree(world, association, employee, application, 2400)
    assert (longer["employer_approval"], await asked(application)) == ("pending", 2)
    back = await agree(world, association, employee, application, 1500)
    assert (back["employer_approval"], back["approval_due_at"]) == ("approved", None)
    within = await agree(world, association, employee, application, 1800)
    assert (within["employer_approval"], await asked(application)) == ("approved", 2)
    with clock.at(clock.now() + timedelta(days=6)):
        await decide_silent_approvals()
    assert (await world.ok(employee, "GET", path))["state"] == "accepted"

    again = await agree(world, association, employee, application, 2400)
    assert (again["employer_approval"], await asked(application)) == ("pending", 3)
    assert await efforts(application) == (2400, 2400, 1800)


async def test_what_waits_for_the_employer_is_asked_anew_only_when_it_grows(world: World) -> None:
    association, company, employee, application = await applied(world)
    path = f"/v1/applications/{application['id']}"
    await lengthen(world, association, application, 1200)
    accepted = await world.ok(association.owner, "POST", f"{path}/accept")
    assert (accepted["employer_approval"], accepted["approval_due_at"]) == (
        "pending",
        application["approval_due_at"],
    )
    await agree(world, association, employee, application, 1500)
    assert (await efforts(application), await asked(application)) == ((1500, 1800, None), 1)
    grown = await agree(world, association, employee, application, 2400)
    assert (grown["employer_approval"], await asked(application)) == ("pending", 2)
    assert grown["approval_due_at"] > application["approval_due_at"]
    await world.ok(company.admin, "POST", f"{path}/approve")
    assert await efforts(application) == (2400, 2400, 2400)


@pytest.mark.parametrize(
    ("today", "approval", "agreed"), [("automatic", "approved", 2400), ("hr", "pending", 1800)]
)
async def test_the_policy_of_the_day_says_who_agrees_to_more(
    world: World, today: str, approval: str, agreed: int
) -> None:
    association, company, employee, application = await applied(world, "automatic")
    await world.ok(company.admin, "PUT", f"/v1/companies/{company.id}/policy", {"approval": today})
    await world.ok(association.owner, "POST", f"/v1/applications/{application['id']}/accept")
    assert (await efforts(application))[2] == 1800
    longer = await agree(world, association, employee, application, 2400)
    assert (longer["employer_approval"], (await efforts(application))[2]) == (approval, agreed)


async def test_what_the_employer_reads_before_an_acceptance_is_what_it_was_asked(world: World) -> None:
    association, company, _, application = await applied(world)
    await lengthen(world, association, application, 24_000)
    page = await world.call(company.admin, "GET", f"/approvals/{application['id']}")
    assert "30\u00a0h" in page.text
    assert "400\u00a0h" not in page.text


async def test_hr_is_asked_at_once_and_once_where_the_manager_left_before(
    world: World, settings: Settings
) -> None:
    company = await world.company(approval="manager")
    manager, employee = world.employee(company), world.employee(company)
    jobs = [(await world.ok(who, "GET", "/v1/me"))["employments"][0] for who in (manager, employee)]
    path = f"/v1/companies/{company.id}/employees/"
    tag = (await world.call(company.admin, "GET", path + jobs[1]["employee_id"])).headers["etag"]
    named = {"manager_id": jobs[0]["employee_id"]}
    await world.ok(company.admin, "PATCH", path + jobs[1]["employee_id"], named, if_match=tag)
    await world.ok(company.admin, "POST", f"{path}{jobs[0]['employee_id']}/deactivate")

    application = await world.application(employee, await world.mission(await world.association()))
    await hand_on_approvals()
    await catch_up(settings)
    told = (await world.ok(company.admin, "GET", "/v1/me/notifications"))["items"]
    assert [item["about"]["id"] for item in told if item["kind"] == "approval_asked"] == [application["id"]]
    assert await asked(application) == 1
    async with operations() as connection:
        charged = "SELECT manager_id FROM application WHERE id = $1"
        assert await connection.fetchval(charged, UUID(application["id"])) is None

"""An employer who has not answered: nothing is done before, silence decides at the end, and a reopening asks anew."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from api.applications.clockwork import complete_due_missions, decide_silent_approvals
from api.core import clock
from api.core.database import operations
from api.core.settings import Settings
from tests.api.core.asking import assert_problem
from tests.api.test_agreed_effort import agree, applied, asked, efforts
from tests.faults.month import lasting
from tests.make.world import Association, World
from tests.reactions.world import catch_up


def path(application: dict[str, Any], act: str) -> str:
    return f"/v1/applications/{application['id']}/{act}"


async def row(application: dict[str, Any]) -> tuple[str, str, str | None]:
    async with operations() as connection:
        found = await connection.fetchrow(
            "SELECT state, employer_approval, employer_reason FROM application WHERE id = $1",
            UUID(application["id"]),
        )
    return tuple(found)


async def told(world: World, token: str, application: dict[str, Any]) -> list[str]:
    items = (await world.ok(token, "GET", "/v1/me/notifications?limit=100"))["items"]
    return [item["kind"] for item in items if item["about"]["id"] == application["id"]]


async def end(world: World, association: Association, application: dict[str, Any]) -> None:
    mission = f"/v1/missions/{application['mission_id']}"
    await world.ok(association.owner, "POST", f"{mission}/start")
    await world.ok(association.owner, "POST", f"{mission}/complete")


@pytest.mark.parametrize("act", ["complete", "no-show"])
async def test_nothing_is_done_or_missed_while_the_employer_is_asked(world: World, act: str) -> None:
    association, company, _, application = await applied(world)
    await world.ok(association.owner, "POST", path(application, "accept"))
    async with operations() as connection:
        begun = "UPDATE application SET agreed_starts_on = current_date - 1 WHERE id = $1"
        await connection.execute(begun, UUID(application["id"]))
    refused = await world.call(association.owner, "POST", path(application, act))
    assert_problem(refused, 409, "employer-pending")
    assert await row(application) == ("accepted", "pending", None)
    await world.ok(company.admin, "POST", path(application, "approve"))
    assert (await world.call(association.owner, "POST", path(application, act))).status_code == 200


@pytest.mark.parametrize(
    ("silence", "ended", "kind"),
    [
        ("approve", ("completed", "approved", None), "application_completed"),
        ("refuse", ("employer_refused", "refused", "no_answer"), "employer_refused"),
    ],
)
@pytest.mark.parametrize("by_clock", [False, True])
async def test_silence_decides_when_the_mission_ends_first(
    world: World,
    settings: Settings,
    silence: str,
    ended: tuple[str, str, str | None],
    kind: str,
    by_clock: bool,
) -> None:
    association, _, employee, application = await applied(world, approval_days=60, approval_silence=silence)
    await world.ok(association.owner, "POST", path(application, "accept"))
    if by_clock:
        await world.ok(association.owner, "POST", f"/v1/missions/{application['mission_id']}/start")
        with clock.at(clock.now() + timedelta(days=62)):
            await complete_due_missions()
    else:
        await end(world, association, application)

    assert await row(application) == ended
    await catch_up(settings)
    assert (await told(world, employee, application)).count(kind) == 1
    assert "application_completed" in await told(world, employee, application) or silence == "refuse"
    mission = await world.ok(association.owner, "GET", f"/v1/missions/{application['mission_id']}")
    assert (mission["state"], mission["places_left"]) == ("completed", 0 if silence == "approve" else 1)


async def test_what_the_employer_agreed_to_before_stands_when_the_mission_ends(
    world: World, settings: Settings
) -> None:
    association, company, employee, application = await applied(world, approval_silence="refuse")
    await world.ok(company.admin, "POST", path(application, "approve"))
    await world.ok(association.owner, "POST", path(application, "accept"))
    assert (await agree(world, association, employee, application, 2400))["employer_approval"] == "pending"
    await catch_up(settings)
    before = await told(world, employee, application)
    await end(world, association, application)

    assert await row(application) == ("completed", "approved", None)
    assert await efforts(application) == (1800, 2400, 1800)
    await catch_up(settings)
    after = await told(world, employee, application)
    assert after.count("employer_approved") == before.count("employer_approved") == 1
    async with operations() as connection:
        reserved = "SELECT minutes FROM reservation WHERE application_id = $1"
        assert await connection.fetchval(reserved, UUID(application["id"])) == 1800


async def test_a_reopening_asks_an_employer_who_had_still_to_answer_anew(
    world: World, settings: Settings
) -> None:
    association, company, _, application = await applied(world, "manager", approval_days=3)
    owner, hr = await lasting(world, association.owner), await lasting(world, company.admin)
    await world.ok(owner, "POST", path(application, "decline"), {"reason": "other"})
    with clock.at(clock.now() + timedelta(days=5)):
        reopened = await world.ok(owner, "POST", path(application, "reopen"))
        await decide_silent_approvals()
        await catch_up(settings)
        assert (await told(world, hr, application)).count("approval_asked") == 2
        assert await row(application) == ("submitted", "pending", None)
        assert await asked(application) == 2
        approved = await world.ok(hr, "POST", path(application, "approve"))
    assert reopened["approval_due_at"] > application["approval_due_at"]
    assert (approved["employer_approval"], (await efforts(application))[1:]) == ("approved", (1800, 1800))


async def test_a_reopening_asks_whoever_is_in_charge_then(world: World) -> None:
    association, company, employee, application = await applied(world, "manager")
    jobs = [
        (await world.ok(who, "GET", "/v1/me"))["employments"][0]
        for who in (world.employee(company, "claude"), employee)
    ]
    await world.ok(association.owner, "POST", path(application, "decline"), {"reason": "other"})
    employees = f"/v1/companies/{company.id}/employees/{jobs[1]['employee_id']}"
    tag = (await world.call(company.admin, "GET", employees)).headers["etag"]
    named = {"manager_id": jobs[0]["employee_id"]}
    await world.ok(company.admin, "PATCH", employees, named, if_match=tag)
    await world.ok(association.owner, "POST", path(application, "reopen"))
    async with operations() as connection:
        charged = "SELECT manager_id FROM application WHERE id = $1"
        assert await connection.fetchval(charged, UUID(application["id"])) == UUID(jobs[0]["employee_id"])


async def test_what_the_employer_agreed_to_is_not_asked_again_by_a_reopening(world: World) -> None:
    association, company, _, application = await applied(world)
    await world.ok(company.admin, "POST", path(application, "approve"))
    await world.ok(association.owner, "POST", path(application, "decline"), {"reason": "other"})
    reopened = await world.ok(association.owner, "POST", path(application, "reopen"))
    assert (reopened["employer_approval"], await asked(application)) == ("approved", 1)

"""What ends while something else happens to it: each interleaving played by hand, then all at once."""

import asyncio
from collections import Counter
from typing import Any

import httpx
import pytest

from tests.make.gate import held, until_waiting
from tests.make.world import Association, World, facts_of

REASON = {"reason": "Plus de local."}


async def engaged(
    world: World, places: int = 1, **policy: Any
) -> tuple[Association, dict[str, Any], str, str]:
    """Give a mission with one application: the association, the mission, the applicant's token, the path."""
    association, company = (
        await world.association(),
        await world.company(**{"approval": "automatic"} | policy),
    )
    mission, employee = await world.mission(association, places=places), world.employee(company)
    application = await world.application(employee, mission)
    return association, mission, employee, f"/v1/applications/{application['id']}"


async def one_after_the_other(
    world: World, environment: dict[str, str], mission: dict[str, Any], *calls: Any
) -> list[httpx.Response]:
    """Let calls stand in line before the mission, in this order."""
    tasks = []
    async with held(environment, "mission", mission["id"]) as gate:
        for number, call in enumerate(calls, 1):
            tasks.append(asyncio.create_task(call))
            await until_waiting(gate, number)
    return list(await asyncio.gather(*tasks))


async def test_an_acceptance_meets_the_mission_s_cancellation(
    world: World, environment: dict[str, str]
) -> None:
    association, mission, employee, path = await engaged(world)
    answers = await one_after_the_other(
        world,
        environment,
        mission,
        world.call(association.owner, "POST", f"{path}/accept"),
        world.call(association.owner, "POST", f"/v1/missions/{mission['id']}/cancel", REASON),
    )
    ended = await world.ok(employee, "GET", path)
    assert [answer.status_code for answer in answers] == [200, 200]
    assert [event["state"] for event in ended["history"]] == ["submitted", "accepted", "cancelled"]


async def test_a_cancellation_meets_an_acceptance(world: World, environment: dict[str, str]) -> None:
    association, mission, employee, path = await engaged(world)
    answers = await one_after_the_other(
        world,
        environment,
        mission,
        world.call(association.owner, "POST", f"/v1/missions/{mission['id']}/cancel", REASON),
        world.call(association.owner, "POST", f"{path}/accept"),
    )
    assert [answer.status_code for answer in answers] == [200, 409]
    assert (await world.ok(employee, "GET", path))["state"] == "cancelled"


@pytest.mark.parametrize("first", ["accept", "lower"])
async def test_an_acceptance_meets_fewer_places(
    world: World, environment: dict[str, str], first: str
) -> None:
    association, mission, employee, path = await engaged(world, places=2)
    other = await world.application(world.employee(await world.company(approval="automatic")), mission)
    await world.ok(association.owner, "POST", f"/v1/applications/{other['id']}/accept")
    url = f"/v1/missions/{mission['id']}"
    tag = (await world.call(association.owner, "GET", url)).headers["etag"]
    accept = world.call(association.owner, "POST", f"{path}/accept")
    lower = world.call(association.owner, "PATCH", url, {"places": 1}, if_match=tag)
    calls = [accept, lower] if first == "accept" else [lower, accept]
    answers = await one_after_the_other(world, environment, mission, *calls)

    assert [answer.status_code for answer in answers] == [200, 409]
    problem = "places-taken" if first == "accept" else "mission-full"
    assert answers[1].json()["type"] == f"/problems/{problem}"
    shown = await world.ok(None, "GET", url)
    assert (shown["places"], shown["places_left"]) == (2 if first == "accept" else 1, 0)
    state = (await world.ok(employee, "GET", path))["state"]
    assert state == ("accepted" if first == "accept" else "submitted")


async def test_an_acceptance_meets_a_leaver(world: World, environment: dict[str, str]) -> None:
    association, company = await world.association(), await world.company(approval="automatic")
    mission, employee = await world.mission(association), world.employee(company)
    path = f"/v1/applications/{(await world.application(employee, mission))['id']}"
    job = (await world.ok(employee, "GET", "/v1/me"))["employments"][0]["employee_id"]
    leave = f"/v1/companies/{company.id}/employees/{job}/deactivate"
    answers = await one_after_the_other(
        world,
        environment,
        mission,
        world.call(association.owner, "POST", f"{path}/accept"),
        world.call(company.admin, "POST", leave),
    )
    assert [answer.status_code for answer in answers] == [200, 200]
    assert (await world.ok(association.owner, "GET", path))["state"] == "withdrawn"
    assert (await world.ok(None, "GET", f"/v1/missions/{mission['id']}"))["places_left"] == 1


@pytest.mark.parametrize("first", ["manager", "hr"])
async def test_a_manager_agrees_while_hr_refuses(
    world: World, environment: dict[str, str], first: str
) -> None:
    """The second one decided on what the first one has changed, and is told so."""
    association, company = await world.association(), await world.company(approval="manager")
    mission, (manager, employee) = await world.mission(association), await world.managed(company)
    path = f"/v1/applications/{(await world.application(employee, mission))['id']}"
    seen = (await world.call(manager, "GET", path)).headers["etag"]
    approve = world.call(manager, "POST", f"{path}/approve", if_match=seen)
    refuse = world.call(company.admin, "POST", f"{path}/refuse", REASON, if_match=seen)
    calls = [approve, refuse] if first == "manager" else [refuse, approve]
    answers = await one_after_the_other(world, environment, mission, *calls)

    assert [answer.status_code for answer in answers] == [200, 412]
    ended = await world.ok(employee, "GET", path)
    expected = ("approved", "submitted") if first == "manager" else ("refused", "employer_refused")
    assert (ended["employer_approval"], ended["state"]) == expected
    facts = await facts_of(ended["id"])
    assert facts["EmployerApproved"] + facts["EmployerRefused"] == 1


async def test_hr_refuses_while_a_manager_agrees(world: World, environment: dict[str, str]) -> None:
    """Who names no version is told the state: what was refused is over."""
    association, company = await world.association(), await world.company(approval="manager")
    mission, (manager, employee) = await world.mission(association), await world.managed(company)
    path = f"/v1/applications/{(await world.application(employee, mission))['id']}"
    answers = await one_after_the_other(
        world,
        environment,
        mission,
        world.call(company.admin, "POST", f"{path}/refuse", REASON),
        world.call(manager, "POST", f"{path}/approve"),
    )
    assert [answer.status_code for answer in answers] == [200, 409]
    assert (await world.ok(employee, "GET", path))["state"] == "employer_refused"


async def test_everything_happens_to_one_mission_at_once(world: World) -> None:
    association, company = await world.association(), await world.company(approval="automatic")
    mission = await world.mission(association, places=2)
    tokens = [world.employee(company) for _ in range(6)]
    paths = [f"/v1/applications/{(await world.application(token, mission))['id']}" for token in tokens]
    late = [world.employee(company) for _ in range(2)]
    for token in late:
        await world.ok(token, "GET", "/v1/me")
    calls = [
        *(world.call(association.owner, "POST", f"{path}/accept") for path in paths),
        *(
            world.call(token, "POST", f"{path}/withdraw", {"reason": "other"})
            for token, path in zip(tokens[:2], paths[:2], strict=True)
        ),
        world.call(association.owner, "POST", f"/v1/missions/{mission['id']}/cancel", REASON),
        *(
            world.call(
                token, "POST", f"/v1/missions/{mission['id']}/applications", {"regime": "working_time"}
            )
            for token in late
        ),
    ]
    answers = await asyncio.gather(*calls)

    assert Counter(answer.status_code for answer in answers).keys() <= {200, 201, 409}
    ended = await world.ok(association.owner, "GET", f"/v1/missions/{mission['id']}")
    assert (ended["state"], ended["live_applications"], ended["places_left"]) == ("cancelled", 0, 2)
    states = [(await world.ok(association.owner, "GET", path))["state"] for path in paths]
    assert set(states) <= {"cancelled", "withdrawn"}

"""What ends while something else happens to it: each interleaving played by hand, then all at once."""

import asyncio
from collections import Counter
from typing import Any

import httpx

from tests.make.gate import held, until_waiting
from tests.make.world import Association, World

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


async def test_an_acceptance_meets_fewer_places(world: World, environment: dict[str, str]) -> None:
    association, mission, _, path = await engaged(world, places=2)
    other = await world.application(world.employee(await world.company(approval="automatic")), mission)
    await world.ok(association.owner, "POST", f"/v1/applications/{other['id']}/accept")
    url = f"/v1/missions/{mission['id']}"
    tag = (await world.call(association.owner, "GET", url)).headers["etag"]
    answers = await one_after_the_other(
        world,
        environment,
        mission,
        world.call(association.owner, "POST", f"{path}/accept"),
        world.call(association.owner, "PATCH", url, {"places": 1}, if_match=tag),
    )
    assert [answer.status_code for answer in answers] == [200, 409]
    assert answers[1].json()["type"] == "/problems/places-taken"
    assert (await world.ok(None, "GET", url))["places_left"] == 0


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


async def test_a_manager_agrees_while_hr_refuses(world: World, environment: dict[str, str]) -> None:
    association, company = await world.association(), await world.company(approval="hr")
    second = world.employee(company, "rh")
    job = (await world.ok(second, "GET", "/v1/me"))["employments"][0]["employee_id"]
    url = f"/v1/companies/{company.id}/employees/{job}"
    tag = (await world.call(company.admin, "GET", url)).headers["etag"]
    await world.ok(company.admin, "PATCH", url, {"roles": ["employee", "hr"]}, if_match=tag)
    mission, employee = await world.mission(association), world.employee(company)
    path = f"/v1/applications/{(await world.application(employee, mission))['id']}"
    seen = (await world.call(second, "GET", path)).headers["etag"]
    answers = await one_after_the_other(
        world,
        environment,
        mission,
        world.call(company.admin, "POST", f"{path}/approve", if_match=seen),
        world.call(second, "POST", f"{path}/refuse", REASON, if_match=seen),
    )
    assert [answer.status_code for answer in answers] == [200, 412]
    assert (await world.ok(employee, "GET", path))["employer_approval"] == "approved"


async def test_hr_refuses_while_a_manager_agrees(world: World, environment: dict[str, str]) -> None:
    association, company = await world.association(), await world.company(approval="hr")
    mission, employee = await world.mission(association), world.employee(company)
    path = f"/v1/applications/{(await world.application(employee, mission))['id']}"
    answers = await one_after_the_other(
        world,
        environment,
        mission,
        world.call(company.admin, "POST", f"{path}/refuse", REASON),
        world.call(company.admin, "POST", f"{path}/approve"),
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

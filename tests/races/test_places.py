"""The last place: one interleaving played by hand, a race, and the mutant without the guard."""

import asyncio
from collections import Counter

import pytest
from litestar import Litestar

from api.core.check import violations
from tests.make.clone import cloned
from tests.make.gate import held, until_waiting
from tests.make.served import served
from tests.make.world import Association, World


async def _applicants(world: World, association: Association, people: int, places: int) -> list[str]:
    """Publish a mission and let people apply; gives the paths of their applications."""
    company = await world.company(approval="automatic")
    mission = await world.mission(association, places=places)
    made = [await world.application(world.employee(company), mission) for _ in range(people)]
    return [f"/v1/applications/{application['id']}" for application in made]


async def _accept_all(world: World, association: Association, paths: list[str]) -> Counter[int]:
    answers = await asyncio.gather(
        *(world.call(association.owner, "POST", f"{path}/accept") for path in paths)
    )
    return Counter(answer.status_code for answer in answers)


async def test_two_acceptances_meet_on_the_last_place(world: World, environment: dict[str, str]) -> None:
    association = await world.association()
    paths = await _applicants(world, association, people=2, places=1)
    first = await world.ok(association.owner, "GET", paths[0])
    async with held(environment, "mission", first["mission_id"]) as gate:
        both = asyncio.create_task(_accept_all(world, association, paths))
        await until_waiting(gate, 2)

    assert await both == Counter({200: 1, 409: 1})
    mission = await world.ok(None, "GET", f"/v1/missions/{first['mission_id']}")
    assert mission["places_left"] == 0


async def test_an_acceptance_meets_a_withdrawal(world: World, environment: dict[str, str]) -> None:
    association, company = await world.association(), await world.company()
    mission, employee = await world.mission(association), world.employee(company)
    path = f"/v1/applications/{(await world.application(employee, mission))['id']}"
    async with held(environment, "mission", mission["id"]) as gate:
        accept = asyncio.create_task(world.call(association.owner, "POST", f"{path}/accept"))
        await until_waiting(gate, 1)
        withdraw = asyncio.create_task(
            world.call(employee, "POST", f"{path}/withdraw", {"reason": "changed_mind"})
        )
        await until_waiting(gate, 2)

    assert [(await accept).status_code, (await withdraw).status_code] == [200, 200]
    ended = await world.ok(employee, "GET", path)
    assert [event["state"] for event in ended["history"]] == ["submitted", "accepted", "withdrawn"]
    assert (await world.ok(None, "GET", f"/v1/missions/{mission['id']}"))["places_left"] == 1


async def test_twenty_acceptances_race_for_three_places(world: World) -> None:
    association = await world.association()
    paths = await _applicants(world, association, people=20, places=3)

    assert await _accept_all(world, association, paths) == Counter({200: 3, 409: 17})


async def test_one_person_applying_twenty_times_at_once_applies_once(world: World) -> None:
    association, company = await world.association(), await world.company()
    mission, employee = await world.mission(association), world.employee(company)
    await world.ok(employee, "GET", "/v1/me")
    path = f"/v1/missions/{mission['id']}/applications"

    answers = await asyncio.gather(
        *(world.call(employee, "POST", path, {"regime": "working_time"}) for _ in range(20))
    )

    assert Counter(answer.status_code for answer in answers) == Counter({201: 1, 409: 19})


async def test_a_first_token_used_twenty_times_at_once_makes_one_employee(world: World) -> None:
    employee = world.employee(await world.company())

    answers = await asyncio.gather(*(world.call(employee, "GET", "/v1/me") for _ in range(20)))

    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.json()["id"] for answer in answers}) == 1


@pytest.mark.parametrize(
    ("guard", "broken"),
    [
        ("ALTER TABLE mission DROP CONSTRAINT mission_places_not_oversold", "places_are_counted"),
        ("DROP INDEX application_one_live", "one_live_application"),
    ],
)
async def test_without_its_guard_the_database_is_found_broken(
    app: Litestar, environment: dict[str, str], guard: str, broken: str
) -> None:
    async with cloned(environment, guard) as settings, served(app, settings) as client:
        world = World(client, environment)
        association = await world.association()
        if broken == "places_are_counted":
            paths = await _applicants(world, association, people=3, places=1)
            assert await _accept_all(world, association, paths) == Counter({200: 3})
        else:
            mission, employee = await world.mission(association), world.employee(await world.company())
            for _ in range(2):
                await world.application(employee, mission)

        assert broken in {violation.invariant for violation in await violations()}

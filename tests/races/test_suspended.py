"""A suspended association takes nobody on, and what runs goes on: act by act, both orders, a race, the mutant."""

import asyncio
from datetime import timedelta
from typing import Any

import httpx
import pytest
from litestar import Litestar

from api.applications.clockwork import expire_due_missions, expire_unanswered, offer_free_places
from api.core import clock
from tests.api.core.asking import assert_problem
from tests.make.clone import cloned
from tests.make.gate import held, until_waiting
from tests.make.served import served
from tests.make.world import Association, World
from tests.races.test_waitlist import REASON, queue, states


async def suspend(world: World, association: Association) -> httpx.Response:
    body = {"reason": "Un emploi déguisé."}
    moderator = await world.moderator()
    return await world.call(moderator, "POST", f"/v1/associations/{association.id}/suspend", body)


async def reinstate(world: World, association: Association) -> None:
    await world.ok(await world.moderator(), "POST", f"/v1/associations/{association.id}/reinstate")


async def test_nobody_is_accepted_or_reopened_and_people_are_declined(world: World) -> None:
    association, company = await world.association(), await world.company(approval="automatic")
    mission = await world.mission(association, places=3)
    made = [await world.application(world.employee(company), mission) for _ in range(3)]
    path = [f"/v1/applications/{one['id']}" for one in made]
    await world.ok(association.owner, "POST", f"{path[0]}/decline", {"reason": "other"})
    assert (await suspend(world, association)).status_code == 200

    assert_problem(
        await world.call(association.owner, "POST", f"{path[0]}/reopen"), 409, "association-suspended"
    )
    assert_problem(
        await world.call(association.owner, "POST", f"{path[1]}/accept"), 409, "association-suspended"
    )
    body = {"ids": [made[1]["id"], made[2]["id"]]}
    many = await world.ok(association.owner, "POST", "/v1/applications/accept", body)
    assert {item["problem"]["type"] for item in many["items"]} == {"/problems/association-suspended"}
    declined = await world.ok(association.owner, "POST", f"{path[2]}/decline", {"reason": "other"})
    shown = [await world.ok(association.owner, "GET", each) for each in path]
    assert [one["state"] for one in shown] == ["declined", "submitted", declined["state"]]

    await reinstate(world, association)
    assert (await world.ok(association.owner, "POST", f"{path[1]}/accept"))["state"] == "accepted"


async def test_no_place_is_offered_or_taken_until_it_is_open_again(world: World) -> None:
    line = await queue(world, places=2, waiting=2)
    first, _ = line.waiting
    await world.ok(line.tokens[line.holding[0]], "POST", line.path(line.holding[0], "withdraw"), REASON)
    await suspend(world, line.association)
    taken = await world.call(line.tokens[first], "POST", line.path(first, "accept-offer"))
    assert_problem(taken, 409, "association-suspended")
    left = await world.call(
        line.tokens[line.holding[1]], "POST", line.path(line.holding[1], "withdraw"), REASON
    )
    assert left.status_code == 200
    await offer_free_places()
    assert await states(world, line) == ["withdrawn", "withdrawn", "offered", "waitlisted"]

    path = f"/v1/missions/{line.mission['id']}"
    tag = (await world.call(line.association.owner, "GET", path)).headers["etag"]
    more = await world.call(line.association.owner, "PATCH", path, {"places": 4}, if_match=tag)
    assert_problem(more, 409, "association-suspended")
    assert (await world.ok(line.association.owner, "GET", path))["places"] == 2

    await reinstate(world, line.association)
    assert await offer_free_places() == 1
    assert (await world.ok(line.tokens[first], "POST", line.path(first, "accept-offer")))[
        "state"
    ] == "accepted"
    assert await states(world, line) == ["withdrawn", "withdrawn", "accepted", "offered"]


async def test_nobody_waits_for_ever_in_the_line_of_a_suspended_association(world: World) -> None:
    line = await queue(world, places=1, waiting=1)
    await suspend(world, line.association)
    await world.ok(line.tokens[line.holding[0]], "POST", line.path(line.holding[0], "withdraw"), REASON)
    await offer_free_places()
    await expire_unanswered()
    assert await states(world, line) == ["withdrawn", "waitlisted"]

    with clock.at(clock.now() + timedelta(days=800)):
        assert await expire_unanswered() >= 1
        await expire_due_missions()
    assert await states(world, line) == ["withdrawn", "expired"]
    mission = await world.ok(line.association.owner, "GET", f"/v1/missions/{line.mission['id']}")
    assert mission["state"] == "expired"


async def test_what_runs_goes_on(world: World) -> None:
    association, company = await world.association(), await world.company(approval="automatic")
    employee, application = await world.engagement(association, company)
    path = f"/v1/applications/{application['id']}"
    await suspend(world, association)
    worked = {"worked_on": str(clock.today("Europe/Paris")), "minutes": 60}
    hours = await world.ok(employee, "POST", f"{path}/hours", worked)
    await world.ok(association.owner, "POST", f"/v1/hours/{hours['id']}/confirm")
    change = await world.ok(association.owner, "POST", f"{path}/changes", {"effort_minutes": 2000})
    await world.ok(employee, "POST", f"/v1/changes/{change['id']}/accept")
    assert (await world.ok(association.owner, "POST", f"{path}/complete"))["state"] == "completed"


async def running(world: World) -> tuple[Association, dict[str, Any], dict[str, Any]]:
    """Give an association, its mission in progress, and somebody who had applied to it."""
    association, company = await world.association(), await world.company(approval="automatic")
    mission = await world.mission(association, places=2)
    one, other = [await world.application(world.employee(company), mission) for _ in range(2)]
    await world.ok(association.owner, "POST", f"/v1/applications/{one['id']}/accept")
    await world.ok(association.owner, "POST", f"/v1/missions/{mission['id']}/start")
    return association, mission, other


@pytest.mark.parametrize(
    ("accepted_first", "statuses", "state"),
    [(True, [200, 200], "accepted"), (False, [200, 409], "submitted")],
)
async def test_an_acceptance_meets_a_suspension(
    world: World, environment: dict[str, str], accepted_first: bool, statuses: list[int], state: str
) -> None:
    association, mission, application = await running(world)
    path = f"/v1/applications/{application['id']}"
    calls = [world.call(association.owner, "POST", f"{path}/accept"), suspend(world, association)]
    tasks: list[asyncio.Task[httpx.Response]] = []
    async with held(environment, "mission", mission["id"]) as gate:
        for number, call in enumerate(calls if accepted_first else calls[::-1], 1):
            tasks.append(asyncio.create_task(call))
            await until_waiting(gate, number)
    assert [(await task).status_code for task in tasks] == statuses
    assert (await world.ok(association.owner, "GET", path))["state"] == state


async def test_acceptances_and_a_suspension_at_once(world: World) -> None:
    association, company = await world.association(), await world.company(approval="automatic")
    mission = await world.mission(association, places=6)
    made = [await world.application(world.employee(company), mission) for _ in range(6)]
    path = "/v1/applications/{}/accept"
    answers = await asyncio.gather(
        *(world.call(association.owner, "POST", path.format(one["id"])) for one in made[:3]),
        suspend(world, association),
        *(world.call(association.owner, "POST", path.format(one["id"])) for one in made[3:]),
    )
    assert answers[3].status_code == 200
    assert {answer.status_code for answer in answers} <= {200, 409}
    holding = sum(answer.status_code == 200 for answer in answers) - 1
    assert (await world.ok(association.owner, "GET", f"/v1/missions/{mission['id']}"))[
        "places_left"
    ] == 6 - holding


async def test_without_its_guard_a_suspended_association_takes_somebody_on(
    app: Litestar, environment: dict[str, str]
) -> None:
    guard = "DROP TRIGGER application_of_open_association ON application"
    async with cloned(environment, guard) as settings, served(app, settings) as client:
        world = World(client, environment)
        association, _, application = await running(world)
        await suspend(world, association)
        path = f"/v1/applications/{application['id']}/accept"
        assert (await world.call(association.owner, "POST", path)).status_code == 200

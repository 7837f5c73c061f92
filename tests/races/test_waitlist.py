"""The waitlist is a queue: a freed place goes to the first who waits, to them alone, and is passed on in time."""

import asyncio
from collections import Counter
from datetime import timedelta
from typing import Any, NamedTuple
from uuid import UUID

import pytest
from litestar import Litestar

from api.applications.clockwork import expire_unanswered, offer_free_places
from api.core import clock
from api.core.check import violations
from api.core.database import operations
from tests.make.clone import cloned
from tests.make.gate import held, until_waiting
from tests.make.served import served
from tests.make.world import Association, World

REASON = {"reason": "not_available"}


class Queue(NamedTuple):
    """A full mission: who holds a place, who waits, in their order; tokens by application."""

    association: Association
    mission: dict[str, Any]
    holding: list[str]
    waiting: list[str]
    tokens: dict[str, str]

    def path(self, application: str, act: str) -> str:
        """Give the path of an act."""
        return f"/v1/applications/{application}/{act}"


async def queue(world: World, places: int = 1, waiting: int = 2) -> Queue:
    """Fill a mission and let others wait."""
    association, company = await world.association(), await world.company(approval="automatic")
    mission = await world.mission(association, places=places)
    tokens: dict[str, str] = {}
    for _ in range(places + waiting):
        token = world.employee(company)
        tokens[(await world.application(token, mission))["id"]] = token
    ids = list(tokens)
    for number, one in enumerate(ids):
        act = "accept" if number < places else "waitlist"
        await world.ok(association.owner, "POST", f"/v1/applications/{one}/{act}")
    return Queue(association, mission, ids[:places], ids[places:], tokens)


async def states(world: World, line: Queue) -> list[str]:
    """Give the states of every application, in their order."""
    return [
        (await world.ok(token, "GET", f"/v1/applications/{one}"))["state"]
        for one, token in line.tokens.items()
    ]


async def left(world: World, line: Queue) -> int:
    return int((await world.ok(None, "GET", f"/v1/missions/{line.mission['id']}"))["places_left"])


async def at(hours: float) -> None:
    """Let the schedule pass on what was not taken, so many hours from now."""
    with clock.at(clock.now() + timedelta(hours=hours)):
        await expire_unanswered()


async def test_only_a_full_mission_has_a_waitlist_and_shows_its_places(world: World) -> None:
    line = await queue(world)
    owner = line.association.owner
    open_one = await world.application(
        world.employee(await world.company()), await world.mission(line.association)
    )
    early = await world.call(owner, "POST", line.path(open_one["id"], "waitlist"))
    positions = [
        (await world.ok(line.tokens[one], "GET", f"/v1/applications/{one}"))["waitlist_position"]
        for one in line.waiting
    ]
    assert (early.status_code, early.json()["type"]) == (409, "/problems/mission-not-full")
    assert positions == [1, 2]


async def test_a_freed_place_is_offered_to_the_first_alone_and_confirmed(world: World) -> None:
    line = await queue(world)
    first, second = line.waiting
    await world.ok(line.tokens[line.holding[0]], "POST", line.path(line.holding[0], "withdraw"), REASON)

    assert await states(world, line) == ["withdrawn", "offered", "waitlisted"]
    assert await left(world, line) == 0
    stolen = await world.call(line.tokens[second], "POST", line.path(second, "accept-offer"))
    taken = await world.ok(line.tokens[first], "POST", line.path(first, "accept-offer"))
    again = await world.ok(line.tokens[first], "POST", line.path(first, "accept-offer"))
    assert stolen.status_code == 409
    assert (taken["state"], again["version"], taken["offer_expires_at"]) == (
        "accepted",
        taken["version"],
        None,
    )


async def test_an_offer_not_taken_passes_on_even_after_a_week(world: World) -> None:
    line = await queue(world, waiting=3)
    await world.ok(line.tokens[line.holding[0]], "POST", line.path(line.holding[0], "withdraw"), REASON)
    await at(47)
    assert await states(world, line) == ["withdrawn", "offered", "waitlisted", "waitlisted"]
    await at(49)
    assert await states(world, line) == ["withdrawn", "expired", "offered", "waitlisted"]
    await at(24 * 7)
    assert await states(world, line) == ["withdrawn", "expired", "expired", "offered"]


@pytest.mark.parametrize("act", ["cancel", "refuse"])
async def test_whoever_frees_a_place_the_queue_moves(world: World, act: str) -> None:
    association, company = await world.association(), await world.company(approval="hr")
    mission = await world.mission(association)
    tokens = [world.employee(company) for _ in range(2)]
    first, second = [(await world.application(token, mission))["id"] for token in tokens]
    await world.ok(association.owner, "POST", f"/v1/applications/{first}/accept")
    await world.ok(association.owner, "POST", f"/v1/applications/{second}/waitlist")
    who = association.owner if act == "cancel" else company.admin

    await world.ok(who, "POST", f"/v1/applications/{first}/{act}", {"reason": "Clôture des comptes."})

    assert (await world.ok(tokens[1], "GET", f"/v1/applications/{second}"))["state"] == "offered"


async def test_places_added_go_to_the_queue_before_anybody_else(world: World) -> None:
    line = await queue(world)
    owner = line.association.owner
    newcomer = await world.application(
        world.employee(await world.company(approval="automatic")), line.mission
    )
    path = f"/v1/missions/{line.mission['id']}"
    tag = (await world.call(owner, "GET", path)).headers["etag"]
    edited = await world.ok(owner, "PATCH", path, {"places": 2}, if_match=tag)

    jumped = await world.call(owner, "POST", line.path(newcomer["id"], "accept"))

    assert (jumped.status_code, jumped.json()["type"]) == (409, "/problems/mission-full")
    assert (edited["places"], edited["places_left"]) == (2, 0)
    assert (await states(world, line))[1:] == ["offered", "waitlisted"]


async def test_a_place_that_nobody_offered_is_offered_by_the_clock(world: World) -> None:
    line = await queue(world)
    async with operations() as connection:
        await connection.execute(
            "UPDATE mission SET places = places + 1 WHERE id = $1", UUID(line.mission["id"])
        )

    await offer_free_places()

    assert (await states(world, line))[1:] == ["offered", "waitlisted"]


async def test_a_leaver_gives_their_place_to_the_queue(world: World) -> None:
    association, company = await world.association(), await world.company(approval="automatic")
    other = await world.company(approval="automatic")
    mission = await world.mission(association)
    leaver, waiting = world.employee(company), world.employee(other)
    first, second = [(await world.application(token, mission))["id"] for token in (leaver, waiting)]
    await world.ok(association.owner, "POST", f"/v1/applications/{first}/accept")
    await world.ok(association.owner, "POST", f"/v1/applications/{second}/waitlist")
    job = (await world.ok(leaver, "GET", "/v1/me"))["employments"][0]["employee_id"]

    await world.ok(company.admin, "POST", f"/v1/companies/{company.id}/employees/{job}/deactivate")

    assert (await world.ok(waiting, "GET", f"/v1/applications/{second}"))["state"] == "offered"


@pytest.mark.parametrize("first", ["confirm", "expire"])
async def test_an_offer_is_confirmed_while_it_expires(
    world: World, environment: dict[str, str], first: str
) -> None:
    """Played by hand, both ways: whoever is first in line wins, and the other finds it done."""
    line = await queue(world, waiting=2)
    one = line.waiting[0]
    await world.ok(line.tokens[line.holding[0]], "POST", line.path(line.holding[0], "withdraw"), REASON)
    confirm = world.call(line.tokens[one], "POST", line.path(one, "accept-offer"))
    calls: list[Any] = [confirm, at(72)] if first == "confirm" else [at(72), confirm]
    tasks = []
    async with held(environment, "mission", line.mission["id"]) as gate:
        for number, call in enumerate(calls, 1):
            tasks.append(asyncio.create_task(call))
            await until_waiting(gate, number)
    answers = await asyncio.gather(*tasks)

    status = answers[0 if first == "confirm" else 1].status_code
    expected = (200, "accepted", "waitlisted") if first == "confirm" else (409, "expired", "offered")
    assert (status, *(await states(world, line))[1:]) == expected
    assert await left(world, line) == 0


async def test_two_withdrawals_promote_two_people_in_order(world: World, environment: dict[str, str]) -> None:
    line = await queue(world, places=2, waiting=3)
    async with held(environment, "mission", line.mission["id"]) as gate:
        both = [
            asyncio.create_task(world.call(line.tokens[one], "POST", line.path(one, "withdraw"), REASON))
            for one in line.holding
        ]
        await until_waiting(gate, 2)
    assert [answer.status_code for answer in await asyncio.gather(*both)] == [200, 200]
    assert (await states(world, line))[2:] == ["offered", "offered", "waitlisted"]


async def test_everybody_clicks_at_once_and_no_place_is_oversold(world: World) -> None:
    line = await queue(world, places=3, waiting=9)
    owner = line.association.owner
    newcomers = [
        await world.application(world.employee(await world.company(approval="automatic")), line.mission)
        for _ in range(2)
    ]
    calls = [
        *(world.call(line.tokens[one], "POST", line.path(one, "withdraw"), REASON) for one in line.holding),
        *(world.call(owner, "POST", line.path(one["id"], "accept")) for one in newcomers),
        *(world.call(line.tokens[one], "POST", line.path(one, "accept-offer")) for one in line.waiting),
        *(
            world.call(line.tokens[one], "POST", line.path(one, "withdraw"), REASON)
            for one in line.waiting[4:6]
        ),
    ]
    answers = await asyncio.gather(*calls)

    assert {answer.status_code for answer in answers} <= {200, 409}
    counted = Counter(await states(world, line))
    assert counted["accepted"] + counted["offered"] == 3
    assert [answer.status_code for answer in answers[3:5]] == [409, 409]


async def test_without_its_guard_a_person_applies_without_end(
    app: Litestar, environment: dict[str, str]
) -> None:
    guard = "DROP TRIGGER application_capped ON application"
    async with cloned(environment, guard) as settings, served(app, settings) as client:
        world = World(client, environment)
        association, employee = await world.association(), world.employee(await world.company())
        for _ in range(6):
            await world.application(employee, await world.mission(association))
        assert "nobody_waits_for_too_many" in {found.invariant for found in await violations()}


async def test_a_person_who_applies_six_times_at_once_waits_for_five(world: World) -> None:
    association, employee = await world.association(), world.employee(await world.company())
    await world.ok(employee, "GET", "/v1/me")
    missions = [await world.mission(association) for _ in range(6)]
    answers = await asyncio.gather(
        *(
            world.call(
                employee, "POST", f"/v1/missions/{mission['id']}/applications", {"regime": "working_time"}
            )
            for mission in missions
        )
    )
    assert Counter(answer.status_code for answer in answers) == Counter({201: 5, 409: 1})

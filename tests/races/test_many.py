"""Many answers under one key: in the order of missions, none lost to another, and each with its own problem."""

import asyncio
from typing import Any

import httpx

from tests.make.gate import held, until_waiting
from tests.make.world import Association, World


async def made(world: World, missions: int = 2) -> tuple[Association, list[list[dict[str, Any]]]]:
    """Give an association and two applications to each of its missions, which have a place for both."""
    association, company = await world.association(), await world.company(approval="automatic")
    found = sorted([(await world.mission(association, places=2))["id"] for _ in range(missions)])
    return association, [
        [await world.application(world.employee(company), {"id": each}) for _ in range(2)] for each in found
    ]


def many(world: World, association: Association, act: str, key: str, *items: dict[str, Any]) -> Any:
    body = {"ids": [item["id"] for item in items]} | ({"reason": "other"} if act == "decline" else {})
    return world.call(association.owner, "POST", f"/v1/applications/{act}", body, idempotency_key=key)


def became(answer: httpx.Response) -> list[tuple[str, int]]:
    assert answer.status_code == 200, answer.text
    return [(item["id"], item["status"]) for item in answer.json()["items"]]


async def test_two_bulk_answers_in_opposite_orders_are_both_given(
    world: World, environment: dict[str, str]
) -> None:
    association, ((one, other), (two, another)) = await made(world)
    lists = [("accept", [one, two]), ("decline", [another, other])]
    tasks = []
    async with (
        held(environment, "mission", one["mission_id"]) as gate,
        held(environment, "mission", two["mission_id"]),
    ):
        for number, (act, items) in enumerate(lists, 1):
            tasks.append(asyncio.create_task(many(world, association, act, f"{act}-croise", *items)))
            await until_waiting(gate, number)
    for (_, items), task in zip(lists, tasks, strict=True):
        assert became(await task) == [(item["id"], 200) for item in items]
    states = [
        (await world.ok(association.owner, "GET", f"/v1/applications/{item['id']}"))["state"]
        for item in (one, two, other, another)
    ]
    assert states == ["accepted", "accepted", "declined", "declined"]


async def test_bulk_answers_race_and_none_is_lost(world: World) -> None:
    association, pairs = await made(world, missions=4)
    firsts, seconds = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
    answers = await asyncio.gather(
        many(world, association, "accept", "course-1", *firsts),
        many(world, association, "accept", "course-2", *firsts[::-1]),
        many(world, association, "decline", "course-3", *seconds[::-1]),
        many(world, association, "decline", "course-4", *seconds),
    )
    asked = [firsts, firsts[::-1], seconds[::-1], seconds]
    for answer, items in zip(answers, asked, strict=True):
        assert became(answer) == [(item["id"], 200) for item in items]


async def test_what_one_waits_for_in_vain_is_its_own_problem(
    world: World, environment: dict[str, str]
) -> None:
    association, ((one, _), (two, _)) = await made(world)
    async with held(environment, "mission", one["mission_id"]):
        answer = await many(world, association, "accept", "bloquee", two, one)
    again = await many(world, association, "accept", "bloquee", two, one)

    assert became(answer) == [(two["id"], 200), (one["id"], 503)]
    assert answer.json()["items"][1]["problem"]["type"] == "/problems/unavailable"
    assert again.content == answer.content
    shown = [
        await world.ok(association.owner, "GET", f"/v1/applications/{item['id']}") for item in (one, two)
    ]
    assert [item["state"] for item in shown] == ["submitted", "accepted"]


async def test_the_last_place_goes_to_who_was_named_first(world: World) -> None:
    association, ((one, other), (two, another)) = await made(world)
    path = f"/v1/missions/{one['mission_id']}"
    tag = (await world.call(association.owner, "GET", path)).headers["etag"]
    await world.ok(association.owner, "PATCH", path, {"places": 1}, if_match=tag)
    answer = await many(world, association, "accept", "derniere", two, other, one, another)
    assert became(answer) == [(two["id"], 200), (other["id"], 200), (one["id"], 409), (another["id"], 200)]

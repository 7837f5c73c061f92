"""A freed place is offered while another offer is confirmed while it expires: every order by hand, a race, mutants."""

import asyncio
from collections import Counter
from itertools import permutations
from typing import Any

import pytest

from tests.make.gate import held, until_waiting
from tests.make.world import World, facts_of
from tests.races.test_waitlist import REASON, Queue, at, left, queue, states

ORDERS = list(permutations(("free", "confirm", "expire")))
LATE = 72
"""Hours after which the first offer is over."""


async def offering(world: World) -> Queue:
    """Give a mission of two places: one held, one offered to the first of three who waited."""
    line = await queue(world, places=2, waiting=3)
    await world.ok(line.tokens[line.holding[0]], "POST", line.path(line.holding[0], "withdraw"), REASON)
    return line


def legs(world: World, line: Queue) -> dict[str, Any]:
    """Give the three calls that meet, by name."""
    holder, offered = line.holding[1], line.waiting[0]
    return {
        "free": world.call(line.tokens[holder], "POST", line.path(holder, "withdraw"), REASON),
        "confirm": world.call(line.tokens[offered], "POST", line.path(offered, "accept-offer")),
        "expire": at(LATE),
    }


@pytest.mark.parametrize("order", ORDERS, ids="-".join)
async def test_a_place_is_freed_while_another_is_confirmed_while_it_expires(
    world: World, environment: dict[str, str], order: tuple[str, ...]
) -> None:
    line = await offering(world)
    calls, under_way = legs(world, line), {}
    async with held(environment, "mission", line.mission["id"]) as gate:
        for number, name in enumerate(order, 1):
            under_way[name] = asyncio.create_task(calls[name])
            await until_waiting(gate, number)
    answers = {name: await task for name, task in under_way.items()}

    in_time = order.index("confirm") < order.index("expire")
    expected = ["accepted", "offered", "waitlisted"] if in_time else ["expired", "offered", "offered"]
    assert (await states(world, line))[2:] == expected
    assert answers["confirm"].status_code == (200 if in_time else 409)
    assert answers["free"].status_code == 200
    assert await left(world, line) == 0
    told = [await facts_of(one) for one in line.waiting]
    assert [facts["ApplicationOffered"] for facts in told] == [1, 1, 0 if in_time else 1]
    assert told[0]["OfferAccepted"] + told[0]["OfferExpired"] == 1


async def test_places_are_freed_confirmed_and_expire_at_once(world: World) -> None:
    for _ in range(5):
        line = await offering(world)
        taken = line.path(line.waiting[0], "accept-offer")
        calls = legs(world, line)
        answers: list[Any] = await asyncio.gather(
            *(world.call(line.tokens[line.waiting[0]], "POST", taken) for _ in range(3)),
            calls["confirm"],
            calls["free"],
            calls["expire"],
            at(LATE),
        )

        seen, free = await states(world, line), await left(world, line)
        in_time = seen[2] == "accepted"
        assert {answer.status_code for answer in answers[:4]} == {200 if in_time else 409}
        assert answers[4].status_code == 200
        counted = Counter(seen)
        assert counted["accepted"] + counted["offered"] + free == 2
        assert not (free and counted["waitlisted"])
        told = [await facts_of(one) for one in line.waiting]
        assert (told[0]["OfferAccepted"], told[0]["OfferExpired"]) == ((1, 0) if in_time else (0, 1))
        assert {facts["ApplicationOffered"] for facts in told} <= {0, 1}

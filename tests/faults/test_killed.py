"""An API process is killed amid contested acceptances: what it acknowledged is there, once, and nothing is oversold."""

import asyncio
import os
from collections import Counter
from collections.abc import Iterator
from random import Random
from signal import SIGKILL
from uuid import UUID

import httpx
import msgspec
import pytest

from api.applications.facts import ApplicationAccepted
from api.core.database import operations
from tests.faults.fleet import Fleet, fleet_on, gather_crowd

EACH, PLACES, CLIENTS = 20, 7, 16
"""Applications and places of a mission; who accepts at once."""
APPLIES = 5
"""Missions that one person may wait for."""
_HOLDING = "SELECT id FROM application WHERE association_id = $1 AND state = 'accepted'"
_MISCOUNTED = """
    SELECT count(*) FROM mission m WHERE association_id = $1 AND (taken > places OR taken <> (
        SELECT count(*) FROM application WHERE mission_id = m.id AND state = 'accepted'))
"""
_FACTS = "SELECT payload FROM outbox WHERE fact = 'ApplicationAccepted' AND association_id = $1"


async def applied(fleet: Fleet, missions: int) -> tuple[str, UUID, list[str]]:
    """Let people apply; gives the owner's token, the association's id and the applications' ids, shuffled."""
    crowd = await gather_crowd(fleet.world, EACH * missions // APPLIES)
    ids: list[str] = []
    for number in range(missions):
        mission = await fleet.world.mission(crowd.association, places=PLACES)
        path = f"/v1/missions/{mission['id']}/applications"
        first = number // APPLIES * EACH
        wanting = [
            fleet.ask(token, path, {"regime": "working_time"}) for token in crowd.people[first:][:EACH]
        ]
        ids += [answer.json()["id"] for answer in await asyncio.gather(*wanting)]
    Random(9).shuffle(ids)  # noqa: S311
    return crowd.association.owner, UUID(crowd.association.id), ids


async def accept_while_killing(fleet: Fleet, owner: str, ids: list[str]) -> dict[str, httpx.Response]:
    """Accept them all, and kill the first process after a third of the answers; gives the answers."""
    answers: dict[str, httpx.Response] = {}
    left: Iterator[str] = iter(ids)
    victim = next(iter(fleet.started.values()))

    async def client() -> None:
        for one in left:
            answers[one] = await fleet.ask(owner, f"/v1/applications/{one}/accept")
            if len(answers) == len(ids) // 3:
                os.killpg(victim.pid, SIGKILL)

    await asyncio.gather(*(client() for _ in range(CLIENTS)))
    assert victim.wait(5) == -SIGKILL
    return answers


@pytest.mark.parametrize("missions", [5, pytest.param(50, marks=pytest.mark.prove)])
async def test_what_a_killed_process_acknowledged_is_there_and_told_once(
    environment: dict[str, str], missions: int
) -> None:
    async with fleet_on(environment) as fleet:
        owner, association, ids = await applied(fleet, missions)
        fleet.seen.clear()
        answers = await accept_while_killing(fleet, owner, ids)
        async with operations() as connection:
            holding = {str(row["id"]) for row in await connection.fetch(_HOLDING, association)}
            miscounted = await connection.fetchval(_MISCOUNTED, association)
            facts = [row["payload"] for row in await connection.fetch(_FACTS, association)]

    print(f"{len(ids)} acceptances: {dict(fleet.seen)}, {fleet.unheard} unheard")
    told = Counter(
        str(msgspec.msgpack.decode(each, type=ApplicationAccepted).application_id) for each in facts
    )
    assert fleet.unheard >= 1
    assert {one for one, answer in answers.items() if answer.status_code == 200} == holding
    assert len(holding) == PLACES * missions
    assert miscounted == 0
    assert told == Counter(holding)

"""Sixty people want five places while sessions of the database are killed: never a sixth, and no answer is 500."""

import asyncio
from collections import Counter
from random import Random
from uuid import UUID

import asyncpg
import pytest

from tests.faults.fleet import Crowd, Fleet, fleet_on, gather_crowd
from tests.faults.stage import row_of
from tests.make.clone import superuser_url

PEOPLE, PLACES = 60, 5
_KILL = """
    SELECT count(*) FROM (
        SELECT pg_terminate_backend(pid) FROM pg_stat_activity
        WHERE usename = 'maillon_app' AND datname = current_database() AND state <> 'idle' LIMIT 1) killed
"""
_COUNTED = """
    SELECT places, taken,
           (SELECT count(*) FROM application WHERE mission_id = m.id
                AND state IN ('offered', 'accepted', 'completed', 'no_show')) AS holding,
           (SELECT count(*) FROM application WHERE mission_id = m.id) AS applied,
           (SELECT count(*) FROM state_event e JOIN application a ON a.id = e.object_id
            WHERE a.mission_id = m.id AND to_state = 'accepted') AS accepted
    FROM mission m WHERE id = $1
"""
_TOLD = """
    SELECT count(*) FILTER (WHERE fact = 'ApplicationSubmitted') AS applied,
           count(*) FILTER (WHERE fact IN ('ApplicationAccepted', 'OfferAccepted')) AS accepted
    FROM outbox WHERE recorded_at >= (SELECT created_at FROM mission WHERE id = $1)
        AND association_id = (SELECT association_id FROM mission WHERE id = $1)
"""
_BY_ASSOCIATION = {
    "accept": None,
    "waitlist": None,
    "shortlist": None,
    "cancel": {"reason": "Plus de local."},
}
_BY_PERSON = {"accept-offer": None, "withdraw": {"reason": "changed_mind"}}
_ACTS = (
    "accept",
    "accept",
    "accept",
    "waitlist",
    "waitlist",
    "shortlist",
    "accept-offer",
    "withdraw",
    "cancel",
)


async def keep_killing(environment: dict[str, str], mission_id: str, killed: Counter[str]) -> None:
    """Kill a busy session of the application every moment, and look each time whether a place is oversold."""
    connection = await asyncpg.connect(superuser_url(environment, "maillon"))
    try:
        while True:
            await asyncio.sleep(0.15)
            killed["sessions"] += await connection.fetchval(_KILL)
            seen = await connection.fetchrow(_COUNTED, UUID(mission_id))
            assert seen["taken"] == seen["holding"] <= PLACES, dict(seen)
    finally:
        await connection.close()


async def want(fleet: Fleet, crowd: Crowd, token: str, mission_id: str, chance: Random) -> None:
    """Apply, and let both sides do whatever comes to their minds."""
    made = await fleet.ask(token, f"/v1/missions/{mission_id}/applications", {"regime": "working_time"})
    assert made.status_code == 201, made.text
    for act in chance.choices(_ACTS, k=3):
        who = token if act in _BY_PERSON else crowd.association.owner
        body = (_BY_PERSON | _BY_ASSOCIATION)[act]
        await fleet.ask(who, f"/v1/applications/{made.json()['id']}/{act}", body)


async def play(
    fleet: Fleet, crowd: Crowd, environment: dict[str, str], number: int, killed: Counter[str]
) -> None:
    """Play one round on a mission of its own."""
    mission = await fleet.world.mission(crowd.association, places=PLACES)
    wishes = [
        want(fleet, crowd, token, mission["id"], Random(f"{number} {place}"))  # noqa: S311
        for place, token in enumerate(crowd.people)
    ]
    async with asyncio.TaskGroup() as group:
        killer = group.create_task(keep_killing(environment, mission["id"], killed))
        await asyncio.gather(*wishes)
        killer.cancel()
    counted, told = [await row_of(sql, UUID(mission["id"])) for sql in (_COUNTED, _TOLD)]
    assert counted["taken"] == counted["holding"] <= PLACES
    assert counted["applied"] == PEOPLE == told["applied"]
    assert counted["accepted"] == told["accepted"]
    await fleet.ask(
        crowd.association.owner, f"/v1/missions/{mission['id']}/cancel", {"reason": "Manche finie."}
    )


@pytest.mark.parametrize("rounds", [3, pytest.param(200, marks=pytest.mark.prove)])
async def test_sixty_people_on_five_places_while_sessions_are_killed(
    environment: dict[str, str], rounds: int
) -> None:
    killed: Counter[str] = Counter()
    async with fleet_on(environment) as fleet:
        crowd = await gather_crowd(fleet.world, PEOPLE)
        for number in range(rounds):
            await play(fleet, crowd, environment, number, killed)
        print(f"{rounds} rounds: {dict(fleet.seen)}, {killed['sessions']} sessions killed")
        assert fleet.seen[503] > 0 < killed["sessions"]

"""The last day to apply is moved while the clock is about to expire the mission."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from litestar import Litestar

from api.applications import clockwork
from api.applications.clockwork import expire_due_missions
from api.core import clock
from api.core.actor import Actor
from api.core.database import Connection, found
from api.missions import lifecycle
from tests.make.clone import cloned
from tests.make.gate import held, until_waiting
from tests.make.served import served
from tests.make.world import Association, World

TODAY = clock.today("Europe/Paris")
DAY = timedelta(days=1)


async def closing(world: World) -> tuple[Association, dict[str, Any], str]:
    """Give a mission whose last day to apply is tomorrow, its association and its version."""
    association = await world.association()
    mission = await world.mission(
        association, apply_by=str(TODAY + DAY), starts_on=str(TODAY + 20 * DAY), ends_on=None
    )
    return association, mission, f'"v{mission["version"]}-0"'


async def expire() -> None:
    """Let the clock expire what is due three days from now."""
    with clock.at(clock.now() + 3 * DAY):
        await expire_due_missions()


async def test_an_extension_meets_the_clock(world: World, environment: dict[str, str]) -> None:
    association, mission, tag = await closing(world)
    path, later = f"/v1/missions/{mission['id']}", {"apply_by": str(TODAY + 10 * DAY)}
    async with held(environment, "mission", mission["id"]) as gate:
        edited = asyncio.create_task(world.call(association.owner, "PATCH", path, later, if_match=tag))
        await until_waiting(gate, 1)
        expired = asyncio.create_task(expire())
        await until_waiting(gate, 2)
    answer, _ = await asyncio.gather(edited, expired)
    assert answer.status_code == 200
    assert (await world.ok(association.owner, "GET", path))["state"] == "published"


async def test_extensions_and_the_clock_race(world: World) -> None:
    made = [await closing(world) for _ in range(6)]
    later = {"apply_by": str(TODAY + 10 * DAY)}
    answers = asyncio.gather(
        *(
            world.call(association.owner, "PATCH", f"/v1/missions/{mission['id']}", later, if_match=tag)
            for association, mission, tag in made
        )
    )
    await expire()
    for (association, mission, _), answer in zip(made, await answers, strict=True):
        state = (await world.ok(association.owner, "GET", f"/v1/missions/{mission['id']}"))["state"]
        assert (answer.status_code, state) in ((200, "published"), (412, "expired"))


async def _stale(connection: Connection, mission_id: UUID, actor: Actor) -> asyncpg.Record:
    """Lock as `lifecycle.enter`, but give the row as it was before the wait."""
    before = await connection.fetchrow("SELECT * FROM mission WHERE id = $1", mission_id)
    await lifecycle.enter(connection, mission_id, actor)
    return found(before)


@pytest.mark.parametrize("play", [test_an_extension_meets_the_clock])
async def test_without_a_fresh_look_it_goes_wrong(
    app: Litestar,
    environment: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
    play: Callable[[World, dict[str, str]], Awaitable[None]],
) -> None:
    monkeypatch.setattr(clockwork, "enter", _stale)
    async with cloned(environment) as settings, served(app, settings) as client:
        owner = settings.database_url.replace("//maillon_app@", "//maillon_owner@")
        with pytest.raises(AssertionError):
            await play(World(client, environment), environment | {"MAILLON_DATABASE_OWNER_URL": owner})

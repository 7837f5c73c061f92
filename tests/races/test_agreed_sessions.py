"""No edit leaves somebody without any of the sessions that they agreed to: asked, played by hand, without its guard."""

import asyncio
from typing import Any, NamedTuple

import pytest
from litestar import Litestar

from tests.api.core.asking import assert_problem
from tests.api.test_changes import changes_of, day, session
from tests.api.test_mission_scoping import edit, mission_path
from tests.make.clone import cloned, reaching
from tests.make.gate import held, until_waiting
from tests.make.served import served
from tests.make.world import Association, World


class Asked(NamedTuple):
    """A mission of two sessions, and somebody who asked for the first alone."""

    association: Association
    mission: dict[str, Any]
    employee: str
    application: dict[str, Any]

    @property
    def path(self) -> str:
        return f"/v1/applications/{self.application['id']}"

    async def without_the_first(self, world: World) -> Any:
        return await edit(world, self.association.owner, self.mission, sessions=self.mission["sessions"][1:])

    async def agreed(self, world: World) -> list[str]:
        terms = (await world.ok(self.employee, "GET", self.path))["agreed"]
        return [each["id"] for each in terms["sessions"]] if terms else []


async def asked(world: World) -> Asked:
    association, company = await world.association(), await world.company(approval="automatic")
    days: dict[str, Any] = {"starts_on": day(0), "ends_on": day(30), "apply_by": day(0)}
    sessions = [session(1), session(8)]
    mission = await world.mission(association, places=2, sessions=sessions, **days)
    employee = world.employee(company)
    body = {"regime": "working_time", "sessions": [mission["sessions"][0]["id"]]}
    application = await world.ok(employee, "POST", mission_path(mission, "applications"), body)
    return Asked(association, mission, employee, application)


async def test_the_only_session_of_somebody_stays(world: World) -> None:
    it = await asked(world)
    await world.ok(it.association.owner, "POST", f"{it.path}/accept")
    first, second = it.mission["sessions"]

    refused = await it.without_the_first(world)

    document = assert_problem(refused, 409, "session-agreed")
    assert (document["people"], "Proposez un changement" in document["detail"]) == (1, True)
    kept = await world.ok(it.association.owner, "GET", mission_path(it.mission))
    assert (kept["sessions"], await it.agreed(world)) == (it.mission["sessions"], [first["id"]])
    moved = await edit(world, it.association.owner, it.mission, sessions=[first | session(3), second])
    assert moved.status_code == 200
    change = {"sessions": [{name: second[name] for name in ("starts_at", "ends_at")}]}
    proposed = await world.ok(it.association.owner, "POST", changes_of(it.application), change)
    await world.ok(it.employee, "POST", f"/v1/changes/{proposed['id']}/accept")
    assert (await it.without_the_first(world)).status_code == 200


async def test_one_of_several_sessions_goes(world: World) -> None:
    it = await asked(world)
    body = {"regime": "working_time"}
    both = await world.ok(
        world.employee(await world.company()), "POST", mission_path(it.mission, "applications"), body
    )
    await world.ok(it.association.owner, "POST", f"/v1/applications/{both['id']}/accept")
    assert (await it.without_the_first(world)).status_code == 200


async def test_an_acceptance_meets_the_removal_of_its_session(
    world: World, environment: dict[str, str]
) -> None:
    it = await asked(world)
    async with held(environment, "mission", it.mission["id"]) as gate:
        accepted = asyncio.create_task(world.ok(it.association.owner, "POST", f"{it.path}/accept"))
        await until_waiting(gate, 1)
        removed = asyncio.create_task(it.without_the_first(world))
        await until_waiting(gate, 2)
    await accepted
    assert_problem(await removed, 409, "session-agreed")
    assert await it.agreed(world) == [it.mission["sessions"][0]["id"]]


async def test_acceptances_and_removals_race(world: World) -> None:
    for _ in range(4):
        it = await asked(world)
        removed, _ = await asyncio.gather(
            it.without_the_first(world), world.ok(it.association.owner, "POST", f"{it.path}/accept")
        )
        first, second = (each["id"] for each in it.mission["sessions"])
        assert await it.agreed(world) == [second if removed.status_code == 200 else first]


async def test_without_its_guard_somebody_is_left_alone(app: Litestar, environment: dict[str, str]) -> None:
    guard = "DROP TRIGGER mission_followed ON mission"
    async with cloned(environment, guard) as settings, served(app, settings) as client:
        with pytest.raises(AssertionError):
            await test_an_acceptance_meets_the_removal_of_its_session(
                World(client, environment), environment | reaching(settings)
            )

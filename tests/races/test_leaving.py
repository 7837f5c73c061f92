"""A leaver who applies at the same moment: both orders played by hand, a storm, and the mutant without the guard."""

import asyncio
from uuid import UUID

import asyncpg
import pytest
from litestar import Litestar

from api.core.check import violations
from tests.make.clone import cloned
from tests.make.gate import held, until_waiting
from tests.make.served import served
from tests.make.world import Company, World

APPLY = {"regime": "working_time"}


async def _employee(world: World, company: Company) -> tuple[str, str]:
    token = world.employee(company)
    return token, (await world.ok(token, "GET", "/v1/me"))["employments"][0]["employee_id"]


@pytest.mark.parametrize("leaves_first", [True, False])
async def test_an_application_meets_a_departure(
    world: World, environment: dict[str, str], leaves_first: bool
) -> None:
    company, mission = await world.company(), await world.mission(await world.association())
    token, employee_id = await _employee(world, company)
    leave = f"/v1/companies/{company.id}/employees/{employee_id}/deactivate"
    apply = f"/v1/missions/{mission['id']}/applications"
    calls = [(company.admin, leave, None), (token, apply, APPLY)]
    async with held(environment, "employee", employee_id) as gate:
        under_way = []
        for number, (who, path, body) in enumerate(calls if leaves_first else calls[::-1], 1):
            under_way.append(asyncio.create_task(world.call(who, "POST", path, body)))
            await until_waiting(gate, number)

    statuses = [(await answer).status_code for answer in under_way]
    assert statuses == ([200, 403] if leaves_first else [201, 200])
    assert await violations() == []


async def test_twenty_clients_of_a_leaver_have_no_success_after_the_reply(world: World) -> None:
    company, mission = await world.company(), await world.mission(await world.association(), places=50)
    token, employee_id = await _employee(world, company)
    left = asyncio.Event()
    late: list[int] = []
    early: list[int] = []

    async def hammer(number: int) -> None:
        while len(late) < 200:
            asked_after = left.is_set()
            path = "/v1/me" if number % 2 else f"/v1/missions/{mission['id']}/applications"
            answer = await world.call(
                token, "GET" if number % 2 else "POST", path, None if number % 2 else APPLY
            )
            (late if asked_after else early).append(answer.status_code)

    async def leave() -> None:
        while len(early) < 40:
            await asyncio.sleep(0)
        path = f"/v1/companies/{company.id}/employees/{employee_id}/deactivate"
        await world.ok(company.admin, "POST", path)
        left.set()

    await asyncio.gather(leave(), *(hammer(number) for number in range(20)))

    assert set(late) == {401}
    assert 200 in early
    assert await violations() == []


async def test_without_its_guard_a_leaver_is_found_with_an_application(
    app: Litestar, environment: dict[str, str]
) -> None:
    guard = "DROP TRIGGER application_of_active_employee ON application"
    async with cloned(environment, guard) as settings, served(app, settings) as client:
        world = World(client, environment)
        company, mission = await world.company(), await world.mission(await world.association())
        token, employee_id = await _employee(world, company)
        connection = await asyncpg.connect(settings.database_url.replace("//maillon_app@", "//postgres@"))
        try:
            async with connection.transaction():
                await connection.execute(
                    "UPDATE employee SET active = false WHERE id = $1", UUID(employee_id)
                )
                apply = asyncio.create_task(
                    world.call(token, "POST", f"/v1/missions/{mission['id']}/applications", APPLY)
                )
                await until_waiting(connection, 1)
        finally:
            await connection.close()

        assert (await apply).status_code == 201
        assert "leavers_hold_nothing" in {violation.invariant for violation in await violations()}

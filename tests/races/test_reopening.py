"""A leaver's application is not reopened: both orders played by hand, a race, the mutant, and who erased themselves."""

import asyncio
from typing import Any, NamedTuple

import httpx
import pytest
from litestar import Litestar

from api.core.check import violations
from tests.api.core.asking import assert_problem
from tests.make.clone import cloned
from tests.make.gate import held, until_waiting
from tests.make.served import served
from tests.make.world import World


class Declined(NamedTuple):
    """An application that an association declined, and what both who may end it and who may reopen it need."""

    owner: str
    hr: str
    employee: str
    job: str
    leave: str
    application: dict[str, Any]

    def reopen(self, world: World) -> Any:
        """Give the call that reopens it."""
        return world.call(self.owner, "POST", f"/v1/applications/{self.application['id']}/reopen")

    def deactivate(self, world: World) -> Any:
        """Give the call by which its person leaves."""
        return world.call(self.hr, "POST", self.leave)


async def declined(world: World, regime: str = "working_time") -> Declined:
    association, company = await world.association(), await world.company()
    employee = world.employee(company)
    application = await world.application(employee, await world.mission(association), regime)
    body = {"reason": "other"}
    await world.ok(association.owner, "POST", f"/v1/applications/{application['id']}/decline", body)
    job = (await world.ok(employee, "GET", "/v1/me"))["employments"][0]["employee_id"]
    leave = f"/v1/companies/{company.id}/employees/{job}/deactivate"
    return Declined(association.owner, company.admin, employee, job, leave, application)


async def state(world: World, it: Declined) -> str:
    return str((await world.ok(it.owner, "GET", f"/v1/applications/{it.application['id']}"))["state"])


@pytest.mark.parametrize("regime", ["working_time", "personal_time"])
async def test_a_leaver_s_application_stays_as_it_ended_until_they_are_back(
    world: World, regime: str
) -> None:
    it = await declined(world, regime)
    assert (await it.deactivate(world)).status_code == 200
    assert_problem(await it.reopen(world), 409, "applicant-gone")
    assert await state(world, it) == "declined"
    await world.ok(it.hr, "POST", it.leave.replace("deactivate", "reactivate"))
    assert (await it.reopen(world)).json()["state"] == "submitted"


async def test_the_application_of_who_erased_themselves_stays_as_it_ended(world: World) -> None:
    it = await declined(world)
    assert (await world.call(it.employee, "DELETE", "/v1/me")).status_code == 204
    assert_problem(await it.reopen(world), 409, "applicant-gone")
    assert await state(world, it) == "declined"


@pytest.mark.parametrize(
    ("order", "statuses", "ended"),
    [
        (("reopen", "deactivate"), [200, 200], "withdrawn"),
        (("deactivate", "reopen"), [200, 409], "declined"),
    ],
)
async def test_a_reopening_meets_a_departure(
    world: World, environment: dict[str, str], order: tuple[str, str], statuses: list[int], ended: str
) -> None:
    it = await declined(world)
    tasks = []
    async with held(environment, "employee", it.job) as gate:
        for number, act in enumerate(order, 1):
            tasks.append(asyncio.create_task(getattr(it, act)(world)))
            await until_waiting(gate, number)
    answers: list[httpx.Response] = await asyncio.gather(*tasks)
    assert [answer.status_code for answer in answers] == statuses
    assert await state(world, it) == ended


async def test_reopenings_and_a_departure_at_once_leave_nothing_live(world: World) -> None:
    for _ in range(5):
        it = await declined(world)
        calls = [it.reopen(world) for _ in range(4)]
        answers = await asyncio.gather(*calls, it.deactivate(world))
        assert {answer.status_code for answer in answers} <= {200, 409}
        assert await state(world, it) in ("declined", "withdrawn")


async def test_without_its_guard_a_leaver_is_found_with_a_reopened_application(
    app: Litestar, environment: dict[str, str]
) -> None:
    guard = "DROP TRIGGER application_again_of_active_employee ON application"
    async with cloned(environment, guard) as settings, served(app, settings) as client:
        world = World(client, environment)
        it = await declined(world)
        await it.deactivate(world)
        assert (await it.reopen(world)).status_code == 200
        assert "leavers_hold_nothing" in {violation.invariant for violation in await violations()}

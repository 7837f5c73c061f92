"""How many applications of a person may wait for an answer: of all formats, and of some."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from api.applications.caps import set_cap
from api.core.check import violations
from api.core.database import operations
from tests.api.core.asking import assert_problem
from tests.make.commands import maillon
from tests.make.world import World


@pytest.fixture
async def caps(world: World) -> AsyncIterator[None]:
    """Put the caps back that everybody else counts on."""
    yield
    async with operations() as connection:
        await connection.execute("UPDATE application_cap SET most = 1000 WHERE format <> 'any'")
    await set_cap("any", 5)


@pytest.mark.usefixtures("caps")
async def test_a_format_has_a_cap_of_its_own(world: World) -> None:
    await set_cap("short", 1)
    association, employee = await world.association(), world.employee(await world.company())
    short: dict[str, Any] = {"format": "short", "effort_minutes": 600}
    await world.application(employee, await world.mission(association, **short))
    another = await world.mission(association, **short)
    path = f"/v1/missions/{another['id']}/applications"
    refused = await world.call(employee, "POST", path, {"regime": "working_time"})
    document = assert_problem(refused, 409, "too-many-applications")
    assert document["most"] == 1
    assert document["detail"].startswith("Au plus 1 à des missions de ce format peuvent attendre")
    await world.application(employee, await world.mission(association))


@pytest.mark.usefixtures("caps")
async def test_a_lowered_cap_refuses_the_next_and_judges_nobody(world: World) -> None:
    association, employee = await world.association(), world.employee(await world.company())
    for _ in range(3):
        await world.application(employee, await world.mission(association))
    await set_cap("any", 2)
    path = f"/v1/missions/{(await world.mission(association))['id']}/applications"
    refused = await world.call(employee, "POST", path, {"regime": "working_time"})
    assert_problem(refused, 409, "too-many-applications")
    assert await violations() == []


def test_an_operator_sets_caps_and_reads_them(environment: dict[str, str]) -> None:
    assert maillon(environment, "caps", "set", "mentoring", "1000").exit_code == 0
    listed = maillon(environment, "caps", "list")
    assert '{"format":"mentoring","most":1000}' in listed.output.splitlines()
    assert maillon(environment, "caps", "set", "anything", "3").exit_code == 2

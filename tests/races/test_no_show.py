"""A no-show worked nothing: played by hand, raced, and without the guards."""

import asyncio
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from litestar import Litestar

from api.core import clock
from api.core.actor import Actor
from api.core.check import violations
from api.core.database import transaction
from tests.api.core.asking import assert_problem
from tests.make.clone import cloned
from tests.make.gate import held, until_waiting
from tests.make.served import served
from tests.make.world import Association, World, begun

REASON = {"minutes": 30, "reason": "Une heure de moins."}


async def worked(world: World, association: Association) -> tuple[str, str]:
    """Give the paths of an engagement that has begun, and of hours declared on it."""
    employee, application = await world.engagement(association, await world.company(approval="automatic"))
    await begun(application["id"])
    path = f"/v1/applications/{application['id']}"
    day = str(clock.today("Europe/Paris"))
    entry = await world.ok(employee, "POST", f"{path}/hours", {"worked_on": day, "minutes": 90})
    return path, f"/v1/hours/{entry['id']}"


async def test_nobody_is_absent_before_their_first_day(world: World) -> None:
    association = await world.association()
    _, application = await world.engagement(association, await world.company())
    path = f"/v1/applications/{application['id']}"

    early = await world.call(association.owner, "POST", f"{path}/no-show")
    document = assert_problem(early, 409, "not-absent")
    assert document["detail"] == "Son premier jour n’est pas encore venu."
    await world.ok(association.owner, "POST", f"{path}/complete")
    assert_problem(await world.call(association.owner, "POST", f"{path}/no-show"), 409, "not-absent")

    await begun(application["id"])
    missed = await world.ok(association.owner, "POST", f"{path}/no-show")
    assert missed["state"] == "no_show"


@pytest.mark.parametrize("given", [None, REASON])
async def test_whose_hours_were_confirmed_or_lowered_was_there(
    world: World, given: dict[str, Any] | None
) -> None:
    association = await world.association()
    path, hours = await worked(world, association)
    await world.ok(association.owner, "POST", f"{hours}/confirm", given)

    refused = await world.call(association.owner, "POST", f"{path}/no-show")

    assert "heures" in assert_problem(refused, 409, "not-absent")["detail"]
    assert (await world.ok(association.owner, "GET", path))["state"] == "accepted"


async def test_hours_of_a_no_show_wait_until_it_is_exchanged(world: World) -> None:
    association = await world.association()
    path, hours = await worked(world, association)
    await world.ok(association.owner, "POST", f"{path}/no-show")

    for given in (None, REASON):
        refused = await world.call(association.owner, "POST", f"{hours}/confirm", given)
        assert assert_problem(refused, 409, "wrong-state")["state"] == "no_show"
    await world.ok(association.owner, "POST", f"{path}/complete")
    assert (await world.ok(association.owner, "POST", f"{hours}/confirm"))["state"] == "approved"


@pytest.mark.parametrize("first", ["confirm", "no-show"])
async def test_a_confirmation_and_a_no_show_meet(
    world: World, environment: dict[str, str], first: str
) -> None:
    association = await world.association()
    path, hours = await worked(world, association)
    calls = {"confirm": f"{hours}/confirm", "no-show": f"{path}/no-show"}
    order = [first, *(name for name in calls if name != first)]
    waiting = []
    async with held(environment, "application", path.rpartition("/")[2]) as gate:
        for number, name in enumerate(order, 1):
            waiting.append(asyncio.create_task(world.call(association.owner, "POST", calls[name])))
            await until_waiting(gate, number)

    won, lost = await asyncio.gather(*waiting)
    assert won.status_code == 200
    assert_problem(lost, 409, "not-absent" if first == "confirm" else "wrong-state")


async def test_confirmations_and_no_shows_at_once(world: World) -> None:
    association = await world.association()
    for _ in range(6):
        path, hours = await worked(world, association)
        answers = await asyncio.gather(
            *(
                world.call(association.owner, "POST", call)
                for call in (f"{path}/no-show", f"{hours}/confirm") * 2
            )
        )
        statuses = [answer.status_code for answer in answers]
        assert sorted({*statuses[::2]} | {*statuses[1::2]}) == [200, 409]
        state = (await world.ok(association.owner, "GET", path))["state"]
        entry = (await world.ok(association.owner, "GET", hours))["state"]
        assert (state, entry) in {("no_show", "declared"), ("accepted", "approved")}


async def test_by_sql_hours_wait_for_a_no_show_that_is_being_said(
    world: World, environment: dict[str, str]
) -> None:
    association = await world.association()
    path, hours = await worked(world, association)
    application, entry = UUID(path.rpartition("/")[2]), UUID(hours.rpartition("/")[2])

    async def confirm() -> None:
        async with transaction(Actor(person_id=None, memberships={UUID(association.id): "owner"})) as inside:
            await inside.execute("UPDATE hours_entry SET state = 'confirmed' WHERE id = $1", entry)

    async with held(environment, "application", str(application)) as gate:
        await gate.execute("UPDATE application SET state = 'no_show' WHERE id = $1", application)
        behind = asyncio.create_task(confirm())
        await until_waiting(gate, 1)
    with pytest.raises(asyncpg.CheckViolationError) as refused:
        await behind
    assert refused.value.constraint_name == "hours_entry_of_who_came"


@pytest.mark.parametrize(
    "guard",
    [
        "DROP TRIGGER application_no_show ON application",
        "DROP TRIGGER hours_entry_of_who_came ON hours_entry",
    ],
)
async def test_without_either_guard_a_no_show_has_hours(
    app: Litestar, environment: dict[str, str], guard: str
) -> None:
    async with cloned(environment, guard) as settings, served(app, settings) as client:
        world = World(client, environment)
        association = await world.association()
        path, hours = await worked(world, association)
        calls = [f"{path}/no-show", f"{hours}/confirm"]
        for call in reversed(calls) if "no_show" in guard else calls:
            assert (await world.call(association.owner, "POST", call)).status_code == 200
        assert "no_shows_worked_nothing" in {violation.invariant for violation in await violations()}

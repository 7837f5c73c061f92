"""An association answers what was declared to it before it closes: asked, played by hand, raced, without the guards."""

import asyncio
from collections.abc import Awaitable, Callable
from uuid import UUID

import pytest
from litestar import Litestar

from api.core import clock
from api.core.database import operations
from tests.api.core.asking import assert_problem
from tests.make.clone import cloned, reaching
from tests.make.gate import held, until_waiting
from tests.make.served import served
from tests.make.world import Association, World

Play = Callable[[World, dict[str, str]], Awaitable[None]]
DECLARED = """
    INSERT INTO hours_entry (id, application_id, mission_id, association_id, company_id, employee_id, person_id, regime,
                             worked_on, minutes, declared_minutes, created_at)
    SELECT uuidv7(), id, mission_id, association_id, company_id, employee_id, person_id, regime, $2, 90, 90, now()
    FROM application WHERE id = $1
"""
STRANDED = """
    SELECT count(*) FROM hours_entry h JOIN association s ON s.id = h.association_id
    WHERE s.state = 'closed' AND h.state = 'declared' AND s.id = $1
"""


async def done(world: World) -> tuple[Association, str, str]:
    """Give an association without live missions, an employee who did one, and the path of their application."""
    association = await world.association()
    employee, application = await world.engagement(association, await world.company(approval="automatic"))
    path = f"/v1/applications/{application['id']}"
    await world.ok(association.owner, "POST", f"{path}/complete")
    cancel = f"/v1/missions/{application['mission_id']}/cancel"
    await world.ok(association.owner, "POST", cancel, {"reason": "Site refait."})
    return association, employee, path


def today() -> dict[str, object]:
    return {"worked_on": str(clock.today("Europe/Paris")), "minutes": 90}


def closing(association: Association) -> str:
    return f"/v1/associations/{association.id}/close"


async def stranded(association: Association) -> int:
    async with operations() as connection:
        count: int = await connection.fetchval(STRANDED, UUID(association.id))
    return count


@pytest.mark.parametrize("answer", ["confirm", "reject"])
async def test_an_association_closes_once_it_has_answered_what_was_declared(
    world: World, answer: str
) -> None:
    association = await world.association()
    employee, application = await world.engagement(association, await world.company())
    hours = f"/v1/applications/{application['id']}/hours"
    entry = await world.ok(employee, "POST", hours, today())

    refused = await world.call(association.owner, "POST", closing(association))

    document = assert_problem(refused, 409, "hours-waiting")
    assert (document["waiting"], "attendent" in document["detail"]) == (1, True)
    kept = await world.ok(association.owner, "GET", f"/v1/missions/{application['mission_id']}")
    assert kept["state"] == "published"
    body = {"reason": "Personne n’est venu."} if answer == "reject" else None
    await world.ok(association.owner, "POST", f"/v1/hours/{entry['id']}/{answer}", body)
    closed = await world.ok(association.owner, "POST", closing(association))
    assert closed["state"] == "closed"


async def test_nothing_is_declared_to_a_closed_association(world: World) -> None:
    association, employee, path = await done(world)
    await world.ok(association.owner, "POST", closing(association))
    late = await world.call(employee, "POST", f"{path}/hours", today())
    document = assert_problem(late, 409, "wrong-state")
    assert (document["state"], "fermée" in document["detail"]) == ("closed", True)
    assert (await world.ok(employee, "GET", f"{path}/hours"))["items"] == []


async def test_a_closing_meets_a_declaration(world: World, environment: dict[str, str]) -> None:
    """Past all code: it is written, and not yet there for others to see."""
    association, _, path = await done(world)
    async with held(environment, "person", association.id) as gate:
        await gate.execute(DECLARED, UUID(path.rpartition("/")[2]), clock.today("Europe/Paris"))
        closed = asyncio.create_task(world.call(association.owner, "POST", closing(association)))
        await until_waiting(gate, 1)
    assert_problem(await closed, 409, "hours-waiting")
    assert await stranded(association) == 0


async def test_a_declaration_meets_a_closing(world: World, environment: dict[str, str]) -> None:
    """Past all code: it is closed, and not yet so for others to see."""
    association, employee, path = await done(world)
    async with held(environment, "person", association.id) as gate:
        await gate.execute("UPDATE association SET state = 'closed' WHERE id = $1", UUID(association.id))
        late = asyncio.create_task(world.call(employee, "POST", f"{path}/hours", today()))
        await until_waiting(gate, 1)
    assert_problem(await late, 409, "wrong-state")
    assert await stranded(association) == 0


async def test_closings_and_declarations_race(world: World) -> None:
    for _ in range(6):
        association, employee, path = await done(world)
        closed, declared = await asyncio.gather(
            world.call(association.owner, "POST", closing(association)),
            world.call(employee, "POST", f"{path}/hours", today()),
        )
        assert (closed.status_code, declared.status_code) in ((200, 409), (409, 201))
        assert await stranded(association) == 0


@pytest.mark.parametrize(
    ("guard", "play"),
    [
        ("association_closes_without_hours ON association", test_a_closing_meets_a_declaration),
        ("association_closes_without_hours ON association", test_a_declaration_meets_a_closing),
        ("hours_entry_of_open_association ON hours_entry", test_a_closing_meets_a_declaration),
        ("hours_entry_of_open_association ON hours_entry", test_a_declaration_meets_a_closing),
    ],
)
async def test_without_its_guard_hours_are_stranded(
    app: Litestar, environment: dict[str, str], guard: str, play: Play
) -> None:
    async with cloned(environment, f"DROP TRIGGER {guard}") as settings, served(app, settings) as client:
        with pytest.raises((AssertionError, TimeoutError)):
            await play(World(client, environment), environment | reaching(settings))

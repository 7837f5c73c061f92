"""The last owner: one interleaving played by hand, a race, and the mutant without the guard."""

import asyncio
from collections import Counter
from uuid import UUID

import asyncpg
from litestar import Litestar

from api.core.database import operations
from tests.api.test_members import Guest, join, members
from tests.make.clone import cloned
from tests.make.gate import held, until_waiting
from tests.make.served import served
from tests.make.world import Association, World

MUTANT = "DROP TRIGGER association_keeps_an_owner ON association_member"


async def _owners(world: World, association: Association, number: int) -> list[Guest]:
    """Give the association so many owners, the one who registered it gone."""
    people = [await join(world, association, "owner") for _ in range(number)]
    first = (await world.ok(association.owner, "GET", "/v1/me"))["id"]
    left = await world.call(people[0].token, "DELETE", f"{members(association)}/{first}")
    assert left.status_code == 204
    return people


async def _all_leave(world: World, association: Association, people: list[Guest]) -> Counter[int]:
    answers = await asyncio.gather(
        *(world.call(person.token, "DELETE", f"{members(association)}/{person.id}") for person in people)
    )
    return Counter(answer.status_code for answer in answers)


async def _owners_left(association: Association) -> int:
    async with operations() as connection:
        return int(
            await connection.fetchval(
                "SELECT count(*) FROM association_member WHERE association_id = $1 AND role = 'owner'",
                UUID(association.id),
            )
        )


async def test_two_owners_leave_at_the_same_moment(world: World, environment: dict[str, str]) -> None:
    association = await world.association()
    people = await _owners(world, association, 2)
    async with held(environment, "association", association.id) as gate:
        both = asyncio.create_task(_all_leave(world, association, people))
        await until_waiting(gate, 2)

    assert await both == Counter({204: 1, 409: 1})
    assert await _owners_left(association) == 1


async def test_an_owner_removed_meanwhile_removes_nobody(world: World, environment: dict[str, str]) -> None:
    association = await world.association()
    one, other, third = await _owners(world, association, 3)
    async with held(environment, "association", association.id) as gate:
        first = asyncio.create_task(world.call(one.token, "DELETE", f"{members(association)}/{other.id}"))
        await until_waiting(gate, 1)
        second = asyncio.create_task(world.call(other.token, "DELETE", f"{members(association)}/{third.id}"))
        await until_waiting(gate, 2)

    assert [(await first).status_code, (await second).status_code] == [204, 403]
    assert await _owners_left(association) == 2


async def test_the_guard_stands_without_any_service(world: World, environment: dict[str, str]) -> None:
    association = await world.association()
    people = await _owners(world, association, 2)
    leave = "DELETE FROM association_member WHERE person_id = $1"
    one, other = [await asyncpg.connect(environment["MAILLON_DATABASE_OPS_URL"]) for _ in people]
    try:
        first = one.transaction()
        await first.start()
        await one.execute(leave, UUID(people[0].id))
        second = asyncio.create_task(other.execute(leave, UUID(people[1].id)))
        await asyncio.sleep(0.1)
        waits = not second.done()
        await first.commit()
        refused: object = (await asyncio.gather(second, return_exceptions=True))[0]
    finally:
        await one.close()
        await other.close()

    assert waits
    assert isinstance(refused, asyncpg.CheckViolationError)
    assert refused.constraint_name == "association_keeps_an_owner"


async def test_eight_owners_race_to_leave(world: World) -> None:
    association = await world.association()
    people = await _owners(world, association, 8)

    assert await _all_leave(world, association, people) == Counter({204: 7, 409: 1})
    assert await _owners_left(association) == 1


async def test_without_its_guard_an_association_loses_every_owner(
    app: Litestar, environment: dict[str, str]
) -> None:
    async with cloned(environment, MUTANT) as settings, served(app, settings) as client:
        world = World(client, environment)
        association = await world.association()
        people = await _owners(world, association, 3)

        assert await _all_leave(world, association, people) == Counter({204: 3})
        assert await _owners_left(association) == 0

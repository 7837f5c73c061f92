"""Nothing is written to the erased, or said of them: both orders played by hand, a race, and without the guards."""

import asyncio
from typing import Any, NamedTuple
from uuid import UUID

import httpx
import pytest
from litestar import Litestar

from api.core.check import violations
from api.core.database import operations
from tests.api.core.asking import assert_problem
from tests.api.test_feedback import completed
from tests.make.clone import cloned, superuser_url
from tests.make.gate import until_waiting
from tests.make.served import served
from tests.make.world import World
from tests.races.test_erasure import broken, held_person

WORDS = {"messages": {"text": "Merci encore."}, "feedback": {"again": True, "deliverable_used": "yes"}}


class Done(NamedTuple):
    """A completed engagement, of whom, and who may write of it."""

    owner: str
    employee: str
    person_id: UUID
    id: str

    def say(self, world: World, what: str) -> Any:
        """Give the association's call that writes."""
        return world.call(self.owner, "POST", f"/v1/applications/{self.id}/{what}", WORDS[what])

    def erase(self, world: World) -> Any:
        """Give the person's call that erases them."""
        return world.call(self.employee, "DELETE", "/v1/me")


async def done(world: World) -> Done:
    association, company = await world.association(), await world.company(approval="automatic")
    it = await completed(world, association, company)
    person_id = UUID((await world.ok(it.employee, "GET", "/v1/me"))["id"])
    return Done(association.owner, it.employee, person_id, it.id)


async def kept(it: Done) -> int:
    async with operations() as connection:
        count: int = await connection.fetchval(
            """SELECT (SELECT count(*) FROM message WHERE person_id = $1)
                    + (SELECT count(*) FROM feedback WHERE person_id = $1)""",
            it.person_id,
        )
    return count


@pytest.mark.parametrize("what", WORDS)
async def test_nothing_is_hung_on_the_erased(world: World, what: str) -> None:
    it = await done(world)
    assert (await it.erase(world)).status_code == 204
    assert_problem(await it.say(world, what), 409, "applicant-gone")
    assert await kept(it) == 0


@pytest.mark.parametrize("what", WORDS)
@pytest.mark.parametrize("erased_first", [True, False])
async def test_words_meet_an_erasure(
    world: World, environment: dict[str, str], what: str, erased_first: bool
) -> None:
    it = await done(world)
    calls = [it.erase(world), it.say(world, what)]
    tasks: list[asyncio.Task[httpx.Response]] = []
    async with held_person(superuser_url(environment, "maillon"), it.person_id) as gate:
        for number, call in enumerate(calls if erased_first else calls[::-1], 1):
            tasks.append(asyncio.create_task(call))
            await until_waiting(gate, number)

    statuses = [(await task).status_code for task in tasks]
    said = 201 if what == "messages" else 200
    assert statuses == ([204, 409] if erased_first else [said, 204])
    assert await kept(it) == 0
    assert await violations() == []


async def test_words_and_an_erasure_at_once_leave_nothing(world: World) -> None:
    for _ in range(3):
        it = await done(world)
        calls = [it.say(world, what) for what in (*WORDS, *WORDS)]
        answers = await asyncio.gather(*calls, it.erase(world))
        assert answers[-1].status_code == 204
        assert {answer.status_code for answer in answers[:-1]} <= {200, 201, 409}
        assert await kept(it) == 0


async def test_who_is_erased_leaves_no_message_of_theirs(world: World, environment: dict[str, str]) -> None:
    association, company = await world.association(), await world.company()
    author = await world.person("collegue")
    me = await world.ok(author, "GET", "/v1/me")
    async with operations() as connection:
        await connection.execute(
            "INSERT INTO association_member (id, association_id, person_id, role, since)"
            " VALUES (uuidv7(), $1, $2, 'coordinator', now())",
            UUID(association.id),
            UUID(me["id"]),
        )
    application = await world.application(world.employee(company), await world.mission(association))
    path = f"/v1/applications/{application['id']}/messages"
    tasks: list[asyncio.Task[httpx.Response]] = []
    async with held_person(superuser_url(environment, "maillon"), UUID(me["id"])) as gate:
        calls = [("DELETE", "/v1/me", None), ("POST", path, WORDS["messages"])]
        for number, (method, asked, body) in enumerate(calls, 1):
            tasks.append(asyncio.create_task(world.call(author, method, asked, body)))
            await until_waiting(gate, number)
    assert [(await task).status_code for task in tasks] == [204, 401]
    assert await violations() == []


@pytest.mark.parametrize("what", WORDS)
async def test_without_its_guard_words_are_hung_on_the_erased(
    app: Litestar, environment: dict[str, str], what: str
) -> None:
    table = what.removesuffix("s")
    guard = f"DROP TRIGGER {table}_of_living_person ON {table}"
    async with cloned(environment, guard) as settings, served(app, settings) as client:
        world = World(client, environment)
        it = await done(world)
        await it.erase(world)
        assert (await it.say(world, what)).status_code in (200, 201)
        assert "erased_hold_nothing" in await broken()

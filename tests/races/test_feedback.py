"""Answers given at once are counted once, five people together: played by hand, raced, and without the guard."""

import asyncio

import asyncpg
from litestar import Litestar

from api.core.check import violations
from api.core.database import operations
from tests.api.test_feedback import Done, completed, figures
from tests.make.clone import cloned, superuser_url
from tests.make.gate import until_waiting
from tests.make.served import served
from tests.make.world import Association, World, begun

_TOTAL = "SELECT FROM feedback_total WHERE association_id = $1 FOR UPDATE"


async def engagements(world: World, people: int) -> tuple[Association, list[Done]]:
    association, company = await world.association(), await world.company(approval="automatic")
    return association, [await completed(world, association, company) for _ in range(people)]


async def say(world: World, done: Done) -> int:
    return (await world.call(done.employee, "POST", done.path, {"again": True})).status_code


async def test_the_fourth_and_the_fifth_answer_meet(world: World, environment: dict[str, str]) -> None:
    association, done = await engagements(world, 5)
    for one in done[:3]:
        assert await say(world, one) == 200
    connection = await asyncpg.connect(superuser_url(environment, "maillon"))
    try:
        async with connection.transaction():
            await connection.execute(_TOTAL, association.id)
            both = [asyncio.create_task(say(world, one)) for one in done[3:]]
            await until_waiting(connection, 2)
    finally:
        await connection.close()

    assert await asyncio.gather(*both) == [200, 200]
    assert (await figures(world, association))["people_again"] == 1.0


async def test_twelve_people_answer_at_once_and_each_is_counted_once(world: World) -> None:
    association, done = await engagements(world, 12)
    assert set(await asyncio.gather(*(say(world, one) for one in done))) == {200}
    async with operations() as connection:
        counted, told = await connection.fetchrow(
            """SELECT answers, (SELECT count(*) FROM feedback f WHERE f.association_id = t.association_id AND counted)
               FROM feedback_total t WHERE association_id = $1""",
            association.id,
        )
    assert counted == told == 10


async def test_an_answer_meets_a_no_show(world: World) -> None:
    association, done = await engagements(world, 6)
    for one in done:
        await begun(one.id)

    async def exchange(one: Done) -> int:
        path = f"/v1/applications/{one.id}/no-show"
        return (await world.call(association.owner, "POST", path)).status_code

    answers = await asyncio.gather(*(say(world, one) for one in done), *(exchange(one) for one in done))
    assert set(answers[:6]) <= {200, 409}
    assert set(answers[6:]) == {200}


async def test_without_its_guard_what_is_long_over_is_judged(
    app: Litestar, environment: dict[str, str]
) -> None:
    guard = "DROP TRIGGER feedback_of_completed ON feedback"
    async with cloned(environment, guard) as settings, served(app, settings) as client:
        _, done = await engagements(world := World(client, environment), 1)
        async with operations() as connection:
            await connection.execute("UPDATE application SET ended_at = now() - interval '91 days'")
        assert await say(world, done[0]) == 200


async def test_without_its_guard_answers_wait_for_ever(app: Litestar, environment: dict[str, str]) -> None:
    guard = "DROP TRIGGER feedback_counted ON feedback"
    async with cloned(environment, guard) as settings, served(app, settings) as client:
        association, done = await engagements(world := World(client, environment), 5)
        for one in done:
            assert await say(world, one) == 200
        assert (await figures(world, association))["people_again"] is None
        assert "feedback_is_shown_by_fives" in {found.invariant for found in await violations()}

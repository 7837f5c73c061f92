"""What both sides say at the end: each reads its own, the world reads it by fives, nothing tells one from four."""

from typing import Any, NamedTuple
from uuid import UUID

import pytest

from api.core.actor import Actor, Employment
from api.core.database import operations, transaction
from api.core.ids import new_id
from tests.api.core.asking import assert_problem
from tests.make.world import Association, Company, World

NOTHING = {"people_again": None, "association_again": None, "deliverables_used": None}


class Done(NamedTuple):
    """A completed engagement."""

    employee: str
    id: str

    @property
    def path(self) -> str:
        """Give the path of what is said of it."""
        return f"/v1/applications/{self.id}/feedback"


async def completed(
    world: World, association: Association, company: Company, token: str | None = None
) -> Done:
    employee = token or world.employee(company)
    application = await world.application(employee, await world.mission(association))
    for act in ("accept", "complete"):
        await world.ok(association.owner, "POST", f"/v1/applications/{application['id']}/{act}")
    return Done(employee, application["id"])


async def figures(world: World, association: Association) -> Any:
    return (await world.ok(None, "GET", f"/v1/associations/{association.id}"))["feedback"]


async def test_each_side_says_it_once_and_may_say_it_otherwise(world: World) -> None:
    association, company = await world.association(), await world.company(approval="automatic")
    done = await completed(world, association, company)
    mine = await world.ok(done.employee, "POST", done.path, {"again": True})
    same = await world.ok(done.employee, "POST", done.path, {"again": True})
    other = await world.ok(done.employee, "POST", done.path, {"again": False})
    its = await world.ok(association.owner, "POST", done.path, {"again": True, "deliverable_used": "not_yet"})

    assert (mine["from_association"], mine["again"], mine["deliverable_used"]) == (False, True, None)
    assert same == mine
    assert other["again"] is False
    assert (its["from_association"], its["deliverable_used"]) == (True, "not_yet")
    async with operations() as connection:
        assert (
            await connection.fetchval("SELECT count(*) FROM feedback WHERE application_id = $1", done.id) == 2
        )


async def test_what_does_not_fit_a_side_is_refused(world: World) -> None:
    association, company = await world.association(), await world.company(approval="automatic")
    done = await completed(world, association, company)
    for token, body in (
        (done.employee, {"again": True, "deliverable_used": "yes"}),
        (association.owner, {"again": True}),
        (association.owner, {"again": True, "deliverable_used": "maybe"}),
    ):
        refused = await world.call(token, "POST", done.path, body)
        assert_problem(refused, 422, "invalid", "/deliverable_used")
    for token, status in ((company.admin, 403), ((await world.association()).owner, 404)):
        assert (await world.call(token, "POST", done.path, {"again": True})).status_code == status


async def test_only_what_is_completed_is_judged_and_within_ninety_days(world: World) -> None:
    association, company = await world.association(), await world.company(approval="automatic")
    employee, application = await world.engagement(association, company)
    path = f"/v1/applications/{application['id']}/feedback"
    early = await world.call(employee, "POST", path, {"again": True})
    done, late = [await completed(world, association, company) for _ in range(2)]
    async with operations() as connection:
        for one, days in ((done.id, 89), (late.id, 91)):
            await connection.execute(
                "UPDATE application SET ended_at = now() - $2::integer * interval '1 day' WHERE id = $1",
                one,
                days,
            )

    assert_problem(early, 409, "wrong-state")
    assert (await world.call(done.employee, "POST", done.path, {"again": True})).status_code == 200
    assert_problem(
        await world.call(late.employee, "POST", late.path, {"again": True}), 409, "feedback-closed"
    )


async def test_figures_move_by_five_people_and_never_by_one(world: World) -> None:
    association, company = await world.association(), await world.company(approval="automatic")
    engagements = [await completed(world, association, company) for _ in range(11)]
    seen = [await figures(world, association)]
    for number, done in enumerate(engagements):
        await world.ok(done.employee, "POST", done.path, {"again": number != 2})
        seen.append(await figures(world, association))

    assert [each["people_again"] for each in seen] == [None] * 5 + [0.8] * 5 + [0.9] * 2
    assert all(each["deliverables_used"] is each["association_again"] is None for each in seen)
    changed = await world.call(engagements[2].employee, "POST", engagements[2].path, {"again": True})
    assert_problem(changed, 409, "feedback-closed")
    last = await world.call(engagements[10].employee, "POST", engagements[10].path, {"again": False})
    assert last.status_code == 200
    assert await figures(world, association) == seen[-1]


async def test_five_answers_about_one_person_are_not_five(world: World) -> None:
    association, company = await world.association(), await world.company(approval="automatic")
    faithful = world.employee(company)
    for number in range(7):
        done = await completed(world, association, company, faithful if number < 3 else None)
        said = {"again": True, "deliverable_used": "partly" if number else "no"}
        await world.ok(association.owner, "POST", done.path, said)
        expected = NOTHING if number < 6 else NOTHING | {"association_again": 1.0, "deliverables_used": 0.86}
        assert await figures(world, association) == expected


async def test_an_erasure_takes_the_answers_and_moves_no_figure(world: World) -> None:
    association, company = await world.association(), await world.company(approval="automatic")
    engagements = [await completed(world, association, company) for _ in range(6)]
    for done in engagements:
        await world.ok(done.employee, "POST", done.path, {"again": done is not engagements[0]})
        await world.ok(association.owner, "POST", done.path, {"again": True, "deliverable_used": "yes"})
    before = await figures(world, association)
    for done in (engagements[0], engagements[5]):
        assert (await world.call(done.employee, "DELETE", "/v1/me")).status_code == 204

    assert before == {"people_again": 0.8, "association_again": 1.0, "deliverables_used": 1.0}
    assert await figures(world, association) == before
    async with operations() as connection:
        left = await connection.fetchval(
            "SELECT count(*) FROM feedback WHERE application_id = ANY ($1::uuid[])",
            [UUID(done.id) for done in engagements],
        )
    assert left == 8


@pytest.mark.parametrize("roles", [("hr", "manager", "company_admin"), ("system",)])
async def test_neither_side_nor_the_employer_reads_the_other_s_answer(
    world: World, roles: tuple[str, ...]
) -> None:
    association, company = await world.association(), await world.company(approval="automatic")
    done = await completed(world, association, company)
    me = UUID((await world.ok(done.employee, "GET", "/v1/me"))["id"])
    await world.ok(done.employee, "POST", done.path, {"again": False})
    await world.ok(association.owner, "POST", done.path, {"again": False, "deliverable_used": "no"})
    employment = Employment(UUID(company.id), new_id(), frozenset(roles))
    for actor, sides in (
        (Actor(person_id=me), [False]),
        (Actor(person_id=new_id(), memberships={UUID(association.id): "owner"}), [True]),
        (Actor(person_id=new_id(), employment=employment, roles=frozenset(roles)), []),
    ):
        async with transaction(actor) as connection:
            rows = await connection.fetch(
                "SELECT from_association FROM feedback WHERE application_id = $1", done.id
            )
        assert [row["from_association"] for row in rows] == sides

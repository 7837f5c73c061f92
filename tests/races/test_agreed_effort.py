"""The employer's word meets a longer effort: both orders played by hand, a race, and without the guards."""

import asyncio
from typing import Any, NamedTuple

import httpx
import pytest
from litestar import Litestar

from tests.api.test_agreed_effort import applied, efforts, lengthen
from tests.make.clone import cloned
from tests.make.gate import held, until_waiting
from tests.make.served import served
from tests.make.world import World


class Longer(NamedTuple):
    """An application for 30 hours whose mission is made longer, as the association may accept it."""

    association: str
    hr: str
    application: dict[str, Any]

    def act(self, world: World, name: str) -> Any:
        """Give the call of an act, of whoever does it."""
        who = self.hr if name == "approve" else self.association
        return world.call(who, "POST", f"/v1/applications/{self.application['id']}/{name}")


async def longer(world: World) -> Longer:
    association, company, _, application = await applied(world)
    await lengthen(world, association, application, 2400)
    return Longer(association.owner, company.admin, application)


@pytest.mark.parametrize(
    ("order", "approval", "minutes"),
    [
        (("approve", "accept"), "pending", (2400, 2400, 1800)),
        (("accept", "approve"), "approved", (2400, 2400, 2400)),
    ],
)
async def test_an_agreement_meets_the_acceptance_of_a_longer_effort(
    world: World,
    environment: dict[str, str],
    order: tuple[str, str],
    approval: str,
    minutes: tuple[int, int, int],
) -> None:
    it = await longer(world)
    tasks = []
    async with held(environment, "mission", it.application["mission_id"]) as gate:
        for number, act in enumerate(order, 1):
            tasks.append(asyncio.create_task(it.act(world, act)))
            await until_waiting(gate, number)
    answers: list[httpx.Response] = await asyncio.gather(*tasks)

    assert [answer.status_code for answer in answers] == [200, 200]
    assert answers[-1].json()["employer_approval"] == approval
    assert await efforts(it.application) == minutes


async def test_agreements_and_acceptances_at_once_bind_to_what_was_agreed(world: World) -> None:
    for _ in range(4):
        it = await longer(world)
        answers = await asyncio.gather(*(it.act(world, act) for act in ("approve", "accept") * 3))
        assert {answer.status_code for answer in answers} == {200}
        shown = await world.ok(it.hr, "GET", f"/v1/applications/{it.application['id']}")
        agreed, _, approved = await efforts(it.application)
        assert agreed == 2400
        assert (shown["employer_approval"] == "approved") == (approved == 2400)


@pytest.mark.parametrize(
    ("guards", "status"),
    [
        (("DROP TRIGGER application_asks_again ON application",), 500),
        (
            (
                "DROP TRIGGER application_asks_again ON application",
                "ALTER TABLE application DROP CONSTRAINT application_bound_as_agreed",
            ),
            200,
        ),
    ],
)
async def test_without_the_question_the_database_refuses_and_without_both_the_employer_is_bound(
    app: Litestar, environment: dict[str, str], guards: tuple[str, ...], status: int
) -> None:
    async with cloned(environment, *guards) as settings, served(app, settings) as client:
        world = World(client, environment)
        it = await longer(world)
        assert (await it.act(world, "approve")).status_code == 200
        accepted = await it.act(world, "accept")
        assert accepted.status_code == status
        if status == 200:
            assert accepted.json()["employer_approval"] == "approved"
            assert await efforts(it.application) == (2400, 1800, 1800)

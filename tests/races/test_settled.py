"""An engagement that ends meets its employer's word: both orders played by hand, a race, and without the guard."""

import asyncio
from typing import Any

import httpx
import pytest
from litestar import Litestar

from tests.api.test_agreed_effort import applied
from tests.api.test_unanswered_employers import path, row
from tests.make.clone import cloned
from tests.make.gate import held, until_waiting
from tests.make.served import served
from tests.make.world import World


class Ending:
    """An accepted application of a mission in progress, whose employer is asked and refuses by its silence."""

    def __init__(self, world: World, owner: str, hr: str, application: dict[str, Any]) -> None:
        self.world, self.owner, self.hr, self.application = world, owner, hr, application

    def act(self, name: str) -> Any:
        """Give the call of an act: the employer's `approve`, or the association's `complete` or `end` of it all."""
        if name == "end":
            return self.world.call(
                self.owner, "POST", f"/v1/missions/{self.application['mission_id']}/complete"
            )
        who = self.hr if name == "approve" else self.owner
        return self.world.call(who, "POST", path(self.application, name))


async def ending(world: World) -> Ending:
    association, company, _, application = await applied(world, approval_silence="refuse")
    await world.ok(association.owner, "POST", path(application, "accept"))
    await world.ok(association.owner, "POST", f"/v1/missions/{application['mission_id']}/start")
    return Ending(world, association.owner, company.admin, application)


@pytest.mark.parametrize(
    ("order", "statuses", "ended"),
    [
        (("approve", "complete"), [200, 200], ("completed", "approved", None)),
        (("complete", "approve"), [409, 200], ("accepted", "approved", None)),
        (("approve", "end"), [200, 200], ("completed", "approved", None)),
        (("end", "approve"), [200, 409], ("employer_refused", "refused", "no_answer")),
    ],
)
async def test_an_agreement_meets_an_end(
    world: World,
    environment: dict[str, str],
    order: tuple[str, str],
    statuses: list[int],
    ended: tuple[str, str, str | None],
) -> None:
    it = await ending(world)
    tasks: list[asyncio.Task[httpx.Response]] = []
    async with held(environment, "mission", it.application["mission_id"]) as gate:
        for number, act in enumerate(order, 1):
            tasks.append(asyncio.create_task(it.act(act)))
            await until_waiting(gate, number)
    assert [(await task).status_code for task in tasks] == statuses
    assert await row(it.application) == ended


async def test_agreements_and_ends_at_once_leave_nobody_pending(world: World) -> None:
    for _ in range(4):
        it = await ending(world)
        answers = await asyncio.gather(*(it.act(act) for act in ("approve", "complete", "end") * 2))
        assert {answer.status_code for answer in answers} <= {200, 409}
        assert (await row(it.application))[:2] in (("completed", "approved"), ("employer_refused", "refused"))


async def test_without_its_guard_an_engagement_is_over_while_its_employer_is_asked(
    app: Litestar, environment: dict[str, str]
) -> None:
    guard = "ALTER TABLE application DROP CONSTRAINT application_done_is_settled"
    async with cloned(environment, guard) as settings, served(app, settings) as client:
        it = await ending(World(client, environment))
        assert (await it.act("complete")).status_code == 200
        assert await row(it.application) == ("completed", "pending", None)

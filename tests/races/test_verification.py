"""A mission submitted at the moment at which its association is verified waits for nobody."""

import asyncio

import pytest

from tests.api.test_mission_scoping import mission_path
from tests.make.gate import held, until_waiting
from tests.make.world import World


@pytest.mark.parametrize("first", ["verification", "submission"])
async def test_a_submission_meets_a_verification(
    world: World, environment: dict[str, str], first: str
) -> None:
    association, moderator = await world.association(verified=False), await world.moderator()
    draft = await world.mission(association, publish=False)
    acts = [
        world.call(moderator, "POST", f"/v1/associations/{association.id}/verify"),
        world.call(association.owner, "POST", mission_path(draft, "submit")),
    ]
    line = acts if first == "verification" else acts[::-1]
    async with held(environment, "association", association.id) as gate:
        standing = []
        for act in line:
            standing.append(asyncio.create_task(act))
            await until_waiting(gate, len(standing))
    answers = await asyncio.gather(*standing)
    assert [answer.status_code for answer in answers] == [200, 200]
    assert (await world.ok(None, "GET", mission_path(draft)))["state"] == "published"


async def test_submissions_and_a_verification_race(world: World) -> None:
    association, moderator = await world.association(verified=False), await world.moderator()
    drafts = [await world.mission(association, publish=False) for _ in range(6)]
    await asyncio.gather(
        *(world.ok(association.owner, "POST", mission_path(draft, "submit")) for draft in drafts),
        world.ok(moderator, "POST", f"/v1/associations/{association.id}/verify"),
    )
    found = (await world.ok(None, "GET", f"/v1/missions?association={association.id}"))["items"]
    assert {item["id"] for item in found} == {draft["id"] for draft in drafts}

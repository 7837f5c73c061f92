"""What a moderator paused stays so, whatever it was paused by before and whatever happens to its association."""

import pytest

from api.core.settings import Settings
from tests.api.core.asking import assert_problem
from tests.api.test_mission_scoping import edit, mission_path
from tests.api.test_moderation import tag, waiting
from tests.api.test_told import told
from tests.make.world import World

REASON = {"reason": "Une mission décrivait un emploi salarié."}


@pytest.mark.parametrize("before", ["association", "suspension"])
async def test_a_moderators_pause_holds_on_top_of_another(world: World, before: str) -> None:
    association, moderator = await world.association(), await world.moderator()
    mission, home = await world.mission(association), f"/v1/associations/{association.id}"
    pause, resume = mission_path(mission, "pause"), mission_path(mission, "resume")
    if before == "suspension":
        await world.ok(moderator, "POST", f"{home}/suspend", REASON)
    else:
        await world.ok(association.owner, "POST", pause)

    held = await world.ok(moderator, "POST", pause)
    again = await world.ok(moderator, "POST", pause)
    if before == "suspension":
        await world.ok(moderator, "POST", f"{home}/reinstate")
    await world.ok(association.owner, "POST", pause)
    refused = await world.call(association.owner, "POST", resume)
    kept = await world.ok(association.owner, "GET", mission_path(mission))

    assert_problem(refused, 403, "forbidden")
    assert (kept["state"], kept["state_reason"], kept["version"]) == ("paused", "moderation", held["version"])
    assert again == held
    assert [(event["state"], event["reason"]) for event in kept["history"]] == [
        ("draft", None),
        ("published", None),
        ("paused", None if before == "association" else "association_suspended"),
        ("paused", "moderation"),
    ]
    assert (await world.ok(moderator, "POST", resume))["state"] == "published"


async def test_a_moderator_pauses_what_is_paused_in_the_version_they_name(world: World) -> None:
    association, moderator = await world.association(), await world.moderator()
    mission = await world.mission(association)
    paused = await world.ok(association.owner, "POST", mission_path(mission, "pause"))
    tags = [f'"v{thing["version"]}-0"' for thing in (mission, paused)]

    stale, fresh = [
        await world.call(moderator, "POST", mission_path(mission, "pause"), if_match=tag) for tag in tags
    ]

    assert_problem(stale, 412, "version-changed")
    assert fresh.json()["state_reason"] == "moderation"


async def test_a_moderator_reads_again_what_is_corrected_of_a_mission_that_they_paused(world: World) -> None:
    association, moderator = await world.association(), await world.moderator()
    mission, own = await world.mission(association), await world.mission(association)
    await world.ok(moderator, "POST", mission_path(mission, "pause"))
    await world.ok(association.owner, "POST", mission_path(own, "pause"))

    untold = (await edit(world, association.owner, mission, places=2)).json()
    told = (await edit(world, association.owner, mission, summary="Un site lisible, sans emploi.")).json()
    free = (await edit(world, association.owner, own, summary="Un site lisible par tous.")).json()

    assert (untold["review"], free["review"]) == (None, None)
    assert (told["state"], told["review"]["reasons"]) == ("paused", ["edited"])
    queue = await waiting(world, moderator, "mission")
    assert (queue[mission["id"]]["reasons"], own["id"] in queue) == (["edited"], False)


async def test_what_a_moderator_holds_is_published_as_it_was_read_by_one_decision(
    world: World, settings: Settings
) -> None:
    association, moderator = await world.association(), await world.moderator()
    mission = await world.mission(association)
    publish = mission_path(mission, "publish")
    held = await world.ok(moderator, "POST", mission_path(mission, "pause"))
    told_before = list(await told(world, association.owner, settings))
    edited = (await edit(world, association.owner, mission, summary="Un site lisible, sans emploi.")).json()

    stale = await world.call(moderator, "POST", publish, if_match=tag(held))
    published = await world.ok(moderator, "POST", publish, if_match=tag(edited))

    assert_problem(stale, 412, "version-changed")
    assert (published["state"], published["state_reason"], published["review"]) == ("published", None, None)
    assert mission["id"] not in await waiting(world, moderator, "mission")
    found = await world.ok(None, "GET", f"/v1/missions?association={association.id}")
    assert [item["id"] for item in found["items"]] == [mission["id"]]
    now_told = [kind for kind in await told(world, association.owner, settings) if kind not in told_before]
    assert now_told == ["mission_resumed"]
    assert await world.ok(moderator, "POST", publish, if_match=tag(published)) == published


async def test_what_a_moderator_holds_is_published_unedited_too(world: World) -> None:
    association, moderator = await world.association(), await world.moderator()
    mission = await world.mission(association)
    held = await world.ok(moderator, "POST", mission_path(mission, "pause"))
    published = await world.ok(moderator, "POST", mission_path(mission, "publish"), if_match=tag(held))
    assert (published["state"], published["history"][-1]["state"]) == ("published", "published")


async def test_a_suspended_associations_mission_stays_held(world: World) -> None:
    association, moderator = await world.association(), await world.moderator()
    mission = await world.mission(association)
    held = await world.ok(moderator, "POST", mission_path(mission, "pause"))
    await world.ok(moderator, "POST", f"/v1/associations/{association.id}/suspend", REASON)
    refused = await world.call(moderator, "POST", mission_path(mission, "publish"), if_match=tag(held))
    assert_problem(refused, 409, "wrong-state")
    kept = await world.ok(moderator, "GET", mission_path(mission))
    assert (kept["version"], kept["state_reason"]) == (held["version"], "moderation")

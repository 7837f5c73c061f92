"""What an edit contests is public to nobody before a moderator has read it, whatever happens meanwhile."""

from typing import Any

import pytest

from api.core.settings import Settings
from tests.api.core.asking import assert_problem
from tests.api.test_mission_scoping import edit, mission_path
from tests.api.test_moderation import tag, waiting
from tests.api.test_told import told
from tests.make.world import Association, World

REASON = {"reason": "Une mission décrivait un emploi salarié."}
PHONE = {"summary": "Appelez le 06 12 34 56 78", "ask_review": True}
PLAIN = {"summary": "Un site lisible par tous."}


async def contested(world: World, association: Association, mission: dict[str, Any]) -> dict[str, Any]:
    answer: dict[str, Any] = (await edit(world, association.owner, mission, **PHONE)).json()
    assert "contact-details" in answer["review"]["reasons"]
    return answer


async def found(world: World, association: Association) -> list[str]:
    page = await world.ok(None, "GET", f"/v1/missions?association={association.id}")
    return [item["id"] for item in page["items"]]


async def test_a_contested_edit_is_out_of_sight_until_a_moderator_publishes_it(
    world: World, settings: Settings
) -> None:
    association, moderator = await world.association(), await world.moderator()
    mission, company = await world.mission(association), await world.company()
    applicant, stranger = world.employee(company), world.employee(company)
    await world.application(applicant, mission)

    held = await contested(world, association, mission)

    assert (held["state"], held["state_reason"], held["summary"]) == ("paused", "contested", PHONE["summary"])
    assert (await waiting(world, moderator, "mission"))[mission["id"]]["reasons"] == ["contact-details"]
    assert await found(world, association) == []
    for token in (None, stranger):
        assert_problem(await world.call(token, "GET", mission_path(mission)), 404, "not-found")
    for token in (applicant, moderator):
        assert (await world.ok(token, "GET", mission_path(mission)))["state"] == "paused"
    resumed = await world.call(association.owner, "POST", mission_path(mission, "resume"))
    assert_problem(resumed, 403, "forbidden")

    publish = mission_path(mission, "publish")
    assert_problem(
        await world.call(moderator, "POST", publish, if_match=tag(mission)), 412, "version-changed"
    )
    published = await world.ok(moderator, "POST", publish, if_match=tag(held))

    assert (published["state"], published["state_reason"], published["review"]) == ("published", None, None)
    assert await found(world, association) == [mission["id"]]
    assert (await world.ok(stranger, "GET", mission_path(mission)))["summary"] == PHONE["summary"]
    assert "mission_resumed" in await told(world, association.owner, settings)
    assert (await edit(world, association.owner, mission, title="Refondre le site")).json()["review"] is None


@pytest.mark.parametrize("verified", [True, False])
async def test_what_is_contested_no_more_is_public_again_by_itself(
    world: World, settings: Settings, verified: bool
) -> None:
    association, moderator = await world.association(verified=verified), await world.moderator()
    mission = await world.mission(association)
    if not verified:
        await world.ok(moderator, "POST", mission_path(mission, "publish"), if_match=tag(mission))
    held = await contested(world, association, mission)
    more = (await edit(world, association.owner, mission, **PHONE | {"title": "Site"})).json()
    less = (await edit(world, association.owner, mission, title="Refondre notre site")).json()
    corrected = (await edit(world, association.owner, mission, **PLAIN)).json()

    edited = [] if verified else ["edited"]
    assert [each["review"]["reasons"] for each in (held, more, less)] == [
        ["contact-details", *edited],
        ["contact-details", "title-too-short", *edited],
        ["contact-details", *edited],
    ]
    assert [each["state"] for each in (held, more, less)] == ["paused"] * 3
    assert (corrected["state"], corrected["state_reason"]) == ("published", None)
    assert (corrected["review"] or {"reasons": []})["reasons"] == edited
    queue = await waiting(world, moderator, "mission")
    assert queue.get(mission["id"], {"reasons": []})["reasons"] == edited
    assert await found(world, association) == [mission["id"]]
    assert (
        not {"mission_resumed", "mission_reviewed"} & (await told(world, association.owner, settings)).keys()
    )


@pytest.mark.parametrize("read", [True, False])
async def test_a_pause_of_the_associations_own_stays_after_a_contest(world: World, read: bool) -> None:
    association, moderator = await world.association(), await world.moderator()
    mission = await world.mission(association)
    await world.ok(association.owner, "POST", mission_path(mission, "pause"))
    held = await contested(world, association, mission)
    refused = await world.call(association.owner, "POST", mission_path(mission, "resume"))
    hidden = await world.call(None, "GET", mission_path(mission))

    if read:
        await world.ok(moderator, "POST", mission_path(mission, "publish"), if_match=tag(held))
    else:
        await edit(world, association.owner, mission, **PLAIN)

    assert (held["state"], held["state_reason"]) == ("paused", None)
    assert_problem(refused, 403, "forbidden")
    assert_problem(hidden, 404, "not-found")
    kept = await world.ok(association.owner, "GET", mission_path(mission))
    assert (kept["state"], kept["state_reason"], kept["review"]) == ("paused", None, None)
    assert [event["reason"] for event in kept["history"]][3:] == (["approved"] if read else [])
    resumed = await world.ok(association.owner, "POST", mission_path(mission, "resume"))
    assert resumed["state"] == "published"


async def test_a_reinstatement_publishes_nothing_that_is_contested(world: World) -> None:
    association, moderator = await world.association(), await world.moderator()
    missions = [await world.mission(association) for _ in range(3)]
    before, during, both = missions
    home = f"/v1/associations/{association.id}"
    for mission in (before, both):
        await contested(world, association, mission)
    await world.ok(moderator, "POST", f"{home}/suspend", REASON)
    await contested(world, association, during)
    await edit(world, association.owner, both, **PLAIN)
    suspended = [await world.ok(association.owner, "GET", mission_path(mission)) for mission in missions]
    await world.ok(moderator, "POST", f"{home}/reinstate")
    reinstated = [await world.ok(association.owner, "GET", mission_path(mission)) for mission in missions]

    assert [(each["state"], each["state_reason"]) for each in suspended] == [
        ("paused", "contested"),
        ("paused", "association_suspended"),
        ("paused", "association_suspended"),
    ]
    assert [(each["state"], each["state_reason"]) for each in reinstated] == [
        ("paused", "contested"),
        ("paused", "contested"),
        ("published", None),
    ]
    assert await found(world, association) == [both["id"]]


async def test_a_moderators_pause_holds_what_is_contested_and_then_corrected(world: World) -> None:
    association, moderator = await world.association(), await world.moderator()
    mission = await world.mission(association)
    await contested(world, association, mission)
    await world.ok(moderator, "POST", mission_path(mission, "pause"))
    refused = await world.call(moderator, "POST", mission_path(mission, "resume"))
    corrected = (await edit(world, association.owner, mission, **PLAIN)).json()

    assert_problem(refused, 403, "forbidden")
    assert (corrected["state_reason"], corrected["review"]["reasons"]) == ("moderation", ["edited"])
    published = await world.ok(moderator, "POST", mission_path(mission, "publish"), if_match=tag(corrected))
    assert (published["state"], published["review"]) == ("published", None)


async def test_what_ends_while_it_is_contested_stays_out_of_sight(world: World) -> None:
    association, moderator = await world.association(), await world.moderator()
    mission = await world.mission(association)
    await contested(world, association, mission)
    cancelled = await world.ok(association.owner, "POST", mission_path(mission, "cancel"), REASON)

    assert (cancelled["state"], cancelled["review"]) == ("cancelled", None)
    assert mission["id"] not in await waiting(world, moderator, "mission")
    assert_problem(await world.call(None, "GET", mission_path(mission)), 404, "not-found")

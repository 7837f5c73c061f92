"""The life of an association after it was verified: suspension, its end, closing."""

from typing import Any
from uuid import UUID

import pytest

from api.core.database import operations
from api.core.settings import Settings
from tests.api.core.asking import assert_problem
from tests.api.test_members import code_to, guest, invite, join, members
from tests.make.world import Association, World
from tests.reactions.world import catch_up

REASON = {"reason": "Une mission décrivait un emploi salarié."}


def path(association: Association, act: str = "") -> str:
    return f"/v1/associations/{association.id}{act and '/'}{act}"


async def states(world: World, association: Association, *missions: dict[str, Any]) -> list[str]:
    return [
        (await world.ok(association.owner, "GET", f"/v1/missions/{mission['id']}"))["state"]
        for mission in missions
    ]


async def events(association: Association) -> list[str]:
    async with operations() as connection:
        rows = await connection.fetch(
            "SELECT to_state FROM state_event WHERE object_id = $1 ORDER BY id", UUID(association.id)
        )
    return [row["to_state"] for row in rows]


async def facts(association: Association, name: str) -> list[UUID]:
    async with operations() as connection:
        rows = await connection.fetch(
            "SELECT id FROM outbox WHERE fact = $1 AND association_id = $2", name, UUID(association.id)
        )
    return [row["id"] for row in rows]


async def test_a_suspension_pauses_missions_and_its_end_brings_back_those_alone(world: World) -> None:
    association, moderator = await world.association(), await world.moderator()
    published, by_hand = await world.mission(association), await world.mission(association)
    draft = await world.mission(association, publish=False)
    await world.ok(association.owner, "POST", f"/v1/missions/{by_hand['id']}/pause")
    suspended = await world.ok(moderator, "POST", path(association, "suspend"), REASON)
    during = await states(world, association, published, by_hand, draft)
    found = await world.ok(None, "GET", f"/v1/missions?association={association.id}")
    reinstated = await world.ok(moderator, "POST", path(association, "reinstate"))

    assert suspended["state"] == "suspended"
    assert during == ["paused", "paused", "draft"]
    assert found["items"] == []
    assert (reinstated["state"], reinstated["state_reason"]) == ("verified", None)
    assert await states(world, association, published, by_hand, draft) == ["published", "paused", "draft"]
    found = await world.ok(None, "GET", f"/v1/missions?association={association.id}")
    assert [mission["id"] for mission in found["items"]] == [published["id"]]


async def test_a_paused_mission_takes_nobody_new(world: World) -> None:
    association, company = await world.association(), await world.company()
    mission = await world.mission(association)
    await world.ok(await world.moderator(), "POST", path(association, "suspend"), REASON)

    answer = await world.call(
        world.employee(company),
        "POST",
        f"/v1/missions/{mission['id']}/applications",
        {"regime": "working_time"},
    )

    assert_problem(answer, 409, "wrong-state")


async def test_a_refusal_to_resume_says_that_it_is_the_associations_state(world: World) -> None:
    association = await world.association()
    mission = await world.mission(association)
    await world.ok(await world.moderator(), "POST", path(association, "suspend"), REASON)

    resumed = await world.call(association.owner, "POST", f"/v1/missions/{mission['id']}/resume")

    document = assert_problem(resumed, 409, "wrong-state")
    assert (document["state"], document["allowed"]) == ("suspended", ["unverified", "verified"])
    assert document["detail"] == "C’est l’état de l’association qui ne le permet pas."


async def test_why_is_for_the_members_and_moderators(world: World) -> None:
    association = await world.association()
    moderator = await world.moderator()
    await world.ok(moderator, "POST", path(association, "suspend"), REASON)

    seen = [await world.ok(token, "GET", path(association)) for token in (association.owner, moderator, None)]
    assert [each["state_reason"] for each in seen] == [REASON["reason"], REASON["reason"], None]


async def test_an_act_done_twice_is_recorded_once(world: World) -> None:
    association, moderator = await world.association(), await world.moderator()
    for act, body in (("suspend", REASON), ("reinstate", None)):
        first, again = [await world.ok(moderator, "POST", path(association, act), body) for _ in range(2)]
        assert first == again
    first, again = [await world.ok(association.owner, "POST", path(association, "close")) for _ in range(2)]

    assert first["state"] == again["state"] == "closed"
    assert await events(association) == ["unverified", "verified", "suspended", "verified", "closed"]
    for name in ("AssociationSuspended", "AssociationReinstated", "AssociationClosed"):
        assert len(await facts(association, name)) == 1


async def test_only_a_moderator_from_outside_suspends_and_reinstates(world: World) -> None:
    association = await world.association()
    inside = await join(world, association)
    await world.ok(inside.token, "GET", "/v1/me")
    async with operations() as connection:
        await connection.execute(
            "INSERT INTO platform_role (id, person_id, role) VALUES (uuidv7(), $1, 'moderator')",
            UUID(inside.id),
        )
    for act, body in (("suspend", REASON), ("reinstate", None)):
        for token in (inside.token, association.owner):
            assert_problem(await world.call(token, "POST", path(association, act), body), 403, "forbidden")
    assert await events(association) == ["unverified", "verified"]


async def test_what_was_never_verified_is_not_suspended(world: World) -> None:
    association, moderator = await world.association(verified=False), await world.moderator()

    refused = assert_problem(
        await world.call(moderator, "POST", path(association, "suspend"), REASON), 409, "wrong-state"
    )
    changed = await world.call(
        moderator, "POST", path(await world.association(), "suspend"), REASON, if_match='"v9-0"'
    )

    assert (refused["state"], refused["allowed"]) == ("unverified", ["verified"])
    assert_problem(changed, 412, "version-changed")
    assert_problem(await world.call(moderator, "POST", path(association, "reinstate")), 409, "wrong-state")


@pytest.mark.parametrize("state", ["submitted", "published", "paused"])
async def test_closing_an_association_cancels_its_live_missions(world: World, state: str) -> None:
    association = await world.association(verified=state != "submitted")
    mission = await world.mission(association)
    if state == "paused":
        await world.ok(association.owner, "POST", f"/v1/missions/{mission['id']}/pause")
    assert await states(world, association, mission) == [state]

    closed = await world.ok(association.owner, "POST", path(association, "close"))

    assert closed["state"] == "closed"
    ended = await world.ok(await world.moderator(), "GET", f"/v1/missions/{mission['id']}")
    assert (ended["state"], ended["state_reason"]) == ("cancelled", "association_closed")


async def test_refusing_an_association_ends_what_people_had_applied_to(world: World) -> None:
    association, moderator = await world.association(verified=False), await world.moderator()
    mission = await world.mission(association)
    tag = f'"v{mission["version"]}-0"'
    await world.ok(moderator, "POST", f"/v1/missions/{mission['id']}/publish", if_match=tag)
    employee = world.employee(await world.company())
    application = await world.application(employee, mission)

    await world.ok(moderator, "POST", path(association, "refuse"), {"reasons": ["Introuvable."]})

    ended = await world.ok(employee, "GET", f"/v1/applications/{application['id']}")
    assert (ended["state"], ended["reason"]) == ("cancelled", "mission_cancelled")
    assert (await world.ok(None, "GET", f"/v1/missions?association={association.id}"))["items"] == []


@pytest.mark.parametrize("state", ["unverified", "verified", "refused", "suspended"])
async def test_an_owner_closes_it_from_any_state(world: World, state: str) -> None:
    association = await world.association(verified=state in ("verified", "suspended"))
    if state == "refused":
        body = {"reasons": ["Introuvable au répertoire."]}
        await world.ok(await world.moderator(), "POST", path(association, "refuse"), body)
    elif state == "suspended":
        await world.ok(await world.moderator(), "POST", path(association, "suspend"), REASON)
    await world.mission(association, publish=False)

    closed = await world.ok(association.owner, "POST", path(association, "close"))

    assert (closed["state"], (await events(association))[-2:]) == ("closed", [state, "closed"])


async def test_a_closed_association_has_neither_members_nor_invitations(world: World) -> None:
    association, invited = await world.association(), await guest(world)
    coordinator = await join(world, association)
    await invite(world, association.owner, association, invited.email, "owner")
    accept = f"/v1/invitations/{await code_to(invited.email)}/accept"

    assert_problem(await world.call(coordinator.token, "POST", path(association, "close")), 403, "forbidden")
    assert_problem(await world.call(invited.token, "POST", path(association, "close")), 403, "forbidden")
    await world.ok(association.owner, "POST", path(association, "close"))

    assert_problem(await world.call(invited.token, "POST", accept), 404, "not-found")
    for token in (association.owner, coordinator.token):
        assert (await world.ok(token, "GET", "/v1/me"))["memberships"] == []
    body = {"email": invited.email, "role": "owner"}
    answer = await world.call(association.owner, "POST", members(association), body)
    assert_problem(answer, 409, "wrong-state")
    assert_problem(
        await world.call(await world.moderator(), "POST", path(association, "suspend"), REASON),
        409,
        "wrong-state",
    )


async def test_members_are_told_what_became_of_their_association_in_order(
    world: World, settings: Settings
) -> None:
    association, moderator = await world.association(), await world.moderator()
    coordinator = await join(world, association)
    for act in ("suspend", "reinstate", "suspend"):
        await world.ok(moderator, "POST", path(association, act), REASON if act == "suspend" else None)
    await world.ok(association.owner, "POST", path(association, "close"))
    await catch_up(settings)

    told = (await world.ok(coordinator.token, "GET", "/v1/me/notifications"))["items"]
    titles = [each["title"].rpartition(" est ")[2] for each in reversed(told)]
    assert titles == ["suspendue", "rétablie", "suspendue", "fermée"]

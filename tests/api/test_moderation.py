"""What moderators read, and decide on the version they read; what is contested, flagged, or suspected twice."""

from typing import Any
from uuid import UUID

import msgspec
import pytest

from api.core.database import operations
from api.missions.facts import MissionPublished
from tests.api.core.asking import assert_problem
from tests.api.test_mission_lifecycle import accepted
from tests.api.test_mission_scoping import edit, mission_path
from tests.make.world import Association, World

QUEUE = "/v1/moderation/queue?limit=100"


async def waiting(world: World, moderator: str, kind: str = "association,mission,flag") -> dict[str, Any]:
    """Give what waits, by id."""
    found: dict[str, Any] = {}
    cursor = ""
    while cursor is not None:
        page = await world.ok(moderator, "GET", f"{QUEUE}&kind={kind}{cursor and '&cursor='}{cursor}")
        found |= {item["id"]: item for item in page["items"]}
        cursor = page["next"]
    return found


def tag(thing: dict[str, Any]) -> str:
    return f'"v{thing["version"]}-0"'


async def test_a_submission_waits_with_its_reasons_until_it_is_decided(world: World) -> None:
    association, moderator = await world.association(verified=False), await world.moderator()
    mission = await world.mission(association)
    queue = await waiting(world, moderator)

    assert queue[association.id]["reasons"] == ["new"]
    item = queue[mission["id"]]
    assert (item["kind"], item["version"], item["reasons"]) == ("mission", mission["version"], ["unverified"])
    await world.ok(moderator, "POST", mission_path(mission, "publish"), if_match=tag(item))
    assert mission["id"] not in await waiting(world, moderator, "mission")


async def test_what_waited_for_its_association_alone_is_published_once_that_is_verified(world: World) -> None:
    association, moderator = await world.association(verified=False), await world.moderator()
    plain, draft = await world.mission(association), await world.mission(association, publish=False)
    named = await world.mission(association, publish=False, title="Graphisme")
    await world.ok(association.owner, "POST", mission_path(named, "submit"), {"ask_review": True})

    await world.ok(moderator, "POST", f"/v1/associations/{association.id}/verify")

    shown, contested, untouched = [
        await world.ok(association.owner, "GET", mission_path(each)) for each in (plain, named, draft)
    ]
    queue = await waiting(world, moderator)
    assert (shown["state"], shown["review"], untouched["state"]) == ("published", None, "draft")
    assert shown["published_at"]
    assert (contested["state"], contested["review"]["reasons"]) == ("submitted", ["title-too-short"])
    assert (plain["id"] in queue, queue[named["id"]]["reasons"]) == (False, ["title-too-short"])
    assert [item["id"] for item in await listed(world, association)] == [plain["id"]]
    assert await published(association) == [plain["id"]]


async def listed(world: World, association: Association) -> Any:
    return (await world.ok(None, "GET", f"/v1/missions?association={association.id}"))["items"]


async def published(association: Association) -> list[str]:
    """Give the missions of an association that were said to be published."""
    async with operations() as connection:
        rows = await connection.fetch(
            "SELECT payload FROM outbox WHERE fact = 'MissionPublished' AND association_id = $1",
            UUID(association.id),
        )
    return [str(msgspec.msgpack.decode(row["payload"], type=MissionPublished).mission_id) for row in rows]


async def test_a_decision_is_on_the_version_that_was_read(world: World) -> None:
    association, moderator = await world.association(verified=False), await world.moderator()
    mission = await world.mission(association)
    await edit(world, association.owner, mission, title="Un tout autre titre")
    again = await world.ok(association.owner, "POST", mission_path(mission, "submit"))

    stale = await world.call(moderator, "POST", mission_path(mission, "publish"), if_match=tag(mission))
    fresh = await world.ok(moderator, "POST", mission_path(mission, "publish"), if_match=tag(again))

    assert_problem(stale, 412, "version-changed")
    assert fresh["state"] == "published"


async def test_a_contested_rule_goes_to_a_moderator_even_from_a_verified_association(world: World) -> None:
    association, moderator = await world.association(), await world.moderator()
    mission = await world.mission(association, publish=False, title="Graphisme")
    path = mission_path(mission, "submit")

    refused = await world.call(association.owner, "POST", path)
    contested = await world.ok(association.owner, "POST", path, {"ask_review": True})

    assert refused.json()["errors"][0]["code"] == "title-too-short"
    assert (contested["state"], contested["review"]["reasons"]) == ("submitted", ["title-too-short"])
    assert (await waiting(world, moderator))[mission["id"]]["reasons"] == ["title-too-short"]
    published = await world.ok(moderator, "POST", mission_path(mission, "publish"), if_match=tag(contested))
    assert (published["state"], published["review"]) == ("published", None)


async def test_only_the_rules_on_wording_can_be_contested(world: World) -> None:
    association = await world.association()
    mission = await world.mission(association, publish=False, title="Graphisme", effort_minutes=1)
    answer = await world.call(
        association.owner, "POST", mission_path(mission, "submit"), {"ask_review": True}
    )
    assert {error["code"] for error in answer.json()["errors"]} == {"title-too-short", "out-of-bounds"}


async def test_an_unverified_association_s_new_text_is_read_again_while_it_stays_published(
    world: World,
) -> None:
    association, moderator = await world.association(verified=False), await world.moderator()
    mission = await world.mission(association)
    published = await world.ok(moderator, "POST", mission_path(mission, "publish"), if_match=tag(mission))
    edited = (await edit(world, association.owner, published, title="Refondre notre vieux site")).json()
    places = (await edit(world, association.owner, published, places=2)).json()

    assert (edited["state"], edited["review"]["reasons"]) == ("published", ["edited"])
    assert (await waiting(world, moderator))[mission["id"]]["version"] == places["version"]
    stale = await world.call(moderator, "POST", mission_path(mission, "publish"), if_match=tag(edited))
    assert_problem(stale, 412, "version-changed")
    assert mission["id"] in await waiting(world, moderator)
    await world.ok(moderator, "POST", mission_path(mission, "publish"), if_match=tag(places))
    assert mission["id"] not in await waiting(world, moderator)


async def test_a_verified_association_s_new_name_is_read_by_a_moderator(world: World) -> None:
    association, moderator = await world.association(), await world.moderator()
    path = f"/v1/associations/{association.id}"
    etag = (await world.call(association.owner, "GET", path)).headers["etag"]
    renamed = await world.ok(association.owner, "PATCH", path, {"name": "Les Restos du Coeur"}, if_match=etag)

    assert (renamed["state"], (await waiting(world, moderator))[association.id]["reasons"]) == (
        "verified",
        ["renamed"],
    )
    unread = await world.call(moderator, "POST", f"{path}/verify")
    stale = await world.call(moderator, "POST", f"{path}/verify", if_match=etag)
    assert_problem(unread, 428, "version-required")
    assert_problem(stale, 412, "version-changed")
    assert association.id in await waiting(world, moderator)
    read = await world.ok(moderator, "POST", f"{path}/verify", if_match=tag(renamed))
    assert association.id not in await waiting(world, moderator)
    assert [(event["state"], event["reason"]) for event in read["history"]] == [
        ("unverified", None),
        ("verified", None),
        ("verified", "approved"),
    ]


async def test_a_stale_reading_decides_nothing_about_an_association(world: World) -> None:
    association, moderator = await world.association(verified=False), await world.moderator()
    path = f"/v1/associations/{association.id}"
    etag = (await world.call(association.owner, "GET", path)).headers["etag"]
    await world.ok(association.owner, "PATCH", path, {"name": "Les Restos du Coeur"}, if_match=etag)

    for act, body in (("verify", None), ("refuse", {"reasons": ["Introuvable."]})):
        stale = await world.call(moderator, "POST", f"{path}/{act}", body, if_match=etag)
        assert_problem(stale, 412, "version-changed")
    assert (await world.ok(moderator, "GET", path))["state"] == "unverified"


@pytest.mark.parametrize("state", ["published", "paused", "in_progress"])
async def test_an_edited_text_is_approved_in_any_living_state(world: World, state: str) -> None:
    association, moderator = await world.association(verified=False), await world.moderator()
    mission = await world.mission(association)
    publish, pause = mission_path(mission, "publish"), mission_path(mission, "pause")
    published = await world.ok(moderator, "POST", publish, if_match=tag(mission))
    again = await world.ok(moderator, "POST", publish, if_match=tag(mission))
    assert (again["version"], again["history"]) == (published["version"], published["history"])
    if state == "in_progress":
        await accepted(world, association, published)
    edited = (await edit(world, association.owner, published, title="Refondre notre vieux site")).json()
    if state == "paused":
        edited = await world.ok(association.owner, "POST", pause)
    elif state == "in_progress":
        edited = await world.ok(association.owner, "POST", mission_path(mission, "start"))

    unread = await world.call(moderator, "POST", publish)
    stale = await world.call(moderator, "POST", publish, if_match=tag(mission))
    approved = await world.ok(moderator, "POST", publish, if_match=tag(edited))

    assert_problem(unread, 428, "version-required")
    assert_problem(stale, 412, "version-changed")
    assert (edited["state"], approved["state"], approved["review"]) == (state, state, None)
    assert approved["title"] == "Refondre notre vieux site"
    last = approved["history"][-1]
    assert (last["state"], last["reason"]) == (state, "approved")
    assert mission["id"] not in await waiting(world, moderator)


async def test_decisions_are_kept_with_their_reasons(world: World) -> None:
    association, moderator = await world.association(verified=False), await world.moderator()
    mission = await world.mission(association)
    reasons = {"reasons": ["Précisez le livrable."]}
    await world.ok(moderator, "POST", mission_path(mission, "reject"), reasons, if_match=tag(mission))
    await world.ok(
        moderator, "POST", f"/v1/associations/{association.id}/refuse", {"reasons": ["Introuvable."]}
    )

    edited = (await edit(world, association.owner, mission, deliverable="Un site en ligne.")).json()
    kept = edited["history"]
    assert (edited["state"], edited["state_reason"]) == ("draft", None)
    body = (await world.ok(association.owner, "GET", f"/v1/associations/{association.id}"))["history"]
    assert [(event["state"], event["reason"]) for event in kept] == [
        ("draft", None),
        ("submitted", None),
        ("rejected", "Précisez le livrable."),
        ("draft", None),
    ]
    assert [(event["state"], event["reason"]) for event in body] == [
        ("unverified", None),
        ("refused", "Introuvable."),
    ]


async def test_a_moderator_does_not_judge_their_own_association(world: World) -> None:
    association = await world.association(verified=False)
    mission = await world.mission(association)
    me = (await world.ok(association.owner, "GET", "/v1/me"))["id"]
    await world.ok(await world.admin(), "PUT", f"/v1/persons/{me}/platform-roles", {"roles": ["moderator"]})

    own = await waiting(world, association.owner)
    refused = await world.call(
        association.owner, "POST", mission_path(mission, "publish"), if_match=tag(mission)
    )

    assert association.id not in own
    assert mission["id"] not in own
    assert refused.status_code == 403


async def registered(world: World, token: str, **fields: Any) -> Association:
    body = {
        "legal_form": "association",
        "purpose": "Apprendre à lire à tout âge.",
        "address": {"postal_code": "69007", "city": "Lyon"},
        "causes": ["education"],
        "contact_email": "bureau@exemple.example",
    } | fields
    made = await world.ok(token, "POST", "/v1/associations", body)
    return Association(made["id"], token)


async def test_an_identifier_is_a_verified_associations_alone(world: World) -> None:
    moderator = await world.moderator()
    squatter = await registered(world, await world.person(), name="Squat", rna="W691234560")
    rightful = await registered(world, await world.person(), name="Le Fil Rouge", rna="W691234560")

    suspected = (await waiting(world, moderator))[rightful.id]["duplicates"]
    await world.ok(moderator, "POST", f"/v1/associations/{rightful.id}/verify")
    second = await world.call(moderator, "POST", f"/v1/associations/{squatter.id}/verify")
    third = await world.call(
        await world.person(),
        "POST",
        "/v1/associations",
        {
            "name": "Encore",
            "legal_form": "association",
            "purpose": "x",
            "rna": "W691234560",
            "address": {"postal_code": "69007", "city": "Lyon"},
            "causes": ["education"],
            "contact_email": "c@exemple.example",
        },
    )

    assert [(one["id"], one["reasons"][0]) for one in suspected if one["id"] == squatter.id] == [
        (squatter.id, "rna")
    ]
    for refused in (second, third):
        document = assert_problem(refused, 409, "already-registered")
        assert [error["pointer"] for error in document["errors"]] == ["/rna"]


async def test_a_name_with_a_typo_nearby_is_suspected(world: World) -> None:
    moderator = await world.moderator()
    first = await registered(
        world, await world.person(), name="Les Compagnons du Fleuve Bleu", contact_email="a@x.example"
    )
    second = await registered(
        world, await world.person(), name="Les Compagnon du fleuve bleu", contact_email="b@x.example"
    )

    shown = await world.ok(moderator, "GET", f"/v1/associations/{second.id}")
    others = await world.ok(second.owner, "GET", f"/v1/associations/{second.id}")

    assert [(one["id"], one["reasons"]) for one in shown["duplicates"]] == [(first.id, ["name"])]
    assert others["duplicates"] is None


async def test_a_name_without_its_accents_and_a_siret_of_the_siren_are_suspected(world: World) -> None:
    moderator = await world.moderator()
    fields: list[dict[str, Any]] = [
        {"name": "Été à Évêché", "contact_email": "c@x.example", "siren": "732829320"},
        {"name": "ETE A EVECHE", "contact_email": "d@x.example", "siret": "73282932000074"},
    ]
    one, other = [await registered(world, await world.person(), **each) for each in fields]

    for this, that in ((one, other), (other, one)):
        shown = await world.ok(moderator, "GET", f"/v1/associations/{this.id}")
        suspected = {each["id"]: each["reasons"] for each in shown["duplicates"]}
        assert suspected[that.id] == ["siren", "name"]


async def test_a_shared_identifier_is_shown_before_what_many_share(world: World) -> None:
    moderator, person = await world.moderator(), await world.person()
    shared = {"contact_email": "federation@x.example"}
    for number in range(11):
        await registered(world, person, name=f"Abeille {number:02d} de {'la' * number} ruche", **shared)
    one, other = [
        await registered(world, person, name=name, siren="552100554", **shared)
        for name in ("Vanille et safran", "Zinc massif")
    ]
    for this, that in ((one, other), (other, one)):
        shown = await world.ok(moderator, "GET", f"/v1/associations/{this.id}")
        assert len(shown["duplicates"]) == 10
        first = shown["duplicates"][0]
        assert (first["id"], first["reasons"]) == (that.id, ["siren", "contact_email"])


async def test_a_flag_waits_for_a_moderator_and_its_author_stays_unknown(world: World) -> None:
    association, moderator = await world.association(), await world.moderator()
    mission, author = await world.mission(association), await world.person()
    body = {"reason": "disguised_work", "text": "C’est un poste d’accueil."}
    flagged = await world.ok(author, "POST", mission_path(mission, "flags"), body)
    twice = await world.call(author, "POST", mission_path(mission, "flags"), body)

    item = (await waiting(world, moderator, "flag"))[flagged["id"]]
    resolved = await world.ok(moderator, "POST", f"/v1/flags/{flagged['id']}/resolve", {"outcome": "upheld"})
    again = await world.ok(moderator, "POST", f"/v1/flags/{flagged['id']}/resolve", {"outcome": "upheld"})
    other = await world.call(
        moderator, "POST", f"/v1/flags/{flagged['id']}/resolve", {"outcome": "dismissed"}
    )

    assert_problem(twice, 409, "already-flagged")
    assert (item["mission_id"], item["reasons"], item["text"]) == (
        mission["id"],
        ["disguised_work"],
        "C’est un poste d’accueil.",
    )
    assert "person" not in "".join(item)
    assert (resolved["outcome"], again) == ("upheld", resolved)
    assert_problem(other, 409, "wrong-state")
    assert flagged["id"] not in await waiting(world, moderator, "flag")
    path = f"/v1/flags/{flagged['id']}/resolve"
    refused = await world.call(association.owner, "POST", path, {"outcome": "upheld"})
    assert refused.status_code == 403


async def test_nobody_resolves_their_own_flag(world: World) -> None:
    mission, moderator = await world.mission(await world.association()), await world.moderator()
    flagged = await world.ok(moderator, "POST", mission_path(mission, "flags"), {"reason": "spam"})
    answer = await world.call(
        moderator, "POST", f"/v1/flags/{flagged['id']}/resolve", {"outcome": "dismissed"}
    )
    assert answer.status_code == 403


async def test_the_queue_refuses_what_it_does_not_know(world: World) -> None:
    moderator = await world.moderator()
    assert_problem(
        await world.call(moderator, "GET", "/v1/moderation/queue?kind=person"), 422, "invalid", "/kind"
    )

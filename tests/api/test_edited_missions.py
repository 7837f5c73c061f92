"""What an edit of a mission that others read already may not break: no rule by halves."""

from datetime import timedelta
from typing import Any

import pytest

from api.core import clock
from tests.api.core.asking import assert_problem
from tests.api.test_mission_lifecycle import accepted
from tests.api.test_mission_scoping import edit, mission_path
from tests.make.world import World

FIRST = clock.today("Europe/Paris") + timedelta(days=7)


def day(number: int) -> str:
    """Give a day, so many after the first."""
    return str(FIRST + timedelta(days=number))


def slot(number: int) -> dict[str, Any]:
    return {"sessions": [{"starts_at": f"{day(number)}T18:00:00Z", "ends_at": f"{day(number)}T19:00:00Z"}]}


HALVES: dict[str, tuple[dict[str, Any], dict[str, Any], str]] = {
    "format of an effort": ({}, {"format": "short"}, "/effort_minutes"),
    "format of places": ({"places": 30}, {"format": "consultation", "effort_minutes": 60}, "/places"),
    "format of days": ({}, {"format": "team_day", "effort_minutes": 200, "places": 2}, "/ends_on"),
    "effort of a format": ({}, {"effort_minutes": 30}, "/effort_minutes"),
    "first day of a length": ({"starts_on": day(10), "ends_on": day(190)}, {"starts_on": day(0)}, "/ends_on"),
    "first day of a session": (slot(1), {"starts_on": day(2)}, "/sessions/0/starts_at"),
    "last day of a session": (slot(20), {"ends_on": day(19)}, "/sessions/0/starts_at"),
    "last day to apply": ({"apply_by": day(30)}, {"ends_on": day(29)}, "/apply_by"),
    "zone of a session": (slot(53), {"time_zone": "Pacific/Auckland"}, "/sessions/0/starts_at"),
}


@pytest.mark.parametrize("name", HALVES)
@pytest.mark.parametrize("verified", [True, False])
async def test_one_half_of_a_rule_does_not_break_the_other(world: World, name: str, verified: bool) -> None:
    fields, half, pointer = HALVES[name]
    association = await world.association(verified=verified)
    mission = await world.mission(association, **{"starts_on": day(0), "ends_on": day(53)} | fields)

    answer = await edit(world, association.owner, mission, **half)

    assert mission["state"] == ("published" if verified else "submitted")
    document = assert_problem(answer, 422, "invalid", pointer)
    assert [error["pointer"] for error in document["errors"]] == [pointer]
    kept = await world.ok(association.owner, "GET", mission_path(mission))
    assert (kept["version"], {name: kept[name] for name in half}) == (
        mission["version"],
        {name: mission[name] for name in half},
    )


async def test_a_text_is_contested_on_an_edit_too(world: World) -> None:
    association, moderator = await world.association(), await world.moderator()
    mission = await world.mission(association)
    words = {"title": "Graphisme !", "summary": "Voyez tally.so/r/abc"}

    refused = await edit(world, association.owner, mission, **words)
    beyond = await edit(world, association.owner, mission, **words, effort_minutes=1, ask_review=True)
    contested = (await edit(world, association.owner, mission, **words, ask_review=True)).json()
    again = (await edit(world, association.owner, mission, places=2, ask_review=True)).json()

    assert {error["code"] for error in refused.json()["errors"]} == {"title-too-short", "link"}
    assert beyond.status_code == 422
    assert (contested["state"], contested["title"]) == ("paused", "Graphisme !")
    assert contested["review"]["reasons"] == again["review"]["reasons"] == ["link", "title-too-short"]
    queue = await world.ok(moderator, "GET", "/v1/moderation/queue?limit=100&kind=mission")
    assert [item["reasons"] for item in queue["items"] if item["id"] == mission["id"]] == [
        ["link", "title-too-short"]
    ]
    tag = f'"v{again["version"]}-0"'
    approved = await world.ok(moderator, "POST", mission_path(mission, "publish"), if_match=tag)
    assert (approved["state"], approved["review"]) == ("published", None)


async def test_where_it_takes_place_is_a_text_that_a_moderator_reads_again(world: World) -> None:
    association, moderator = await world.association(verified=False), await world.moderator()
    mission = await world.mission(association, location={"label": "Au local", "postal_code": "69007"})
    tag = f'"v{mission["version"]}-0"'
    await world.ok(moderator, "POST", mission_path(mission, "publish"), if_match=tag)

    moved = await edit(world, association.owner, mission, location={"postal_code": "69100"})
    renamed = await edit(world, association.owner, mission, location={"label": "À la mairie"})
    hidden = await edit(world, association.owner, mission, location={"label": "Au 06 12 34 56 78"})

    assert (moved.json()["location"]["label"], moved.json()["review"]) == ("Au local", None)
    assert renamed.json()["review"]["reasons"] == ["edited"]
    assert_problem(hidden, 422, "invalid", "/location/label")


async def test_a_link_to_the_associations_own_pages_is_published(world: World) -> None:
    association = await world.association(website="https://www.papyrus.example")
    mission = await world.mission(
        association, publish=False, summary="Voyez https://papyrus.example/equipe et papyrus.example."
    )
    assert mission["problems"] == []
    published = await world.ok(association.owner, "POST", mission_path(mission, "submit"))
    assert published["state"] == "published"


async def test_what_a_moderator_let_pass_does_not_keep_a_typo_from_being_mended(world: World) -> None:
    association, moderator = await world.association(), await world.moderator()
    mission = await world.mission(
        association, publish=False, title="Graphisme", summary="Voyez https://exemple.example", places=2
    )
    submitted = await world.ok(
        association.owner, "POST", mission_path(mission, "submit"), {"ask_review": True}
    )
    tag = f'"v{submitted["version"]}-0"'
    await world.ok(moderator, "POST", mission_path(mission, "publish"), if_match=tag)

    mended = await edit(world, association.owner, mission, title="Graphismes", places=3)
    moved = await edit(
        world, association.owner, mission, summary="", steps=["Lire https://exemple.example, page a"]
    )
    another = await edit(
        world,
        association.owner,
        mission,
        steps=["Lire https://exemple.example/a, puis https://autre.example"],
    )
    worse = await edit(world, association.owner, mission, description="Écrivez à papyrus@exemple.example !")

    assert (mended.status_code, mended.json()["title"]) == (200, "Graphismes")
    assert (moved.status_code, moved.json()["steps"]) == (200, ["Lire https://exemple.example, page a"])
    assert_problem(another, 422, "invalid", "/steps/0")
    document = assert_problem(worse, 422, "invalid", "/description")
    assert [error["code"] for error in document["errors"]] == ["contact-details"]


async def test_a_refused_edit_says_what_can_be_done(world: World) -> None:
    association = await world.association()
    mission = await world.mission(association, places=2)
    for _ in range(2):
        await accepted(world, association, mission)
    fewer = await edit(world, association.owner, mission, places=1)
    await world.ok(association.owner, "POST", mission_path(mission, "start"))
    running = await edit(world, association.owner, mission, effort_minutes=1200)
    await world.ok(association.owner, "POST", mission_path(mission, "complete"))
    over = await edit(world, association.owner, mission, effort_minutes=1200)

    taken = assert_problem(fewer, 409, "places-taken")
    assert (taken["taken"], taken["detail"].startswith("Places prises : 2.")) == (2, True)
    assert "`places`, `contact` et `managers`" in assert_problem(running, 409, "wrong-state")["detail"]
    assert "dupliquez-la" in assert_problem(over, 409, "wrong-state")["detail"]

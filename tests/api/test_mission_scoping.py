"""Writing a mission: drafts, what is missing, what may change once people have applied, copies."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import asyncpg
import msgspec
import pytest
from litestar import Litestar

from api.core import clock
from api.core.database import operations
from api.core.settings import Settings
from api.missions.facts import MissionChanged
from tests.api.core.asking import assert_problem
from tests.api.test_members import join
from tests.make.clone import cloned, superuser_url
from tests.make.served import served
from tests.make.world import Association, World
from tests.reactions.world import catch_up
from tests.schema.test_personal_data import database_of

DAY = timedelta(days=1)


def mission_path(mission: dict[str, Any], act: str = "") -> str:
    return f"/v1/missions/{mission['id']}{act and '/'}{act}"


async def edit(world: World, token: str, mission: dict[str, Any], **fields: Any) -> Any:
    tag = (await world.call(token, "GET", mission_path(mission))).headers["etag"]
    return await world.call(token, "PATCH", mission_path(mission), fields, if_match=tag)


async def applied_to(world: World, association: Association, **fields: Any) -> tuple[dict[str, Any], str]:
    """Give a mission, and the token of an employee who applied to it."""
    mission = await world.mission(association, **fields)
    employee = world.employee(await world.company(approval="automatic"))
    await world.application(employee, mission)
    return mission, employee


async def test_an_empty_draft_is_kept_and_says_all_that_is_missing(world: World) -> None:
    association = await world.association()
    made = await world.ok(association.owner, "POST", "/v1/missions", {"association_id": association.id})

    missing = {problem["pointer"]: problem for problem in made["problems"]}
    assert made["state"] == "draft"
    assert missing.keys() == {
        *("/title", "/format", "/effort_minutes", "/starts_on", "/description"),
    }
    assert missing["/title"]["contestable"] is True
    assert missing["/format"]["detail"] == "Choisissez un format."
    english = await world.call(association.owner, "GET", mission_path(made), accept_language="en")
    assert "Choose a format." in english.text
    assert (made["regimes"], made["languages"], made["places"]) == (
        ["working_time", "personal_time"],
        ["fr"],
        1,
    )


async def test_every_field_is_read_back_as_it_was_written(world: World) -> None:
    association, company = await world.association(), await world.company()
    day = clock.today("Europe/Paris") + 7 * DAY
    coordinator = (await join(world, association)).token
    me = (await world.ok(coordinator, "GET", "/v1/me"))["id"]
    written = {
        "prerequisites": [{"text": "Les accès", "ready": True}, {"text": "Une salle", "ready": False}],
        "steps": ["Cadrer", "Livrer"],
        "contact": {"person_id": me, "name": None, "email": None, "phone": "+33 6 12 34 56 78"},
        "managers": [me],
        "reserved_to": [company.id],
    }
    sessions = [{"starts_at": f"{day}T18:00:00+01:00", "ends_at": f"{day}T20:00:00+01:00"}]
    made = await world.mission(association, publish=False, **written, sessions=sessions)

    assert {name: made[name] for name in written} == written
    assert made["reserved"] is True
    (session,) = made["sessions"]
    assert (session["starts_at"], session["ends_at"]) == (f"{day}T17:00:00Z", f"{day}T19:00:00Z")
    edited = (await edit(world, association.owner, made, sessions=made["sessions"], steps=[])).json()
    assert (edited["sessions"], edited["steps"]) == (made["sessions"], [])


@pytest.mark.parametrize(
    ("field", "value", "pointer"),
    [
        ("managers", ["00000000-0000-7000-8000-000000000000"], "/managers/0"),
        ("reserved_to", ["00000000-0000-7000-8000-000000000000"], "/reserved_to/0"),
        ("contact", {"person_id": "00000000-0000-7000-8000-000000000000"}, "/contact/person_id"),
        ("location", {"postal_code": "99999"}, "/location/postal_code"),
        ("location", {"postal_code": "00000", "latitude": 45.7, "longitude": 4.8}, "/location/postal_code"),
    ],
)
async def test_a_mission_names_only_who_is_there(world: World, field: str, value: Any, pointer: str) -> None:
    association = await world.association()
    body = {"association_id": association.id, field: value}
    answer = await world.call(association.owner, "POST", "/v1/missions", body)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == pointer


async def test_all_that_is_not_there_is_said_at_once(world: World) -> None:
    association, nobody = await world.association(), "00000000-0000-7000-8000-000000000000"
    company = (await world.company()).id
    me = (await world.ok(association.owner, "GET", "/v1/me"))["id"]
    mission = await world.mission(association, publish=False)
    fields = {
        "skills": [{"skill": "voodoo"}, {"skill": "web-design"}, {"skill": "alchemy"}],
        "managers": [me, nobody],
        "reserved_to": [nobody, company, nobody],
    }
    expected = {
        ("/skills/0/skill", "unknown-skill"),
        ("/skills/2/skill", "unknown-skill"),
        ("/managers/1", "not-a-member"),
        ("/reserved_to/0", "unknown-company"),
        ("/reserved_to/2", "unknown-company"),
    }
    body = {"association_id": association.id, "title": "mission_point_is_whole"} | fields
    made = await world.call(association.owner, "POST", "/v1/missions", body)
    for answer in (made, await edit(world, association.owner, mission, **fields)):
        document = assert_problem(answer, 422, "invalid")
        assert {(error["pointer"], error["code"]) for error in document["errors"]} == expected


@pytest.mark.parametrize("managers", [[], ["00000000-0000-7000-8000-000000000000"]])
async def test_an_unknown_template_or_zone_hides_nothing_else(world: World, managers: list[str]) -> None:
    association = await world.association()
    body = {"template": "jardinage", "time_zone": "Europe/Lyon", "managers": managers}
    answer = await world.call(
        association.owner, "POST", "/v1/missions", body | {"association_id": association.id}
    )
    strangers = [f"/managers/{place}" for place in range(len(managers))]
    document = assert_problem(answer, 422, "invalid")
    assert [error["pointer"] for error in document["errors"]] == ["/template", "/time_zone", *strangers]
    own = await world.ok(association.owner, "GET", f"/v1/associations/{association.id}/missions")
    assert own["items"] == []


async def test_who_leaves_the_association_manages_none_of_its_missions(world: World) -> None:
    association = await world.association()
    coordinator = (await join(world, association)).token
    me = (await world.ok(coordinator, "GET", "/v1/me"))["id"]
    mission = await world.mission(association, managers=[me], contact={"person_id": me})

    gone = await world.call(coordinator, "DELETE", f"/v1/associations/{association.id}/members/{me}")

    left = await world.ok(association.owner, "GET", mission_path(mission))
    assert gone.is_success
    assert (left["managers"], left["contact"]) == ([], None)


async def test_what_is_inside_is_shown_to_the_association_alone(world: World) -> None:
    association = await world.association()
    mission = await world.mission(association, contact={"name": "Inès", "email": "ines@papyrus.example"})
    for token in (None, world.employee(await world.company()), await world.person()):
        shown = await world.ok(token, "GET", mission_path(mission))
        for name in ("problems", "contact", "managers", "reserved_to", "live_applications", "history"):
            assert shown[name] is None, name
    own = await world.ok(association.owner, "GET", mission_path(mission))
    assert [event["state"] for event in own["history"]] == ["draft", "published"]
    assert own["contact"]["email"] == "ines@papyrus.example"


async def test_a_reserved_mission_is_seen_by_its_companies_alone(world: World) -> None:
    association, chosen, other = await world.association(), await world.company(), await world.company()
    mission = await world.mission(association, reserved_to=[chosen.id])
    inside, outside = world.employee(chosen), world.employee(other)
    application = {"regime": "working_time"}

    assert (await world.call(inside, "GET", mission_path(mission))).status_code == 200
    assert (await world.call(outside, "GET", mission_path(mission))).status_code == 404
    assert (await world.call(None, "GET", mission_path(mission))).status_code == 404
    refused = await world.call(outside, "POST", mission_path(mission, "applications"), application)
    assert refused.status_code == 404
    made = await world.call(inside, "POST", mission_path(mission, "applications"), application)
    assert made.status_code == 201
    assert (await edit(world, association.owner, mission, reserved_to=[other.id])).status_code == 409
    opened = await edit(world, association.owner, mission, reserved_to=[])
    assert opened.json()["reserved"] is False
    assert (await world.call(outside, "GET", mission_path(mission))).status_code == 200


async def test_prerequisites_are_ticked_and_sessions_in_order_before_anyone_is_asked(world: World) -> None:
    association = await world.association()
    day = clock.today("Europe/Paris") + 7 * DAY
    sessions = [
        {"starts_at": f"{day}T10:00:00Z", "ends_at": f"{day}T12:00:00Z"},
        {"starts_at": f"{day}T11:00:00Z", "ends_at": f"{day}T11:00:00Z"},
        {"starts_at": f"{day - 2 * DAY}T11:00:00Z", "ends_at": f"{day - 2 * DAY}T12:00:00Z"},
    ]
    made = await world.mission(
        association,
        publish=False,
        sessions=sessions,
        prerequisites=[{"text": "Les accès"}],
        places=51,
        ends_on=str(day + 200 * DAY),
    )

    answer = await world.call(association.owner, "POST", mission_path(made, "submit"))

    assert {(error["pointer"], error["code"]) for error in answer.json()["errors"]} == {
        ("/prerequisites/0/ready", "not-ready"),
        ("/sessions/1/ends_at", "before-start"),
        ("/sessions/1/starts_at", "overlap"),
        ("/sessions/2/starts_at", "outside"),
        ("/places", "out-of-bounds"),
        ("/ends_on", "out-of-bounds"),
    }


async def test_what_people_applied_to_is_fixed_and_the_rest_may_change(world: World) -> None:
    association = await world.association()
    mission, _ = await applied_to(world, association, places=2)
    refused = await edit(
        world, association.owner, mission, format="short", regimes=["working_time"], effort_minutes=900
    )
    widened = await edit(world, association.owner, mission, places=5, title="Refondre notre site")
    moved = await edit(world, association.owner, mission, effort_minutes=1200)

    assert_problem(refused, 409, "people-applied")
    assert refused.json()["fields"] == ["format", "regimes"]
    assert refused.json()["detail"].endswith(
        "candidaté : format, regimes. Dupliquez la mission pour la proposer autrement."
    )
    assert (widened.json()["places"], moved.json()["effort_minutes"]) == (5, 1200)
    assert await facts(mission) == [["effort_minutes"]]


async def facts(mission: dict[str, Any]) -> Any:
    """Give the fields of every change that applicants are told of."""
    async with operations() as connection:
        rows = await connection.fetch("SELECT payload FROM outbox WHERE fact = 'MissionChanged' ORDER BY id")
    told = [msgspec.msgpack.decode(row["payload"], type=MissionChanged) for row in rows]
    return [fact.fields for fact in told if str(fact.mission_id) == mission["id"]]


async def test_who_withdraws_after_a_change_does_so_for_that_reason(world: World) -> None:
    association = await world.association()
    mission, employee = await applied_to(world, association)
    (application,) = (await world.ok(employee, "GET", "/v1/me/applications"))["items"]
    await edit(world, association.owner, mission, effort_minutes=1200)

    path = f"/v1/applications/{application['id']}/withdraw"
    withdrawn = await world.ok(employee, "POST", path, {"reason": "changed_mind"})

    assert (withdrawn["state"], withdrawn["reason"]) == ("withdrawn", "mission_changed")


async def test_a_copy_is_a_draft_without_days(world: World) -> None:
    association = await world.association()
    mission = await world.mission(association, steps=["Cadrer"], prerequisites=[{"text": "x", "ready": True}])
    copy = await world.ok(association.owner, "POST", mission_path(mission, "duplicate"))

    same = ("title", "description", "format", "steps", "prerequisites", "places", "effort_minutes")
    assert {name: copy[name] for name in same} == {name: mission[name] for name in same}
    assert (copy["state"], copy["starts_on"], copy["ends_on"], copy["sessions"]) == ("draft", None, None, [])
    stranger = (await world.association()).owner
    assert (await world.call(stranger, "POST", mission_path(mission, "duplicate"))).status_code == 403


async def test_a_draft_is_deleted_and_nothing_else_is(world: World) -> None:
    association = await world.association()
    draft, published = await world.mission(association, publish=False), await world.mission(association)
    stale = await world.call(association.owner, "DELETE", mission_path(draft), if_match='"v7-0"')
    deleted = await world.call(association.owner, "DELETE", mission_path(draft))
    refused = await world.call(association.owner, "DELETE", mission_path(published))

    assert (stale.status_code, deleted.status_code) == (412, 204)
    assert (await world.call(association.owner, "GET", mission_path(draft))).status_code == 404
    assert_problem(refused, 409, "wrong-state")


async def test_a_rejected_mission_is_thrown_away(world: World, settings: Settings) -> None:
    association, moderator = await world.association(verified=False), await world.moderator()
    rejected, flagged, submitted = [await world.mission(association) for _ in range(3)]
    await world.ok(moderator, "POST", mission_path(flagged, "flags"), {"reason": "spam"})
    for mission in (rejected, flagged):
        tag, reasons = f'"v{mission["version"]}-0"', {"reasons": ["Précisez le livrable."]}
        await world.ok(moderator, "POST", mission_path(mission, "reject"), reasons, if_match=tag)

    answers = [
        await world.call(association.owner, "DELETE", mission_path(mission))
        for mission in (rejected, flagged, submitted)
    ]

    assert [answer.status_code for answer in answers] == [204, 409, 409]
    assert answers[1].json()["detail"] == "La modération la conserve pour l’instant."
    assert (answers[2].json()["state"], answers[2].json()["allowed"]) == ("submitted", ["draft", "rejected"])
    assert (await world.call(association.owner, "GET", mission_path(rejected))).status_code == 404
    await catch_up(settings)
    told = (await world.ok(association.owner, "GET", "/v1/me/notifications"))["items"]
    assert [each["about"]["id"] for each in told if each["kind"] == "mission_rejected"] == [flagged["id"]]


async def test_the_work_list_shows_every_state_with_who_waits(world: World) -> None:
    association = await world.association()
    mission, _ = await applied_to(world, association)
    draft = await world.mission(association, publish=False)
    base = f"/v1/associations/{association.id}/missions"

    both = (await world.ok(association.owner, "GET", base))["items"]
    published = (await world.ok(association.owner, "GET", f"{base}?state=published"))["items"]

    assert [(item["id"], item["live_applications"]) for item in both] == [
        (draft["id"], 0),
        (mission["id"], 1),
    ]
    assert [item["id"] for item in published] == [mission["id"]]


async def test_a_draft_whose_days_are_out_of_order_is_kept_and_says_so(world: World) -> None:
    association = await world.association()
    first, last = clock.today("Europe/Paris") + 7 * DAY, clock.today("Europe/Paris") + 20 * DAY
    turned = {"starts_on": str(last), "ends_on": str(first)}
    late = {"starts_on": str(first), "ends_on": str(first), "apply_by": str(last)}
    expected = {
        "turned": {("/ends_on", "before-start")},
        "late": {("/apply_by", "after-end")},
    }
    for name, days in (("turned", turned), ("late", late)):
        made = await world.mission(association, publish=False, **days)
        edited = await edit(world, association.owner, await world.mission(association, publish=False), **days)
        for draft in (made, edited.json()):
            assert {(each["pointer"], each["code"]) for each in draft["problems"]} == expected[name]
            assert {field: draft[field] for field in days} == days
        refused = await world.call(association.owner, "POST", mission_path(made, "submit"))
        document = assert_problem(refused, 422, "invalid")
        assert {(error["pointer"], error["code"]) for error in document["errors"]} == expected[name]
        published = await edit(world, association.owner, await world.mission(association), **days)
        document = assert_problem(published, 422, "invalid")
        assert {(error["pointer"], error["code"]) for error in document["errors"]} == expected[name]


async def test_every_time_zone_is_one_that_the_database_knows(world: World) -> None:
    async with operations() as connection:
        rows = await connection.fetch("SELECT name FROM pg_timezone_names")
    assert clock.time_zones() <= {row["name"] for row in rows}


async def test_from_a_template_to_a_published_mission_in_three_calls(world: World) -> None:
    association = await world.association()
    body = {
        "association_id": association.id,
        "template": "website-redesign",
        "starts_on": str(clock.today("Europe/Paris") + 14 * DAY),
    }
    draft = await world.call(association.owner, "POST", "/v1/missions", body)
    made = draft.json()
    ticked = [item | {"ready": True} for item in made["prerequisites"]]
    await world.ok(
        association.owner,
        "PATCH",
        mission_path(made),
        {"prerequisites": ticked},
        if_match=draft.headers["etag"],
    )
    published = await world.ok(association.owner, "POST", mission_path(made, "submit"))

    assert {problem["code"] for problem in made["problems"]} == {"not-ready"}
    assert (published["state"], published["template"]) == ("published", "website-redesign")
    assert published["skills"]
    found = await world.ok(
        None, "GET", f"/v1/missions?association={association.id}&skill={published['skills'][0]['skill']}"
    )
    assert [item["id"] for item in found["items"]] == [made["id"]]


async def test_a_template_speaks_the_language_of_its_reader(world: World) -> None:
    association = await world.association()
    body = {"association_id": association.id, "template": "website-redesign", "title": "Our own title"}
    english = await world.call(association.owner, "POST", "/v1/missions", body, accept_language="en")
    unknown = await world.call(association.owner, "POST", "/v1/missions", body | {"template": "jardinage"})
    assert english.json()["title"] == "Our own title"
    assert english.json()["description"].isascii()
    assert english.json()["languages"] == ["en"]
    asked = await world.ok(
        association.owner, "POST", "/v1/missions", body | {"languages": ["de"]}, accept_language="en"
    )
    assert asked["languages"] == ["de"]
    assert (await world.ok(association.owner, "POST", "/v1/missions", body))["languages"] == ["fr"]
    assert_problem(unknown, 422, "invalid", "/template")


async def test_a_mission_asks_for_skills_of_the_list(world: World) -> None:
    association = await world.association()
    wanted = [{"skill": "web-design", "level": 3, "essential": True}]
    made = await world.mission(association, publish=False, skills=wanted)
    unknown = await edit(world, association.owner, made, skills=[{"skill": "voodoo"}])
    assert made["skills"] == wanted
    assert_problem(unknown, 422, "invalid", "/skills/0/skill")


async def test_a_copy_names_what_replaced_a_skill_deprecated_since_once(world: World) -> None:
    association = await world.association()
    async with operations() as connection:
        for skill in ("copied-old", "copied-new", "copied-gone"):
            await connection.execute(
                """INSERT INTO skill (id, family_id, label_fr, label_en)
                   SELECT $1, id, $1, $1 FROM skill_family ORDER BY id LIMIT 1""",
                skill,
            )
    wanted = [
        *({"skill": "copied-new", "level": 2, "essential": False}, {"skill": "accounting"}),
        *({"skill": "copied-old", "level": 3}, {"skill": "copied-gone"}),
    ]
    mission = await world.mission(association, publish=False, skills=wanted)
    async with operations() as connection:
        await connection.execute(
            """UPDATE skill SET deprecated_at = now(),
                   replaced_by = CASE id WHEN 'copied-old' THEN 'copied-new' END
               WHERE id IN ('copied-old', 'copied-gone')"""
        )
    copy = await world.ok(association.owner, "POST", mission_path(mission, "duplicate"))
    assert copy["skills"] == [
        {"skill": "copied-new", "level": 3, "essential": True},
        {"skill": "accounting", "level": 2, "essential": True},
    ]


async def test_half_a_point_is_refused(world: World) -> None:
    association = await world.association()
    mission = await world.mission(association, publish=False)
    for half in ("latitude", "longitude"):
        answer = await edit(world, association.owner, mission, location={half: 2.5})
        assert_problem(answer, 422, "invalid", "/location")
    edited = await edit(world, association.owner, mission, location={"latitude": 45.5, "longitude": 0.0})
    assert (edited.json()["location"]["latitude"], edited.json()["location"]["longitude"]) == (45.5, 0)


async def test_another_postcode_leaves_no_coordinates_of_the_place_before(world: World) -> None:
    association = await world.association()
    place = {"label": "Au local", "postal_code": "69007", "latitude": 45.74, "longitude": 4.84}
    mission = await world.mission(association, location=place)

    same = await edit(world, association.owner, mission, location={"postal_code": "69007", "label": None})
    moved = await edit(world, association.owner, mission, location={"postal_code": "75011"})

    assert same.json()["location"] == place | {"label": None}
    assert moved.json()["location"] == dict.fromkeys(place) | {"postal_code": "75011"}


async def test_a_value_given_twice_is_not_published(world: World) -> None:
    association = await world.association()
    mission = await world.mission(association, publish=False, causes=["education", "education"])
    assert [problem["code"] for problem in mission["problems"]] == ["repeated"]
    answer = await world.call(association.owner, "POST", mission_path(mission, "submit"))
    assert_problem(answer, 422, "invalid", "/causes/1")

    published = await world.mission(association)
    answer = await edit(world, association.owner, published, languages=["fr", "fr"])
    assert_problem(answer, 422, "invalid", "/languages/1")

    me = (await world.ok(association.owner, "GET", "/v1/me"))["id"]
    answer = await edit(world, association.owner, published, managers=[me, me])
    assert_problem(answer, 422, "invalid", "/managers/1")


async def test_two_sessions_of_one_id_are_not_published(world: World) -> None:
    association = await world.association()
    day, same = clock.today("Europe/Paris") + 7 * DAY, str(uuid4())
    sessions = [
        {"id": same, "starts_at": f"{day}T{hour}:00:00Z", "ends_at": f"{day}T{hour}:30:00Z"}
        for hour in ("10", "14")
    ]
    mission = await world.mission(association, publish=False, sessions=sessions)
    answer = await world.call(association.owner, "POST", mission_path(mission, "submit"))

    assert [problem["pointer"] for problem in mission["problems"]] == ["/sessions/1/id"]
    document = assert_problem(answer, 422, "invalid", "/sessions/1/id")
    assert document["errors"][0]["code"] == "repeated"


async def test_a_postcode_that_is_none_is_refused_and_one_of_before_stays_until_it_is_edited(
    app: Litestar, environment: dict[str, str]
) -> None:
    async with cloned(environment) as settings, served(app, settings) as client:
        world = World(client, environment)
        association = await world.association()
        mission = await world.mission(association, location={"postal_code": "69007"})
        planted = await asyncpg.connect(superuser_url(environment, database_of(settings)))
        await planted.execute(
            "SET session_replication_role = replica; UPDATE mission SET postal_code = '99999'"
        )
        await planted.close()

        renamed = await edit(world, association.owner, mission, title="Refondre un site")
        labelled = await edit(
            world, association.owner, mission, location={"postal_code": "99999", "label": "Ici"}
        )
        moved = await edit(world, association.owner, mission, location={"postal_code": "99998"})
        copy = await world.ok(association.owner, "POST", mission_path(mission, "duplicate"))

        assert (renamed.status_code, labelled.status_code) == (200, 200)
        assert_problem(moved, 422, "invalid", "/location/postal_code")
        shown = await world.ok(association.owner, "GET", mission_path(mission))
        assert (shown["location"]["postal_code"], shown["location"]["label"]) == ("99999", "Ici")
        assert (copy["location"]["postal_code"], copy["location"]["label"]) == (None, "Ici")

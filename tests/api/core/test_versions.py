"""Versions: ETag, If-Match, If-None-Match (RFC 9110, 8.8.3 and 13), and merge patches (RFC 7396)."""

import re

import pytest

from api.core.database import operations
from tests.api.core.asking import assert_problem, place
from tests.make.world import World

TAG = re.compile(r'"v(?P<version>[1-9][0-9]*)-[0-9a-f]{16}"')


async def test_a_versioned_object_names_its_version_and_the_hash_of_its_body(world: World) -> None:
    association = await world.association()
    mission = await world.mission(association, publish=False)
    path = f"/v1/missions/{mission['id']}"

    first = await world.call(association.owner, "GET", path)
    edited = await world.call(
        association.owner, "PATCH", path, {"title": "Deux affiches"}, if_match=first.headers["etag"]
    )
    second = await world.call(association.owner, "GET", path)

    tags = [TAG.fullmatch(answer.headers["etag"]) for answer in (first, edited, second)]
    assert [int(tag["version"]) for tag in tags if tag] == [1, 2, 2]
    assert [answer.json()["version"] for answer in (first, edited, second)] == [1, 2, 2]
    assert edited.headers["etag"] == second.headers["etag"] != first.headers["etag"]


async def test_what_the_reader_holds_is_not_sent_again(world: World) -> None:
    there = await place(world)
    path = f"/v1/missions/{there.mission['id']}"
    tag = (await world.call(None, "GET", path)).headers["etag"]
    for held in (tag, f"W/{tag}", "*", f'"other", {tag}', f'"other",W/{tag} , "third"'):
        for method in ("GET", "HEAD"):
            answer = await world.call(None, method, path, if_none_match=held)
            assert (answer.status_code, answer.content, answer.headers["etag"]) == (304, b"", tag), held
            assert "content-length" not in answer.headers
    for other in ('"v1-0000000000000000"', "garbage", "", tag[:-1], tag.strip('"'), f"x{tag}"):
        answer = await world.call(None, "GET", path, if_none_match=other)
        assert answer.status_code == 200, other
    page = await world.call(None, "GET", "/v1/missions")
    again = await world.call(None, "GET", "/v1/missions", if_none_match=page.headers["etag"])
    assert (again.status_code, again.content) == (304, b"")


async def test_the_tag_differs_where_the_body_does(world: World) -> None:
    there = await place(world)
    path = f"/v1/missions/{there.mission['id']}"
    public = await world.call(None, "GET", path)
    own = await world.call(there.association.owner, "GET", path)
    assert public.json()["version"] == own.json()["version"]
    assert public.headers["etag"] != own.headers["etag"]
    assert "Authorization" in public.headers["vary"]


async def test_an_edit_must_name_the_present_version(world: World) -> None:
    association = await world.association()
    mission = await world.mission(association, publish=False)
    path, body = f"/v1/missions/{mission['id']}", {"title": "Deux affiches"}
    tag = (await world.call(association.owner, "GET", path)).headers["etag"]

    for header in (None, "*", " * "):
        headers = {} if header is None else {"if_match": header}
        answer = await world.call(association.owner, "PATCH", path, body, **headers)
        assert_problem(answer, 428, "version-required")
    for header in (
        "",
        "garbage",
        "1",
        "v1",
        '"v2"',
        '"v2-0000000000000000"',
        f"W/{tag}",
        tag.strip('"'),
        tag.replace("v1", "v01"),
        tag.replace("v1", "v0"),
        tag.replace("v1", "v-1"),
        tag.replace("v1", "v" + "9" * 30),
        tag.replace("v1", "v１"),
        f"{tag}{tag}",
        f'{tag}, "v2"',
        f'"other", W/{tag}',
        "x" * 10_000,
    ):
        answer = await world.client.patch(
            path,
            json=body,
            headers=[
                (b"Authorization", f"Bearer {association.owner}".encode()),
                (b"If-Match", header.encode()),
            ],
        )
        assert_problem(answer, 412, "version-changed")
    async with operations() as connection:
        row = await connection.fetchrow("SELECT title, version FROM mission WHERE id = $1", mission["id"])
    assert tuple(row) == (mission["title"], 1)

    assert (await world.call(association.owner, "PATCH", path, body, if_match=tag)).status_code == 200
    late = await world.call(association.owner, "PATCH", path, body, if_match=tag)
    assert_problem(late, 412, "version-changed")


async def test_only_the_version_of_if_match_counts(world: World) -> None:
    """The body depends on its reader: its hash is for If-None-Match alone."""
    there = await place(world)
    path = f"/v1/missions/{there.mission['id']}"
    anonymous = (await world.call(None, "GET", path)).headers["etag"]
    answer = await world.call(
        there.association.owner, "PATCH", path, {"title": "Deux affiches"}, if_match=anonymous
    )
    assert answer.status_code == 200, answer.text


@pytest.mark.parametrize(
    "held", ['"v1"', '"v1-0000000000000000"', '"other", "v1"', 'W/"v1-00" ,"v1-00"', '"a,b","v1","x"']
)
async def test_a_version_is_named_by_itself_or_in_a_list(world: World, held: str) -> None:
    association = await world.association()
    mission = await world.mission(association, publish=False)
    path = f"/v1/missions/{mission['id']}"
    answer = await world.call(association.owner, "PATCH", path, {"title": "Deux affiches"}, if_match=held)
    assert (answer.status_code, answer.json()["version"]) == (200, 2), answer.text
    late = await world.call(association.owner, "PATCH", path, {"title": "Trois"}, if_match=held)
    assert_problem(late, 412, "version-changed")
    newest = await world.call(
        association.owner, "PATCH", path, {"title": "Trois affiches"}, if_match=f'{held}, "v2"'
    )
    assert newest.status_code == 200


async def test_an_act_takes_a_version_and_a_decision_needs_one(world: World) -> None:
    association = await world.association(verified=False)
    mission = await world.mission(association)
    moderator = await world.moderator()
    path = f"/v1/missions/{mission['id']}"
    read = (await world.call(moderator, "GET", path)).headers["etag"]
    edit = await world.call(
        association.owner,
        "PATCH",
        path,
        {"title": "Deux affiches"},
        if_match=(await world.call(association.owner, "GET", path)).headers["etag"],
    )
    assert edit.json()["state"] == "draft"
    await world.ok(association.owner, "POST", f"{path}/submit")

    for stale in (read, "garbage", f"W/{read}"):
        answer = await world.call(moderator, "POST", f"{path}/publish", if_match=stale)
        assert_problem(answer, 412, "version-changed")
    present = (await world.call(moderator, "GET", path)).headers["etag"]
    published = await world.ok(moderator, "POST", f"{path}/publish", if_match=present)
    assert published["state"] == "published"
    unread = await world.call(moderator, "POST", f"{path}/publish", if_match="*")
    assert_problem(unread, 428, "version-required")


async def test_null_clears_and_an_array_replaces(world: World) -> None:
    association = await world.association()
    mission = await world.mission(
        association,
        publish=False,
        causes=["education", "emploi"],
        location={"label": "Mairie", "postal_code": "69007", "latitude": 45.7, "longitude": 4.8},
    )
    path = f"/v1/missions/{mission['id']}"
    tag = (await world.call(association.owner, "GET", path)).headers["etag"]

    patch = {"causes": ["sport"], "ends_on": None, "location": None}
    edited = await world.call(association.owner, "PATCH", path, patch, if_match=tag)

    assert edited.status_code == 200, edited.text
    changed = {"causes": ["sport"], "ends_on": None, "location": None, "version": 2}
    assert edited.json() == mission | changed | {"problems": edited.json()["problems"]}
    async with operations() as connection:
        row = await connection.fetchrow(
            "SELECT causes, ends_on, location_label, latitude, starts_on FROM mission WHERE id = $1",
            mission["id"],
        )
    assert tuple(row)[:4] == (["sport"], None, None, None)
    assert row["starts_on"].isoformat() == mission["starts_on"]
    for field in ("title", "causes", "places", "time_zone"):
        answer = await world.call(
            association.owner, "PATCH", path, {field: None}, if_match=edited.headers["etag"]
        )
        assert_problem(answer, 422, "invalid", f"/{field}")


async def test_an_object_of_a_mission_merges(world: World) -> None:
    association = await world.association()
    me = (await world.ok(association.owner, "GET", "/v1/me"))["id"]
    mission = await world.mission(
        association,
        publish=False,
        location={"label": "Mairie", "postal_code": "69007"},
        contact={"name": "Inès", "email": "ines@papyrus.example"},
    )
    nobody = {"person_id": None, "name": None, "email": None, "phone": None}
    point = {"latitude": None, "longitude": None}
    for patch, after in (
        ({"location": {"label": "École"}}, {"label": "École", "postal_code": "69007"} | point),
        ({"location": {"postal_code": None}}, {"label": "École", "postal_code": None} | point),
        ({"location": {"label": None}}, None),
        ({"location": {"postal_code": "69001"}}, {"label": None, "postal_code": "69001"} | point),
        ({"location": {}}, {"label": None, "postal_code": "69001"} | point),
        ({"contact": {"email": None}}, nobody | {"name": "Inès"}),
        (
            {"contact": {"phone": "+33 6 12 34 56 78"}},
            nobody | {"name": "Inès", "phone": "+33 6 12 34 56 78"},
        ),
        ({"contact": {"person_id": me}}, nobody | {"person_id": me}),
        ({"contact": {"phone": "04 00 00 00 00"}}, nobody | {"person_id": me, "phone": "04 00 00 00 00"}),
        ({"contact": {"person_id": me}}, nobody | {"person_id": me, "phone": "04 00 00 00 00"}),
        ({"contact": {"name": "Zoé"}}, nobody | {"name": "Zoé"}),
        ({"contact": {"name": None}}, None),
        ({"contact": {}}, None),
    ):
        path, (name,) = f"/v1/missions/{mission['id']}", patch
        tag = (await world.call(association.owner, "GET", path)).headers["etag"]
        answer = await world.call(association.owner, "PATCH", path, patch, if_match=tag)
        assert (answer.status_code, answer.json()[name]) == (200, after), patch
    empty = await world.mission(association, publish=False, contact={"name": None}, location={})
    assert (empty["contact"], empty["location"]) == (None, None)


async def test_the_address_of_an_association_merges(world: World) -> None:
    address = {"street": "1 rue du Port", "postal_code": "69002", "city": "Lyon"}
    association = await world.association(address=address)
    path = f"/v1/associations/{association.id}"
    tag = (await world.call(association.owner, "GET", path)).headers["etag"]
    patch = {"address": {"street": None, "city": "Bron"}}
    edited = await world.ok(association.owner, "PATCH", path, patch, if_match=tag)
    assert edited["address"] == {
        "street": None,
        "postal_code": "69002",
        "city": "Bron",
        "latitude": None,
        "longitude": None,
    }
    cleared = await world.call(association.owner, "PATCH", path, {"address": {"city": None}}, if_match=tag)
    assert_problem(cleared, 422, "invalid", "/address/city")


async def test_an_empty_patch_changes_nothing(world: World) -> None:
    association = await world.association()
    mission = await world.mission(association, publish=False)
    path = f"/v1/missions/{mission['id']}"
    tag = (await world.call(association.owner, "GET", path)).headers["etag"]
    answer = await world.call(association.owner, "PATCH", path, {}, if_match=tag)
    assert (answer.status_code, answer.headers["etag"]) == (200, tag)

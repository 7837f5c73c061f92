"""Hostile bodies: whatever is sent, the answer is a problem document and nothing is stored."""

import gzip
import json
from collections.abc import AsyncIterator

import httpx
import pytest

from api.core import clock
from tests.api.core.asking import JSON, Target, assert_problem, fault_of, place, send_raw, stored, targets
from tests.make.world import World

DEEP = 100_000
FORM = "application/x-www-form-urlencoded"
MULTIPART = "multipart/form-data; boundary=x"

UNREADABLE = {
    "words": b"bonjour",
    "empty": b"",
    "white": b" \n\t ",
    "null": b"null",
    "true": b"true",
    "number": b"7",
    "text": b'"bonjour"',
    "list": b"[]",
    "list of objects": b"[{}]",
    "open object": b'{"title": "a',
    "open brace": b"{",
    "two documents": b"{}{}",
    "trailing comma": b'{"title": "a",}',
    "single quotes": b"{'title': 'a'}",
    "comment": b'{/* */"title": "a"}',
    "raw NUL": b'{"title": "a\x00b"}',
    "raw escape": b'{"title": "a\x1bb"}',
    "raw line": b'{"title": "a\nb"}',
    "bad UTF-8": b'{"title": "\xff\xfe"}',
    "overlong UTF-8": b'{"title": "\xc0\xaf"}',
    "surrogates in UTF-8": b'{"title": "\xed\xa0\x80"}',
    "UTF-16": '{"title": "a"}'.encode("utf-16"),
    "UTF-32": '{"title": "a"}'.encode("utf-32"),
    "byte order mark": b'\xef\xbb\xbf{"title": "a"}',
    "NaN": b'{"title": NaN}',
    "Infinity": b'{"places": -Infinity}',
    "lists, deep": b"[" * DEEP,
    "closed lists, deep": b'{"title": ' + b"[" * DEEP + b"]" * DEEP + b"}",
    "objects, deep": b'{"title":' * DEEP,
    "unknown and deep": b'{"nobody": ' + b"[" * DEEP + b"]" * DEEP + b"}",
    "long number": b'{"places": ' + b"9" * 10_000 + b"}",
    "long fraction": b'{"places": 1.' + b"9" * 10_000 + b"}",
    "gzip": gzip.compress(b'{"title": "a"}'),
    "binary": bytes(range(256)),
}


async def ask(world: World, target: Target, content: bytes, **headers: str) -> httpx.Response:
    """Ask an operation with raw bytes, as JSON unless told otherwise."""
    named = {name.replace("_", "-").title(): value for name, value in headers.items()}
    return await world.client.request(
        target.method, target.path, content=content, headers=target.headers | JSON | named
    )


def with_field(target: Target, name: str, raw: str) -> bytes:
    """Write the target's good body with one field replaced by raw JSON."""
    given = {key: json.dumps(value) for key, value in target.body.items()} | {name: raw}
    return ("{" + ", ".join(f"{json.dumps(key)}: {text}" for key, text in given.items()) + "}").encode()


async def test_what_is_not_a_json_object_is_refused_and_stores_nothing(world: World) -> None:
    asked = await targets(world)
    before = await stored()

    faults = {
        (target.name, name): fault
        for target in asked
        for name, content in UNREADABLE.items()
        if (fault := fault_of(await ask(world, target, content), 400, 422))
    }

    assert faults == {}
    assert await stored() == before


async def test_the_good_bodies_are_good(world: World) -> None:
    for target in await targets(world):
        answer = await ask(world, target, json.dumps(target.body).encode())
        assert answer.is_success, (target.name, answer.text)


async def test_an_unknown_field_and_a_field_given_twice_are_refused_everywhere(world: World) -> None:
    asked = await targets(world)
    before = await stored()
    for target in asked:
        unknown = await ask(world, target, with_field(target, "state/~x", '"verified"'))
        assert_problem(unknown, 422, "invalid", "/state~1~0x")
        first = next(iter(target.body))
        good = json.dumps(target.body)[1:]
        twice = f"{{{json.dumps(first)}: {json.dumps(target.body[first])}, {good}"
        assert_problem(await ask(world, target, twice.encode()), 400, "malformed")
    nested = asked[0].body | {"address": {"postal_code": "69007", "city": "Lyon", "country": "FR"}}
    answer = await ask(world, asked[0], json.dumps(nested).encode())
    assert_problem(answer, 422, "invalid", "/address/country")
    doubled = with_field(asked[0], "address", '{"city": "Lyon", "city": "Nice", "postal_code": "69007"}')
    assert_problem(await ask(world, asked[0], doubled), 400, "malformed")
    assert await stored() == before


async def test_where_json_ends_is_said_in_both_languages(world: World) -> None:
    target = (await targets(world))[0]
    for language, body, detail in (
        ("fr", b'{"name": x}', "JSON illisible à l’octet 9."),
        ("fr", b'{"name":', "JSON illisible."),
        ("fr", with_field(target, "name", '"A", "name": "B"'), "Un champ est donné deux fois."),
        ("en", b'{"name": x}', "Not JSON we can read: JSON is malformed: invalid character (byte 9)"),
    ):
        answer = await ask(world, target, body, accept_language=language)
        assert assert_problem(answer, 400, "malformed")["detail"] == detail


@pytest.mark.parametrize(
    "kind", ["text/plain", FORM, MULTIPART, "application/xml", "application/msgpack", ""]
)
async def test_only_json_is_taken(world: World, kind: str) -> None:
    asked = await targets(world)
    before = await stored()
    for target in asked:
        headers = {name: value for name, value in target.headers.items() if name != "Content-Type"}
        if kind:
            headers["Content-Type"] = kind
        content = json.dumps(target.body).encode()
        answer = await world.client.request(target.method, target.path, content=content, headers=headers)
        assert_problem(answer, 415, "unsupported-media")
    assert await stored() == before


async def test_json_of_another_charset_or_encoding_is_not_taken(world: World) -> None:
    target = (await targets(world))[0]
    before = await stored()
    good = json.dumps(target.body)
    for content_type in ("application/json; charset=utf-16", "application/json;charset=latin-1"):
        for content in (good.encode(), good.encode("utf-16")):
            answer = await ask(world, target, content, content_type=content_type)
            assert_problem(answer, 415, "unsupported-media")
    for encoding in ("gzip", "br", "deflate", "x, gzip"):
        answer = await ask(world, target, gzip.compress(good.encode()), content_encoding=encoding)
        assert_problem(answer, 415, "unsupported-media")
    assert await stored() == before
    for content_type in (
        "application/json; charset=UTF-8",
        'application/json; charset="utf-8"',
        "Application/JSON",
    ):
        answer = await ask(
            world, target, good.encode(), content_type=content_type, content_encoding="identity"
        )
        assert answer.status_code == 201, answer.text


async def test_a_large_body_is_refused_announced_or_not(world: World) -> None:
    asked = await targets(world)
    before = await stored()
    large = b'{"title": "' + b"x" * 2_000_000 + b'"}'

    async def in_pieces() -> AsyncIterator[bytes]:
        for _ in range(20):
            yield b" " * 100_000

    for target in asked:
        assert_problem(await ask(world, target, large), 413, "too-large")
        assert_problem(await ask(world, target, large, idempotency_key="large-one"), 413, "too-large")
        answer = await world.client.request(
            target.method, target.path, content=in_pieces(), headers=target.headers | JSON
        )
        assert_problem(answer, 413, "too-large")
    assert await stored() == before


MISSION_FAULTS = [
    ("association_id", "null", "/association_id"),
    ("association_id", '"nobody"', "/association_id"),
    ("association_id", "7", "/association_id"),
    ("title", "null", "/title"),
    ("title", "7", "/title"),
    ("title", '["a"]', "/title"),
    ("title", json.dumps("x" * 151), "/title"),
    ("title", '"a\\u0000b"', "/title"),
    ("title", '"a\\u001bb"', "/title"),
    ("title", '"a\\u007fb"', "/title"),
    ("title", '"two\\nlines"', "/title"),
    ("title", '"one line\\n"', "/title"),
    ("description", json.dumps("x" * 5001), "/description"),
    ("description", '"a\\u0000b"', "/description"),
    ("description", '"a\\u0008b"', "/description"),
    ("places", '"1"', "/places"),
    ("places", "1.5", "/places"),
    ("places", "true", "/places"),
    ("places", "null", "/places"),
    ("places", "0", "/places"),
    ("places", "-1", "/places"),
    ("places", "501", "/places"),
    ("places", "2147483648", "/places"),
    ("places", "9223372036854775807", "/places"),
    ("places", "9223372036854775808", "/places"),
    ("places", "18446744073709551616", "/places"),
    ("places", "-9223372036854775809", "/places"),
    ("effort_minutes", "2147483648", "/effort_minutes"),
    ("format", '"party"', "/format"),
    ("format", '""', "/format"),
    ("causes", '"education"', "/causes"),
    ("causes", '["education", 3]', "/causes/1"),
    ("causes", '["education", "magic"]', "/causes/1"),
    ("causes", json.dumps(["education"] * 21), "/causes"),
    ("languages", '["fr", "FR"]', "/languages/1"),
    ("languages", '["fr\\n"]', "/languages/0"),
    ("location", '{"latitude": 91}', "/location/latitude"),
    ("location", '{"latitude": -90.01}', "/location/latitude"),
    ("location", '{"longitude": "4.8"}', "/location/longitude"),
    ("location", '{"postal_code": "6900"}', "/location/postal_code"),
    ("location", '{"label": ""}', "/location/label"),
    ("location", "[]", "/location"),
    ("starts_on", '"2026-02-30"', "/starts_on"),
    ("starts_on", '"2026-13-01"', "/starts_on"),
    ("starts_on", '"0000-01-01"', "/starts_on"),
    ("starts_on", '"10000-01-01"', "/starts_on"),
    ("starts_on", '"01/02/2026"', "/starts_on"),
    ("starts_on", '"2026-02-01T00:00:00Z"', "/starts_on"),
    ("starts_on", "1767225600", "/starts_on"),
    ("time_zone", '"Europe/Lyon"', "/time_zone"),
    ("time_zone", '"../../etc/passwd"', "/time_zone"),
    ("time_zone", '"/etc/passwd"', "/time_zone"),
    ("time_zone", '"localtime"', "/time_zone"),
    ("time_zone", '"Factory"', "/time_zone"),
]


async def test_every_wrong_value_is_pointed_at(world: World) -> None:
    target = (await targets(world))[1]
    before = await stored()
    faults = {}
    for name, raw, pointer in MISSION_FAULTS:
        answer = await ask(world, target, with_field(target, name, raw))
        fault = fault_of(answer, 422)
        if fault is None and [error["pointer"] for error in answer.json()["errors"]] != [pointer]:
            fault = answer.text
        if fault:
            faults[name, raw[:60]] = fault
    assert faults == {}
    assert await stored() == before


async def test_numbers_are_not_coerced(world: World) -> None:
    target = (await targets(world))[1]
    before = await stored()
    for raw in ("1.0", "1e0", "1e400", "-1e400", '"\\ud800"', '"\\udfff\\ud800"'):
        for name in ("places", "title"):
            answer = await ask(world, target, with_field(target, name, raw))
            assert fault_of(answer, 400, 422) is None, (raw, name, answer.text)
    assert await stored() == before


async def test_what_nobody_types_and_nobody_sees_is_refused_wherever_a_text_is(world: World) -> None:
    asked = {target.name: target for target in await targets(world)}
    moderator = {"Authorization": f"Bearer {await world.moderator()}"}
    association = await world.association(verified=False)
    refuse = Target(
        "refuseAssociation",
        "POST",
        f"/v1/associations/{association.id}/refuse",
        moderator,
        {"reasons": ["Précisez l’objet."]},
    )
    before = await stored()
    unseen = ("\\u0085", "\\u009b2J", "\\u2028", "\\u2029", "\\u202e", "\\u2066")
    for bad in ("\\ud800", "\\udc00", "\\u0000", "\\u0001", "\\u001b[2J", *unseen):
        for target, name, raw, pointer in (
            (refuse, "reasons", f'["Bon.", "a{bad}b"]', "/reasons/1"),
            (asked["registerAssociation"], "purpose", f'"a{bad}b"', "/purpose"),
            (asked["registerAssociation"], "contact_email", f'"a{bad}b@exemple.example"', "/contact_email"),
            (asked["registerAssociation"], "website", f'"https://a{bad}b.example"', "/website"),
            (asked["applyToMission"], "message", f'"a{bad}b"', "/message"),
            (asked["updateMe"], "given_name", f'"a{bad}b"', "/given_name"),
        ):
            answer = await ask(world, target, with_field(target, name, raw))
            assert fault_of(answer, 400, 422) is None, (target.name, name, bad, answer.text)
            if answer.status_code == 422:
                assert [error["pointer"] for error in answer.json()["errors"]] == [pointer], answer.text
    assert await stored() == before


async def test_days_and_instants_out_of_every_calendar_are_refused_wherever_they_stand(world: World) -> None:
    there = await place(world)
    owner, mission = there.association.owner, f"/v1/missions/{there.mission['id']}"
    version = (await world.call(owner, "GET", mission)).headers["etag"]
    before = await stored()
    for instant in ("9999-12-31T23:30:00-05:00", "9999-12-31T23:00:00-12:00", "0001-01-01T00:00:00+14:00"):
        sessions = [{"starts_at": instant, "ends_at": instant}]
        created = await world.call(
            owner, "POST", "/v1/missions", {"association_id": there.association.id, "sessions": sessions}
        )
        edited = await world.call(owner, "PATCH", mission, {"sessions": sessions}, if_match=version)
        for answer in (created, edited):
            document = assert_problem(answer, 422, "invalid")
            assert [(error["pointer"], error["code"]) for error in document["errors"]] == [
                ("/sessions/0/starts_at", "out-of-bounds"),
                ("/sessions/0/ends_at", "out-of-bounds"),
            ]
    for day in ("0001-01-01", "1999-12-31", "2101-01-01", "9999-12-31"):
        answer = await world.call(owner, "PATCH", mission, {"apply_by": day}, if_match=version)
        assert_problem(answer, 422, "invalid", "/apply_by")
        policy = f"/v1/companies/{there.company.id}/policy"
        answer = await world.call(there.company.admin, "PUT", policy, {"effective_from": day})
        assert_problem(answer, 422, "invalid", "/effective_from")
    assert await stored() == before


async def test_hours_of_impossible_days_are_refused(world: World) -> None:
    association, company = await world.association(), await world.company()
    employee, application = await world.engagement(association, company)
    path = f"/v1/applications/{application['id']}/hours"
    before = await stored()
    for day in ("9999-12-31", "2026-02-30", "2026-02-01T10:00:00", ""):
        answer = await world.call(employee, "POST", path, {"worked_on": day, "minutes": 60})
        assert_problem(answer, 422, "invalid", "/worked_on")
    for minutes in (0, -1, 1441, 2**31, 2**63, 2**64, 60.5, "60", True, None):
        answer = await world.call(
            employee, "POST", path, {"worked_on": clock.today("Europe/Paris").isoformat(), "minutes": minutes}
        )
        assert_problem(answer, 422, "invalid", "/minutes")
    assert await stored() == before


async def test_a_missing_field_is_named(world: World) -> None:
    asked = (await targets(world))[0]
    for name in asked.body:
        body = {key: value for key, value in asked.body.items() if key != name}
        answer = await ask(world, asked, json.dumps(body).encode())
        document = assert_problem(answer, 422, "invalid", f"/{name}")
        assert document["errors"][0]["code"] == "required"


async def test_an_empty_body_is_said_to_be_missing(world: World) -> None:
    for target in await targets(world):
        for headers in (target.headers, target.headers | JSON):
            answer = await world.client.request(target.method, target.path, headers=headers)
            document = assert_problem(answer, 400, "malformed")
            assert "body" in document["detail"]


async def test_an_act_without_a_body_ignores_an_empty_one_alone(world: World) -> None:
    association = await world.association()
    mission = await world.mission(association, publish=False)
    headers = {"Authorization": f"Bearer {association.owner}"}
    path = f"/v1/missions/{mission['id']}/submit"
    form = await world.client.post(path, content=b"a=b", headers=headers | {"Content-Type": FORM})
    assert_problem(form, 415, "unsupported-media")
    assert (await world.client.post(path, headers=headers)).status_code == 200


async def test_a_client_that_leaves_in_the_middle_of_its_body_changes_nothing(world: World) -> None:
    association, company = await world.association(), await world.company()
    employee, application = await world.engagement(association, company)
    entry = await world.ok(
        employee,
        "POST",
        f"/v1/applications/{application['id']}/hours",
        {"worked_on": clock.today("Europe/Paris").isoformat(), "minutes": 90},
    )
    before = await stored()
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", b"40"),
        (b"authorization", f"Bearer {association.owner}".encode()),
    ]
    for more in ([], [(b"idempotency-key", b"cut-in-the-middle")]):
        told = await send_raw(world, "POST", f"/v1/hours/{entry['id']}/confirm", *headers, *more, leaves=True)
        assert told["status"] == 400
    assert await stored() == before
    assert (await world.ok(employee, "GET", f"/v1/hours/{entry['id']}"))["state"] == "declared"

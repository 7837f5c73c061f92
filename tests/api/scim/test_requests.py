"""What a directory may send: whose token it is, bad input told in SCIM's own form, the database away, a commit lost."""

import asyncio
import re
from datetime import timedelta
from typing import Any

import httpx
import msgspec
import pytest
from litestar import Litestar

from api.app import create_litestar
from api.core import clock
from api.core.database import close_pools, open_pools
from api.core.settings import Settings
from tests.api.core.test_outages import closed_port
from tests.make.clone import cloned
from tests.make.directory import CORE, ENTERPRISE, MESSAGES, Directory, directory_of
from tests.make.served import served
from tests.make.world import World

USER = CORE + "User"


def told(answer: httpx.Response, status: int) -> dict[str, Any]:
    """Give the error document of an answer, once it is one (RFC 7644 §3.12)."""
    document: dict[str, Any] = answer.json()
    assert (answer.status_code, document["status"]) == (status, str(status)), answer.text
    assert document["schemas"] == [MESSAGES + "Error"]
    assert answer.headers["content-type"] == "application/scim+json"
    return document


async def test_only_a_living_token_of_a_directory_opens(world: World) -> None:
    company = await world.company()
    directory = await directory_of(world, company)
    key = {"name": "x", "scopes": ["employees:read"]}
    api_key = (await world.ok(company.admin, "POST", f"/v1/organisations/{company.id}/api-keys", key))["key"]
    bad = "mlc_" + "a" * 38
    for token in ("", "mlc_", bad, directory.token[:-1], directory.token + "x", api_key, company.admin, "é"):
        headers = {b"Authorization": f"Bearer {token}".encode()}
        for method, path in (("GET", "Users"), ("POST", "Bulk"), ("GET", "Schemas"), ("GET", "")):
            answer = await world.client.request(method, f"/scim/v2/{path}", headers=headers)
            told(answer, 401)
            assert answer.headers["www-authenticate"].startswith("Bearer")
    basic = await world.client.get("/scim/v2/Users", headers={"Authorization": f"Basic {directory.token}"})
    told(basic, 401)
    told(await world.client.get("/scim/v2/Users"), 401)
    with clock.at(clock.now() + timedelta(days=366)):
        told(await directory.call("GET", "/Users"), 401)
    for path in ("/v1/me", "/v1/missions", f"/v1/companies/{company.id}/employees"):
        assert (await world.call(directory.token, "GET", path)).status_code == 401


async def test_guessing_tokens_is_bounded_by_network(settings: Settings, environment: dict[str, str]) -> None:
    narrow = msgspec.structs.replace(
        settings, network_limit="5/minute", redis_url=f"redis://127.0.0.1:{closed_port()}/0"
    )
    async with served(create_litestar(narrow), narrow) as client:
        directory = Directory(client, "mlc_" + "a" * 38)
        answers = [await directory.call("GET", "/Users") for _ in range(7)]

    assert [answer.status_code for answer in answers] == [401] * 5 + [429] * 2
    assert int(answers[-1].headers["retry-after"]) > 0


async def test_the_configuration_is_told_to_anyone(world: World) -> None:
    answer = await world.client.get("/scim/v2/ServiceProviderConfig")
    assert answer.status_code == 200
    assert answer.json()["bulk"]["maxOperations"] == 100


NESTED = b'{"schemas":' + b"[" * 100_000 + b"]" * 100_000 + b"}"


@pytest.mark.parametrize(
    "body",
    [
        b"", b"{", b"[]", b"null", b'"x"', b"1", b"\xff\xfe", b"\x00", NESTED,
        b'{"schemas": 1}', b'{"schemas": ["urn:y"]}', b'{"schemas": ["urn:x"], "userName": "a"}',
        b'{"schemas": ["%s"]}' % USER.encode(),
        b'{"schemas": ["%s"], "userName": ""}' % USER.encode(),
        b'{"schemas": ["%s"], "userName": "  "}' % USER.encode(),
        b'{"schemas": ["%s"], "userName": "a\\u0000b"}' % USER.encode(),
        b'{"schemas": ["%s"], "userName": "a\\ud800b"}' % USER.encode(),
        b'{"schemas": ["%s"], "userName": "a", "userName": "b"}' % USER.encode(),
        b'{"schemas": ["%s"], "userName": ["a"]}' % USER.encode(),
        b'{"schemas": ["%s"], "userName": {"a": 1}}' % USER.encode(),
        b'{"schemas": ["%s"], "userName": "%s"}' % (USER.encode(), b"a" * 300),
        b'{"schemas": ["%s"], "userName": "a", "active": "peut-\xc3\xaatre"}' % USER.encode(),
        b'{"schemas": ["%s"], "userName": "a", "active": NaN}' % USER.encode(),
        b'{"schemas": ["%s"], "userName": "a", "emails": "a@b.example"}' % USER.encode(),
        b'{"schemas": ["%s"], "userName": "a", "emails": [{"value": "pas une adresse"}]}' % USER.encode(),
        b'{"schemas": ["%s"], "userName": "a", "emails": [{"value": "%s@b.example"}]}' % (USER.encode(), b"a" * 300),
        b'{"schemas": ["%s"], "userName": "a", "name": []}' % USER.encode(),
        b'{"schemas": ["%s"], "userName": "a", "%s": 1}' % (USER.encode(), ENTERPRISE.encode()),
    ],
    ids=range(28),
)  # fmt: skip
async def test_a_body_that_is_no_user_is_told_so(world: World, body: bytes) -> None:
    directory = await directory_of(world, await world.company())

    answer = await directory.call("POST", "/Users", body)

    assert told(answer, 400)["scimType"] in ("invalidSyntax", "invalidValue")
    assert (await directory.ok("GET", "/Users"))["totalResults"] == 1


async def test_a_body_is_json_and_bounded(world: World) -> None:
    directory = await directory_of(world, await world.company())
    user = b'{"schemas": ["%s"], "userName": "a"}' % USER.encode()

    for media in ("text/plain", "application/x-www-form-urlencoded", "application/xml"):
        told(await directory.call("POST", "/Users", user, content_type=media), 415)
    told(await directory.call("POST", "/Users", b" " * 1_000_001), 413)
    told(await directory.call("POST", "/Bulk", b" " * 1_000_001), 413)
    assert (await directory.call("POST", "/Users", user, content_type="application/json")).status_code == 201


@pytest.mark.parametrize(
    "query",
    [
        "filter=", "filter=userName", 'filter=userName eq "a', "filter=userName xx 1", 'filter=nothing eq "a"',
        'filter=userName eq "\\u0000"', 'filter=userName eq "%00"', "filter=active gt true", "filter=active eq [1]",
        'filter=password eq "x"', f"filter={'(' * 40}userName pr{')' * 40} and", f"filter={'a' * 3000}",
        'filter=schemas eq "x"', 'filter=userName eq "\\ud800"', "sortBy=nothing", "sortBy=name", "sortOrder=up",
        "count=x", "startIndex=x", "cursor=x", 'filter=id sw "0"', "filter=%FF%FE",
        "filter=" + "not (" * 35 + "userName pr" + ")" * 35, "&".join(f"a{n}=1" for n in range(30)),
    ],
    ids=range(24),
)  # fmt: skip
async def test_a_question_that_makes_no_sense_is_told_so(world: World, query: str) -> None:
    directory = await directory_of(world, await world.company())

    answer = await directory.call("GET", f"/Users?{query}")

    assert answer.status_code in (400, 501) or "\\u" in query or "%" in query, answer.text
    if answer.status_code != 200:
        told(answer, answer.status_code)
    assert answer.status_code < 500 or answer.status_code == 501


@pytest.mark.parametrize(
    "operation",
    [
        {}, {"op": "explode"}, {"op": "replace", "path": "userName"}, {"op": "remove"}, {"op": 1, "value": {}},
        {"op": "replace", "path": "userName", "value": None}, {"op": "remove", "path": "userName"},
        {"op": "replace", "path": "userName", "value": {"a": 1}}, {"op": "replace", "path": "id", "value": "x"},
        {"op": "replace", "path": "meta.version", "value": "x"}, {"op": "replace", "path": "active", "value": "oui"},
        {"op": "replace", "path": "[", "value": "x"}, {"op": "replace", "path": 'emails[type eq', "value": "x"},
        {"op": "replace", "path": "emails", "value": "x"}, {"op": "replace", "path": "a" * 5000, "value": "x"},
        {"op": "replace", "value": "x"}, {"op": "add", "path": "userName.x", "value": "x"},
    ],
    ids=range(17),
)  # fmt: skip
async def test_a_patch_that_makes_no_sense_changes_nothing(world: World, operation: dict[str, Any]) -> None:
    directory = await directory_of(world, await world.company())
    made = await directory.user("ada")

    answer = await directory.patch(
        f"/Users/{made['id']}", {"op": "replace", "value": {"externalId": "1"}}, operation
    )

    # What is not ours is left aside; all else is refused whole.
    if answer.status_code != 204:
        told(answer, 400)
        assert await directory.ok("GET", f"/Users/{made['id']}") == made
    assert answer.status_code == 400 or operation.get("path") in ("a" * 5000, "userName.x")


async def test_paths_and_methods_that_are_not_served(world: World) -> None:
    directory = await directory_of(world, await world.company())
    for path in ("/Nothing", "/Users/a/b", "/users/%00", "/Schemas/x", "/ResourceTypes/x", "/Users/%2e%2e"):
        told(await directory.call("GET", path), 404)
    for method, path in (("PUT", "/Users"), ("POST", "/Schemas"), ("DELETE", "/Bulk")):
        answer = await directory.call(method, path)
        told(answer, 405)
        assert answer.headers["allow"]
    for method in ("GET", "PUT", "PATCH", "DELETE", "POST"):
        told(await directory.call(method, "/Me"), 501)


def _bulk(*operations: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return {"schemas": [MESSAGES + "BulkRequest"], "Operations": list(operations)} | fields


async def test_bulk_does_each_on_its_own_and_stops_where_told(world: World) -> None:
    directory = await directory_of(world, await world.company())
    ada = {"method": "POST", "path": "/Users", "bulkId": "a", "data": {"schemas": [USER], "userName": "ada"}}
    twin = ada | {"bulkId": "b"}
    group = {
        "method": "POST",
        "path": "/Groups",
        "bulkId": "g",
        "data": {"schemas": [CORE + "Group"], "displayName": "RH", "members": [{"value": "bulkId:a"}]},
    }
    bob = {"method": "POST", "path": "/Users", "bulkId": "c", "data": {"schemas": [USER], "userName": "bob"}}

    done = await directory.ok("POST", "/Bulk", _bulk(group, ada, twin, bob))
    assert [each["status"] for each in done["Operations"]] == ["201", "201", "409", "201"]
    assert done["Operations"][2]["response"]["scimType"] == "uniqueness"
    (found,) = await directory.find("Groups", "members pr")
    assert found["displayName"] == "RH"

    gone = {"method": "DELETE", "path": f"/Users/{found['members'][0]['value']}"}
    lost = {"method": "DELETE", "path": "/Users/nobody"}
    stopped = await directory.ok("POST", "/Bulk", _bulk(lost, gone, failOnErrors=1))
    assert [each["status"] for each in stopped["Operations"]] == ["404"]
    assert await directory.find("Users", 'userName eq "ada"') != []


async def test_bulk_is_bounded(world: World) -> None:
    directory = await directory_of(world, await world.company())
    one = {"method": "DELETE", "path": "/Users/nobody"}

    assert (await directory.call("POST", "/Bulk", _bulk(*[one] * 100))).status_code == 200
    told(await directory.call("POST", "/Bulk", _bulk(*[one] * 101)), 413)


async def test_without_the_database_a_directory_is_told_to_come_back(
    world: World, settings: Settings
) -> None:
    directory = await directory_of(world, await world.company())
    away = re.sub(r"host=[^&]*&?|port=[^&]*&?", "", settings.database_url.partition("?")[0])
    away = f"{away}?host=127.0.0.1&port={closed_port()}"
    await close_pools()
    await open_pools(msgspec.structs.replace(settings, database_url=away))
    try:
        for method, path, body in (
            ("GET", "/Users", None),
            ("POST", "/Users", {"schemas": [USER], "userName": "ada"}),
            ("POST", "/Bulk", _bulk()),
        ):
            answer = await directory.call(method, path, body)
            told(answer, 503)
            assert int(answer.headers["retry-after"]) > 0
    finally:
        await close_pools()
        await open_pools(settings)
    assert (await directory.call("GET", "/Users")).status_code == 200


LOSE = """
    CREATE FUNCTION lose() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN RAISE EXCEPTION 'lost' USING ERRCODE = 'serialization_failure'; END $$;
    CREATE CONSTRAINT TRIGGER lose AFTER UPDATE ON employee DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
        WHEN (NEW.user_name = 'ada' AND NOT NEW.active) EXECUTE FUNCTION lose();
    GRANT EXECUTE ON FUNCTION lose() TO maillon_app;
"""


async def test_a_commit_that_fails_is_not_answered_as_done(
    app: Litestar, environment: dict[str, str]
) -> None:
    async with cloned(environment, LOSE) as settings, served(app, settings) as client:
        world = World(client, environment)
        directory = await directory_of(world, await world.company())
        made = await directory.user("ada")
        path = f"/Users/{made['id']}"

        told(await directory.patch(path, {"op": "replace", "value": {"active": False}}), 503)
        told(await directory.call("DELETE", path), 503)
        bulk = await directory.ok("POST", "/Bulk", _bulk({"method": "DELETE", "path": path}))

        assert bulk["Operations"][0]["status"] == "503"
        assert await directory.ok("GET", path) == made


async def test_edits_of_one_user_at_once_are_all_kept(world: World) -> None:
    directory = await directory_of(world, await world.company())
    made = await directory.user("ada")
    fields = [f"{ENTERPRISE}:department", f"{ENTERPRISE}:employeeNumber", "name.givenName", "externalId"]

    answers = await asyncio.gather(
        *(
            directory.patch(f"/Users/{made['id']}", {"op": "add", "path": field, "value": "x"})
            for field in fields
        )
    )

    seen = await directory.ok("GET", f"/Users/{made['id']}")
    assert {answer.status_code for answer in answers} == {204}
    assert seen[ENTERPRISE] == {"department": "x", "employeeNumber": "x"}
    assert (seen["name"]["givenName"], seen["externalId"]) == ("x", "x")


async def test_nothing_of_a_person_reaches_the_log(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    directory: Directory = await directory_of(world, await world.company())
    await directory.user("canari@secret.example", name={"givenName": "Canari"})
    await directory.call("POST", "/Users", {"schemas": [USER], "userName": "canari@secret.example"})
    await directory.call("GET", '/Users?filter=userName eq "canari"')
    await directory.call("POST", "/Users", {"schemas": [USER], "userName": "canari" * 50})

    printed = "".join(capsys.readouterr())
    assert "/scim/v2" in printed
    assert "canari" not in printed.lower()
    assert directory.token not in printed

"""Users of a directory: in the dialects that directories speak, kept to what Maillon needs."""

from typing import Any
from uuid import UUID

import pytest

from api.core.database import operations
from tests.make.directory import CORE, ENTERPRISE, MAILLON, Directory, allow, directory_of, keyed
from tests.make.world import World

ENTRA = {
    "schemas": [CORE + "User", ENTERPRISE],
    "externalId": "0a21f0f2-8d2a-4f8e-bf98-7363c4aed4ef",
    "userName": "Test_User@entreprise.example",
    "active": "True",
    "displayName": "Ada Lovelace",
    "password": "hunter2-canari",
    "title": "Comtesse-canari",
    "addresses": [{"type": "work", "formatted": "Londres-canari", "primary": True}],
    "phoneNumbers": [{"type": "mobile", "value": "0600000000-canari"}],
    "emails": [
        {"primary": False, "type": "home", "value": "maison@canari.example"},
        {"primary": True, "type": "work", "value": "Ada@entreprise.example"},
    ],
    "meta": {"resourceType": "User"},
    "name": {"formatted": "Ada Lovelace", "familyName": "Lovelace", "givenName": "Ada"},
    "roles": [],
    ENTERPRISE: {"department": "Finances", "employeeNumber": "42", "organization": "canari"},
}


async def _row(user_id: str) -> Any:
    async with operations() as connection:
        query = """SELECT e.*, p.given_name AS own_name, p.language FROM employee e
                   JOIN person p ON p.id = e.person_id WHERE e.id = $1"""
        return await connection.fetchrow(query, UUID(user_id))


async def test_entras_new_user_is_kept_to_what_we_declare(world: World) -> None:
    company = await world.company()
    directory = await directory_of(world, company)

    made = await directory.ok("POST", "/Users", ENTRA)

    assert made == {
        "schemas": [CORE + "User", ENTERPRISE],
        "id": made["id"],
        "externalId": ENTRA["externalId"],
        "userName": "Test_User@entreprise.example",
        "active": True,
        "emails": [{"value": "Ada@entreprise.example", "type": "work"}],
        "name": {"givenName": "Ada", "familyName": "Lovelace"},
        ENTERPRISE: {"department": "Finances", "employeeNumber": "42"},
        "meta": made["meta"],
    }
    row = await _row(made["id"])
    assert "canari" not in str(row)
    assert (row["roles"], row["own_name"], row["language"]) == (["employee"], "Ada", "fr")


@pytest.mark.parametrize(
    ("operations_", "expected"),
    [
        ([{"op": "Replace", "path": "active", "value": "False"}], {"active": False}),
        ([{"op": "Replace", "value": {"active": "False", "displayName": "x"}}], {"active": False}),
        ([{"op": "replace", "value": {"active": False}}], {"active": False}),
        ([{"op": "Add", "path": 'emails[type eq "work"].value', "value": "a@b.example"}], {"emails": "a@b.example"}),
        ([{"op": "Replace", "path": "name.familyName", "value": "King"}], {"name": ("Ada", "King")}),
        ([{"op": "Add", "path": "displayName", "value": "Personne"}], {}),
        ([{"op": "Add", "path": 'phoneNumbers[type eq "work"].value', "value": "1"}], {}),
        ([{"op": "Replace", "path": f"{ENTERPRISE}:department", "value": "Achats"}], {"department": "Achats"}),
        ([{"op": "Remove", "path": f"{ENTERPRISE}:department"}], {"department": None}),
        ([{"op": "add", "value": {f"{MAILLON}:site": "Lyon", f"{MAILLON}:grade": "B"}}], {"site": "Lyon"}),
        ([{"op": "Replace", "path": "userName", "value": "Ada@b.example"}], {"userName": "Ada@b.example"}),
    ],
)  # fmt: skip
async def test_patches_in_every_dialect(
    world: World, operations_: list[dict[str, Any]], expected: dict[str, Any]
) -> None:
    directory = await directory_of(world, await world.company())
    made = await directory.ok("POST", "/Users", ENTRA)

    answer = await directory.patch(f"/Users/{made['id']}", *operations_)

    seen = await directory.ok("GET", f"/Users/{made['id']}")
    flat = {
        **seen,
        **seen.get(ENTERPRISE, {}),
        **seen.get(MAILLON, {}),
        "emails": seen["emails"][0]["value"],
        "name": (seen["name"]["givenName"], seen["name"]["familyName"]),
    }
    assert answer.status_code == 204
    assert {name: flat.get(name) for name in expected} == expected
    unchanged = {"active": True, "userName": ENTRA["userName"]} | expected
    assert {name: flat.get(name) for name in unchanged} == unchanged


async def test_a_manager_is_a_user_of_the_same_company(world: World) -> None:
    directory, other = [await directory_of(world, await world.company()) for _ in range(2)]
    boss, made = await directory.user("chef"), await directory.user("ada")
    stranger = await other.user("ailleurs")
    path = f"{ENTERPRISE}:manager"

    for value in (boss["id"], [{"value": boss["id"]}], {"value": boss["id"]}):
        assert (
            await directory.patch(f"/Users/{made['id']}", {"op": "Add", "path": path, "value": value})
        ).status_code == 204
    assert (await _row(made["id"]))["manager_id"] == UUID(boss["id"])
    for value in (stranger["id"], made["id"], str(UUID(int=1)), "personne"):
        answer = await directory.patch(f"/Users/{made['id']}", {"op": "Add", "path": path, "value": value})
        assert (answer.status_code, answer.json()["scimType"]) == (400, "invalidValue")
    await directory.patch(f"/Users/{made['id']}", {"op": "Remove", "path": path})
    assert (await _row(made["id"]))["manager_id"] is None


async def test_okta_replaces_the_whole(world: World) -> None:
    directory = await directory_of(world, await world.company())
    made = await directory.ok("POST", "/Users", ENTRA)
    body = {**ENTRA, "id": made["id"], "active": False, "name": {"givenName": "Augusta"}}
    del body[ENTERPRISE]

    put = await directory.ok("PUT", f"/Users/{made['id']}", body)

    assert (put["active"], put["name"], ENTERPRISE in put) == (False, {"givenName": "Augusta"}, False)
    del body["active"]
    silent = await directory.call("PUT", f"/Users/{made['id']}", body)
    assert silent.status_code == 400  # who does not say brings nobody back
    assert (await directory.ok("GET", f"/Users/{made['id']}"))["active"] is False


async def test_what_a_person_made_their_own_stays(world: World) -> None:
    company = await world.company()
    await keyed(world, company)
    directory = await directory_of(world, company)
    made = await directory.user(
        "ada", externalId="oid-ada", name={"givenName": "Ada"}, preferredLanguage="en-GB"
    )
    token = world.employee(company, oid="oid-ada")
    assert (await world.ok(token, "GET", "/v1/me"))["language"] == "en"

    await directory.patch(
        f"/Users/{made['id']}", {"op": "replace", "path": "name.givenName", "value": "Augusta"}
    )
    assert (await world.ok(token, "GET", "/v1/me"))["given_name"] == "Augusta"
    await world.ok(token, "PATCH", "/v1/me", {"given_name": "Ada", "language": "fr"})
    await directory.patch(
        f"/Users/{made['id']}",
        {"op": "replace", "value": {"name": {"givenName": "A."}, "preferredLanguage": "en"}},
    )

    me = await world.ok(token, "GET", "/v1/me")
    seen = await directory.ok("GET", f"/Users/{made['id']}")
    assert (me["given_name"], me["language"]) == ("Ada", "fr")
    assert (seen["name"]["givenName"], seen["preferredLanguage"]) == ("A.", "en")


async def test_unique_names_and_keys(world: World) -> None:
    directory, other = [await directory_of(world, await world.company()) for _ in range(2)]
    made, second = await directory.user("ada", externalId="1"), await directory.user("bob", externalId="2")
    await other.user("ada", externalId="1")

    for value in ({"userName": "ADA"}, {"externalId": "1"}):
        answer = await directory.patch(f"/Users/{second['id']}", {"op": "replace", "value": value})
        assert (answer.status_code, answer.json()["scimType"]) == (409, "uniqueness")
    assert await directory.ok("GET", f"/Users/{second['id']}") == second
    assert await directory.ok("GET", f"/Users/{made['id']}") == made


async def test_a_foreign_id_answers_as_a_random_one(world: World) -> None:
    directory, other = [await directory_of(world, await world.company()) for _ in range(2)]
    user, group = await other.user("ada"), await other.group("RH")
    body = {"schemas": [CORE + "User"], "userName": "x", "active": True}

    async def told(directory: Directory, kind: str, id_: str) -> list[tuple[int, str]]:
        put = body if kind == "Users" else {"schemas": [CORE + "Group"], "displayName": "x"}
        answers = [
            await directory.call("GET", f"/{kind}/{id_}"),
            await directory.call("DELETE", f"/{kind}/{id_}"),
            await directory.call("PUT", f"/{kind}/{id_}", put),
            await directory.patch(f"/{kind}/{id_}", {"op": "replace", "value": {"externalId": "x"}}),
        ]
        return [(answer.status_code, answer.text) for answer in answers]

    for kind, id_ in (("Users", user["id"]), ("Groups", group["id"])):
        foreign = await told(directory, kind, id_)
        assert foreign == await told(directory, kind, str(UUID(int=7)))
        assert foreign == await told(directory, kind, "no-id")
        assert {status for status, _ in foreign} == {404}


async def test_versions_are_compared(world: World) -> None:
    directory = await directory_of(world, await world.company())
    made = await directory.user("ada")
    path, tag = f"/Users/{made['id']}", made["meta"]["version"]
    edit = {"op": "replace", "value": {"externalId": "1"}}

    assert (await directory.call("GET", path, if_none_match=tag)).status_code == 304
    assert (await directory.patch(path, edit, if_match=tag)).status_code == 204
    assert (await directory.patch(path, edit, if_match=tag)).status_code == 412
    assert (await directory.call("DELETE", path, if_match=tag)).status_code == 412
    assert (await directory.call("GET", path)).headers["etag"] != tag


async def test_only_the_directorys_roles_come_from_it(world: World) -> None:
    company = await world.company()
    await keyed(world, company)
    await allow(world, company, RH="hr")
    directory = await directory_of(world, company)
    made = await directory.user("ada", externalId="oid-1", roles=[{"value": "company_admin"}])

    token = world.employee(company, oid="oid-1")

    assert (await world.ok(token, "GET", "/v1/me"))["employments"][0]["roles"] == ["employee"]
    assert (await _row(made["id"]))["group_roles"] == []

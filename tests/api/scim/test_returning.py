"""Users leaving, coming back, and meeting those who came by a token: history stays, no token brings anybody back."""

from typing import Any
from uuid import UUID

import pytest

from api.core.database import operations
from tests.make.directory import CORE, ENTERPRISE, directory_of, keyed
from tests.make.world import World


async def test_when_deactivation_is_answered_the_leavers_token_is_closed(world: World) -> None:
    association, company = await world.association(), await world.company(approval="automatic")
    await keyed(world, company)
    directory = await directory_of(world, company)
    made = await directory.user("ada", externalId="oid-1")
    token = world.employee(company, oid="oid-1")
    application = await world.application(token, await world.mission(association))
    await world.ok(association.owner, "POST", f"/v1/applications/{application['id']}/accept")

    await directory.patch(f"/Users/{made['id']}", {"op": "Replace", "path": "active", "value": "False"})

    assert (await world.call(token, "GET", "/v1/me")).status_code == 401
    seen = await world.ok(association.owner, "GET", f"/v1/applications/{application['id']}")
    assert seen["state"] == "withdrawn"
    await directory.patch(f"/Users/{made['id']}", {"op": "Replace", "path": "active", "value": "True"})
    job = (await world.ok(token, "GET", "/v1/me"))["employments"][0]
    assert job["employee_id"] == made["id"]


async def test_the_deleted_come_back_by_their_key_and_by_no_token(world: World) -> None:
    company = await world.company()
    await keyed(world, company)
    directory = await directory_of(world, company)
    made = await directory.user("ada", externalId="oid-1")
    token = world.employee(company, oid="oid-1")
    await world.ok(token, "GET", "/v1/me")

    assert (await directory.call("DELETE", f"/Users/{made['id']}")).status_code == 204

    assert (await world.call(token, "GET", "/v1/me")).status_code == 401
    assert (await world.call(world.employee(company, oid="oid-1"), "GET", "/v1/me")).status_code == 401
    for method in ("GET", "DELETE"):
        assert (await directory.call(method, f"/Users/{made['id']}")).status_code == 404
    assert await directory.find("Users", 'userName eq "ada"') == []
    back = await directory.user("augusta", externalId="oid-1")
    assert (back["id"], back["userName"], back["active"]) == (made["id"], "augusta", True)
    assert (await world.call(token, "GET", "/v1/me")).status_code == 200


async def test_a_name_used_anew_is_another_human(world: World) -> None:
    directory = await directory_of(world, await world.company())
    first = await directory.user("ada", externalId="oid-1")
    await directory.call("DELETE", f"/Users/{first['id']}")

    second = await directory.user("ADA", externalId="oid-2")
    assert second["id"] != first["id"]
    await directory.call("DELETE", f"/Users/{second['id']}")
    third = await directory.user("Ada")
    assert third["id"] == second["id"]  # without a key, the name is all there is
    taken = await directory.call("POST", "/Users", {"schemas": [CORE + "User"], "userName": "aDA"})
    assert (taken.status_code, taken.json()["scimType"]) == (409, "uniqueness")


async def test_hr_brings_back_the_deleted_whatever_became_of_the_name(world: World) -> None:
    company = await world.company()
    directory = await directory_of(world, company)
    first = await directory.user("ada", externalId="oid-1")
    await directory.call("DELETE", f"/Users/{first['id']}")
    await directory.user("ada", externalId="oid-2")

    path = f"/v1/companies/{company.id}/employees/{first['id']}/reactivate"
    await world.ok(company.admin, "POST", path)

    seen = await directory.ok("GET", f"/Users/{first['id']}")
    assert (seen["active"], seen["userName"]) == (True, first["id"])
    assert (await directory.user("ada-1", externalId="oid-1"))["id"] == first["id"]


async def test_who_came_by_a_token_first_is_met_by_key(world: World) -> None:
    company = await world.company()
    await keyed(world, company)
    directory = await directory_of(world, company)
    token = world.employee(company, oid="oid-1", email="ada@entreprise.example")
    job = (await world.ok(token, "GET", "/v1/me"))["employments"][0]
    (listed,) = await directory.find("Users", 'userName eq "ADA@entreprise.example"')
    assert listed["id"] == job["employee_id"]

    taken = await directory.call(
        "POST",
        "/Users",
        {"schemas": [CORE + "User"], "userName": "ada@entreprise.example", "externalId": "oid-9"},
    )
    adopted = await directory.user("ada@entreprise.example", externalId="oid-1")

    assert (taken.status_code, taken.json()["scimType"]) == (409, "uniqueness")  # never by address
    assert adopted["id"] == job["employee_id"]
    assert (await world.ok(token, "GET", "/v1/me"))["employments"] == [job]
    again = await directory.call(
        "POST", "/Users", {"schemas": [CORE + "User"], "userName": "b", "externalId": "oid-1"}
    )
    assert (again.status_code, again.json()["detail"]) == (409, "externalId is taken")


async def test_who_works_elsewhere_by_now_stays_there(world: World) -> None:
    company, other = await world.company(), await world.company()
    directory = await directory_of(world, company)
    made = await directory.user("ada", externalId="oid-1", active=False)
    async with operations() as connection:
        person_id = await connection.fetchval(
            "SELECT person_id FROM employee WHERE id = $1", UUID(made["id"])
        )
        await connection.execute(
            "INSERT INTO employee (id, company_id, person_id, created_at) VALUES (uuidv7(), $1, $2, now())",
            UUID(other.id),
            person_id,
        )

    answer = await directory.patch(f"/Users/{made['id']}", {"op": "replace", "value": {"active": True}})

    assert (answer.status_code, answer.json()["detail"]) == (409, "This person works for another company")


async def test_who_was_erased_is_no_user_and_no_sync_brings_them_back(world: World) -> None:
    company = await world.company()
    directory = await directory_of(world, company)
    await keyed(world, company)
    user = await directory.user("ada@garonne.example", externalId="e-1", name={"givenName": "Ada"})
    group = await directory.group("Maillon RH", user["id"])
    token = world.employee(company, "ada", oid="e-1")
    assert (await world.call(token, "DELETE", "/v1/me")).status_code == 204

    assert (await directory.call("GET", f"/Users/{user['id']}")).status_code == 404
    rename = {"op": "replace", "path": "name.givenName", "value": "Ada"}
    assert (await directory.patch(f"/Users/{user['id']}", rename)).status_code == 404
    again = {"schemas": user["schemas"], "userName": "ada@garonne.example", "externalId": "e-1"}
    assert (await directory.call("POST", "/Users", again)).status_code == 409
    join = {"op": "add", "path": "members", "value": [{"value": user["id"]}]}
    assert (await directory.patch(f"/Groups/{group['id']}", join)).status_code == 400
    assert (await world.call(token, "GET", "/v1/me")).status_code == 401
    kept = await world.ok(company.admin, "GET", f"/v1/companies/{company.id}/employees/{user['id']}")
    assert (kept["given_name"], kept["active"], kept["group_roles"]) == ("", False, [])


@pytest.mark.parametrize(
    ("scim", "fields"),
    [
        ("userName", {}),
        ("employeeNumber", {ENTERPRISE: {"employeeNumber": "ada@garonne.example"}}),
    ],
)
async def test_a_token_meets_its_user_by_the_key_that_the_company_names(
    world: World, scim: str, fields: dict[str, Any]
) -> None:
    company = await world.company()
    directory = await directory_of(world, company)
    provider = f"/v1/companies/{company.id}/identity-providers"
    registered = (await world.ok(company.admin, "GET", provider))["items"][0]["id"]
    key = {"employee_key": {"claim": "login", "scim": scim}}
    await world.ok(company.admin, "PATCH", f"{provider}/{registered}", key, if_match='"v1-0"')
    user = await directory.user("ada@garonne.example", **fields)

    me = await world.ok(world.employee(company, "ada", login="ada@garonne.example"), "GET", "/v1/me")
    stranger = await world.ok(world.employee(company, "bob", login="bob@garonne.example"), "GET", "/v1/me")

    assert me["employments"][0]["employee_id"] == user["id"]
    if scim == "userName":
        met = await directory.user("bob@garonne.example")
        assert met["id"] == stranger["employments"][0]["employee_id"]
    assert (await directory.call("DELETE", f"/Users/{user['id']}")).status_code == 204
    other = world.employee(company, "ada", login="ada@garonne.example")
    assert (await world.call(other, "GET", "/v1/me")).status_code == 401

"""Employees from a file: tried first, then all of it or nothing, and known by their identifier alone."""

from typing import Any

import pytest

from tests.make.world import Company, World

FILE = """external_id;given_name;family_name;email;department;site;manager;active
G-1;Nadia;Benali;Nadia@Garonne.example;Direction;Lyon;;oui
G-2;Hugo;Petit;hugo@garonne.example;"Études; projets";Lyon;G-1;
G-3;Zoé;N’Guyen;;;;G-1;non
"""


async def take(world: World, company: Company, csv: str, *, dry_run: bool = False) -> dict[str, Any]:
    path = f"/v1/companies/{company.id}/employees/import"
    body = {"csv": csv, "dry_run": dry_run}
    counted: dict[str, Any] = await world.ok(company.admin, "POST", path, body)
    return {name: count for name, count in counted.items() if count and name != "dry_run"}


async def people(world: World, company: Company) -> dict[str, dict[str, Any]]:
    listed = await world.ok(company.admin, "GET", f"/v1/companies/{company.id}/employees")
    return {one["given_name"]: one for one in listed["items"] if one["given_name"]}


async def test_a_dry_run_counts_and_changes_nothing(world: World) -> None:
    company = await world.company()

    assert await take(world, company, FILE, dry_run=True) == {"created": 3}

    assert await people(world, company) == {}


async def test_a_file_adds_edits_and_lets_go(world: World) -> None:
    company = await world.company()

    assert await take(world, company, FILE) == {"created": 3}
    made = await people(world, company)
    assert await take(world, company, FILE) == {"unchanged": 3}
    changed = (
        FILE.replace("Hugo;Petit", "Hugo;Petitjean").replace(";oui", ";non").replace("G-1;non", "G-1;oui")
    )
    assert await take(world, company, changed) == {"updated": 1, "deactivated": 1, "reactivated": 1}

    assert (made["Nadia"]["email"], made["Hugo"]["department"]) == (
        "nadia@garonne.example",
        "Études; projets",
    )
    assert made["Hugo"]["manager_id"] == made["Nadia"]["id"]
    assert [made[name]["active"] for name in ("Nadia", "Hugo", "Zoé")] == [True, True, False]
    now = await people(world, company)
    assert now["Hugo"]["family_name"] == "Petitjean"
    assert [now[name]["active"] for name in ("Nadia", "Hugo", "Zoé")] == [False, True, True]
    assert {one["id"] for one in now.values()} == {one["id"] for one in made.values()}


async def test_a_column_that_the_file_lacks_stays_as_it_is(world: World) -> None:
    company = await world.company()
    await take(world, company, FILE)

    assert await take(world, company, "external_id,site\nG-2,Grenoble") == {"updated": 1}

    assert await take(world, company, "external_id,manager\nG-3,G-2") == {"updated": 1}
    hugo = (await people(world, company))["Hugo"]
    assert (hugo["site"], hugo["email"], hugo["active"]) == ("Grenoble", "hugo@garonne.example", True)
    assert hugo["manager_id"] is not None


async def test_a_first_token_meets_the_imported_employee(world: World) -> None:
    company = await world.company()
    path = f"/v1/companies/{company.id}/identity-providers"
    provider = (await world.ok(company.admin, "GET", path))["items"][0]
    key = {"employee_key": {"claim": "oid", "scim": "externalId"}}
    await world.ok(company.admin, "PATCH", f"{path}/{provider['id']}", key, if_match='"v1-0"')
    await take(world, company, FILE)
    made = await people(world, company)

    me = await world.ok(world.employee(company, oid="G-2"), "GET", "/v1/me")
    gone = await world.call(world.employee(company, oid="G-3"), "GET", "/v1/me")

    assert me["employments"][0]["employee_id"] == made["Hugo"]["id"]
    assert gone.status_code == 401


@pytest.mark.parametrize(
    ("csv", "pointer", "code"),
    [
        ("given_name\nNadia", "/csv/1/external_id", "required"),
        ("external_id,salary\n1,2", "/csv/1/salary", "unknown-column"),
        ("external_id\n\n", None, None),
        ('external_id,site\n"",Lyon', "/csv/2/external_id", "required"),
        ("external_id\n1\n1", "/csv/3/external_id", "repeated"),
        ("external_id,email\n1,nadia", "/csv/2/email", "address"),
        ("external_id,active\n1,peut-être", "/csv/2/active", "yes-or-no"),
        ("external_id,manager\n1,2", "/csv/2/manager", "manager"),
        ("external_id,manager\n1,1", "/csv/2/manager", "manager"),
        (f"external_id,site\n1,{'x' * 300}", "/csv/2/site", "too-long"),
        ("external_id\n1,2,3", "/csv/2", "ragged"),
        ('external_id,email\n1,\n"2,x\n3,\n', "/csv/3", "malformed"),
        ('external_id,site\n1,"Lyon"s\n', "/csv/2", "malformed"),
        (f"external_id,site\n1,{'x' * 140_000}", "/csv/2", "malformed"),
        ("external_id\n" + "\n".join(map(str, range(10_001))), "/csv", "too-long"),
    ],
)
async def test_every_fault_is_told_at_its_place_and_nothing_is_taken(
    world: World, csv: str, pointer: str | None, code: str | None
) -> None:
    company = await world.company()
    path = f"/v1/companies/{company.id}/employees/import"

    for dry_run in (True, False):
        answer = await world.call(company.admin, "POST", path, {"csv": csv, "dry_run": dry_run})
        if pointer is None:
            assert answer.json()["created"] == 0
        else:
            assert answer.status_code == 422
            assert (answer.json()["errors"][0]["pointer"], answer.json()["errors"][0]["code"]) == (
                pointer,
                code,
            )
    listed = await world.ok(company.admin, "GET", f"/v1/companies/{company.id}/employees")
    assert len(listed["items"]) == 1

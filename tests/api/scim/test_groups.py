"""Groups of a directory: those that the company allow-lists give a role, at once, and no others."""

from typing import Any

import pytest

from api.identity.scim import groups
from tests.make.directory import CORE, MESSAGES, Directory, allow, directory_of, keyed
from tests.make.world import Company, World


class Staffed:
    """A company with a directory and one employee in it."""

    def __init__(self, company: Company, directory: Directory, user: dict[str, Any], token: str) -> None:
        self.company, self.directory, self.user, self.token = company, directory, user, token

    async def roles(self, world: World) -> list[str]:
        """Give the roles that the employee's own token has now."""
        roles: list[str] = (await world.ok(self.token, "GET", "/v1/me"))["employments"][0]["roles"]
        return roles


async def staffed(world: World, **allowed: str) -> Staffed:
    company = await world.company()
    await keyed(world, company)
    directory = await directory_of(world, company)
    if allowed:
        await allow(world, company, **allowed)
    user = await directory.user("ada", externalId="oid-ada")
    return Staffed(company, directory, user, world.employee(company, oid="oid-ada"))


async def test_a_group_on_the_list_gives_its_role_and_takes_it(world: World) -> None:
    here = await staffed(world, RH="hr")
    employees = f"/v1/companies/{here.company.id}/employees"
    assert (await world.call(here.token, "GET", employees)).status_code == 403

    group = await here.directory.group("RH", here.user["id"])
    assert await here.roles(world) == ["employee", "hr"]
    assert (await world.call(here.token, "GET", employees)).status_code == 200

    gone = {"op": "remove", "path": f'members[value eq "{here.user["id"]}"]'}
    assert (await here.directory.patch(f"/Groups/{group['id']}", gone)).status_code == 204
    assert await here.roles(world) == ["employee"]
    assert (await world.call(here.token, "GET", employees)).status_code == 403


async def test_a_group_that_is_not_on_the_list_gives_nothing(world: World) -> None:
    here = await staffed(world, RH="hr")

    for name in ("Direction", "rh", "RH "):
        await here.directory.group(name, here.user["id"])
        if name == "rh":
            break
    assert await here.roles(world) == ["employee"]


async def test_the_role_follows_the_list_the_name_and_the_life_of_the_group(world: World) -> None:
    here = await staffed(world)
    group = await here.directory.group("RH", here.user["id"])
    path = f"/Groups/{group['id']}"
    assert await here.roles(world) == ["employee"]

    await allow(world, here.company, RH="hr", Chefs="manager")
    assert await here.roles(world) == ["employee", "hr"]
    await here.directory.patch(path, {"op": "Replace", "path": "displayName", "value": "Chefs"})
    assert await here.roles(world) == ["employee", "manager"]
    await here.directory.group("RH", here.user["id"])
    assert await here.roles(world) == ["employee", "hr", "manager"]
    await allow(world, here.company, Chefs="manager")
    assert await here.roles(world) == ["employee", "manager"]
    assert (await here.directory.call("DELETE", path)).status_code == 204
    assert await here.roles(world) == ["employee"]


async def test_who_is_deleted_comes_back_without_the_groups(world: World) -> None:
    here = await staffed(world, RH="hr")
    group = await here.directory.group("RH", here.user["id"])

    await here.directory.call("DELETE", f"/Users/{here.user['id']}")
    await here.directory.user("ada", externalId="oid-ada")

    assert await here.roles(world) == ["employee"]
    seen = await here.directory.ok("GET", f"/Groups/{group['id']}")
    assert "members" not in seen
    assert seen["meta"]["version"] != group["meta"]["version"]


async def test_members_come_and_go_in_every_dialect(world: World) -> None:
    directory = await directory_of(world, await world.company())
    ids = [(await directory.user(name))["id"] for name in ("ada", "bob", "eve")]
    group = await directory.group("Tous")
    path = f"/Groups/{group['id']}"

    async def after(*operations: dict[str, Any]) -> set[str]:
        answer = await directory.patch(path, *operations)
        assert answer.status_code == 204, answer.text
        seen = await directory.ok("GET", path)
        return {member["value"] for member in seen.get("members", [])}

    a, b, c = ids
    assert await after({"op": "Add", "path": "members", "value": [{"value": a}]}) == {a}
    assert await after({"op": "add", "path": "members", "value": [{"value": a}, {"value": b}]}) == {a, b}
    assert await after({"op": "add", "value": {"members": [{"value": c, "type": "User"}]}}) == {a, b, c}
    assert await after({"op": "Remove", "path": "members", "value": [{"value": a}]}) == {b, c}
    assert await after({"op": "remove", "path": f'members[value eq "{b}"]'}) == {c}
    assert await after({"op": "replace", "path": "members", "value": [{"value": a}]}) == {a}
    assert await after({"op": "remove", "path": "members"}) == set()


async def test_a_move_is_whole_or_nothing(world: World) -> None:
    directory = await directory_of(world, await world.company())
    ada = (await directory.user("ada"))["id"]
    group = await directory.group("Tous")
    comes = {"op": "add", "path": "members", "value": [{"value": ada}]}

    for value in (
        [{"value": "personne"}],
        ["x"],
        [{"value": 1}],
        [None],
        [{"value": None}],
        "x",
        {"value": 1},
    ):
        wrong = {"op": "add", "path": "members", "value": value}
        answer = await directory.patch(f"/Groups/{group['id']}", comes, wrong)
        assert answer.status_code == 400, (value, answer.text)
    assert await directory.ok("GET", f"/Groups/{group['id']}") == group
    unmet = {"if_match": 'W/"99"'}
    assert (await directory.patch(f"/Groups/{group['id']}", comes, **unmet)).status_code == 412
    answer = await directory.call(
        "PATCH",
        f"/Groups/{group['id']}?attributes=members",
        {"schemas": [MESSAGES + "PatchOp"], "Operations": [comes]},
    )
    assert [each["value"] for each in answer.json()["members"]] == [ada]


async def test_a_group_is_bounded(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    directory = await directory_of(world, await world.company())
    ids = [(await directory.user(f"personne-{number}"))["id"] for number in range(3)]
    monkeypatch.setattr(groups, "MOST_MEMBERS", 2)
    group = await directory.group("Tous", *ids[:2])

    more = {"op": "add", "path": "members", "value": [{"value": ids[2]}]}
    assert (await directory.patch(f"/Groups/{group['id']}", more)).status_code == 400
    assert len((await directory.ok("GET", f"/Groups/{group['id']}"))["members"]) == 2


async def test_only_the_companys_users_are_members(world: World) -> None:
    directory, other = [await directory_of(world, await world.company()) for _ in range(2)]
    stranger, gone = await other.user("ailleurs"), await directory.user("parti")
    await directory.call("DELETE", f"/Users/{gone['id']}")
    group = await directory.group("RH")

    for id_ in (stranger["id"], gone["id"], group["id"], "personne", None):
        body = {"schemas": [CORE + "Group"], "displayName": "Autre", "members": [{"value": id_}]}
        answer = await directory.call("POST", "/Groups", body)
        assert (answer.status_code, answer.json()["scimType"]) == (400, "invalidValue"), id_
    assert await directory.find("Groups", 'displayName eq "autre"') == []


async def test_group_names_are_unique_in_a_company(world: World) -> None:
    directory, other = [await directory_of(world, await world.company()) for _ in range(2)]
    await directory.group("RH")
    await other.group("RH")

    answer = await directory.call("POST", "/Groups", {"schemas": [CORE + "Group"], "displayName": "rh"})

    assert (answer.status_code, answer.json()["scimType"]) == (409, "uniqueness")

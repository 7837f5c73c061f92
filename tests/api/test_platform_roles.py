"""Roles on the platform: given and taken by an administrator alone."""

from api.core.ids import new_id
from tests.make.world import World


async def test_an_administrator_gives_and_takes_roles(world: World) -> None:
    admin, person = await world.admin(), await world.person()
    me = await world.ok(person, "GET", "/v1/me")
    path = f"/v1/persons/{me['id']}/platform-roles"

    given = await world.ok(admin, "PUT", path, {"roles": ["moderator", "facilitator", "moderator"]})
    assert given["roles"] == ["facilitator", "moderator"]
    assert (await world.ok(person, "GET", "/v1/me"))["platform_roles"] == ["facilitator", "moderator"]

    await world.ok(admin, "PUT", path, {"roles": []})
    assert (await world.ok(person, "GET", "/v1/me"))["platform_roles"] == []


async def test_nobody_else_gives_one(world: World) -> None:
    company = await world.company()
    for token in (await world.moderator(), company.admin, await world.person()):
        me = await world.ok(token, "GET", "/v1/me")
        path = f"/v1/persons/{me['id']}/platform-roles"
        assert (await world.call(token, "PUT", path, {"roles": ["admin"]})).status_code == 403
    nobody = f"/v1/persons/{new_id()}/platform-roles"
    assert (await world.call(await world.admin(), "PUT", nobody, {"roles": []})).status_code == 404
    assert (await world.call(await world.admin(), "PUT", nobody, {"roles": ["hr"]})).status_code == 422

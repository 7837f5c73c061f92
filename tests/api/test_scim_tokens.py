"""Tokens of directories: the administrator's alone, shown once, two at a time, gone at once."""

from datetime import timedelta
from typing import Any

import httpx
import pytest

from api.core import clock
from api.core.problems import NotFound
from api.identity.api_keys import is_key, revoke_secret
from api.identity.scim_tokens import PREFIX
from tests.api.core.asking import assert_problem
from tests.make.directory import Directory
from tests.make.world import Company, World


async def _create(world: World, company: Company, **given: Any) -> httpx.Response:
    path = f"/v1/companies/{company.id}/scim-tokens"
    return await world.call(
        company.admin, "POST", path, {"name": "Entra"} | given, idempotency_key="une-fois"
    )


async def _status(world: World, token: str) -> int:
    return (await Directory(world.client, token).call("GET", "/Users")).status_code


async def test_a_token_is_shown_once_and_its_last_use_is_known(world: World) -> None:
    company = await world.company()
    answer = await _create(world, company)
    token = answer.json()["token"]

    assert answer.status_code == 201
    assert is_key(token, PREFIX)
    assert not is_key(token)
    assert answer.headers["cache-control"] == "no-store"
    assert (await _create(world, company)).json()["token"] != token  # a secret is not kept to be told again
    assert await _status(world, token) == 200

    listed = await world.ok(company.admin, "GET", f"/v1/companies/{company.id}/scim-tokens")
    assert token not in str(listed)
    assert [bool(each["last_used_at"]) for each in listed["items"]] == [True, False]


async def test_two_live_at_once_and_a_revoked_one_makes_room(world: World) -> None:
    company = await world.company()
    first, second = [(await _create(world, company)).json() for _ in range(2)]
    assert_problem(await _create(world, company), 409, "two-tokens-live")

    path = f"/v1/companies/{company.id}/scim-tokens/{first['id']}"
    for _ in range(2):
        assert (await world.call(company.admin, "DELETE", path)).status_code == 204
    assert await _status(world, first["token"]) == 401
    assert await _status(world, second["token"]) == 200
    assert (await _create(world, company)).status_code == 201


async def test_an_expired_one_makes_room_too(world: World) -> None:
    company = await world.company()
    now = clock.now()
    for _ in range(2):
        soon = (now + timedelta(hours=1)).isoformat()
        assert (await _create(world, company, expires_at=soon)).status_code == 201
    with clock.at(now + timedelta(hours=2)):
        # The administrator's own session is over by then, in the clock's eyes.
        renewed = company._replace(admin=await _again(world, company))
        assert (await _create(world, renewed)).status_code == 201


async def _again(world: World, company: Company) -> str:
    from api.core.database import operations
    from api.identity.service import issue_token

    async with operations() as connection:
        email = await connection.fetchval(
            "SELECT email FROM employee WHERE company_id = $1 AND 'company_admin' = ANY (roles)", company.id
        )
    return await issue_token(str(email), timedelta(hours=1))


async def test_a_token_lives_a_year_at_most(world: World) -> None:
    company = await world.company()
    now = clock.now()
    for expires_at in (now - timedelta(seconds=1), now + timedelta(days=366)):
        answer = await _create(world, company, expires_at=expires_at.isoformat())
        assert_problem(answer, 422, "invalid")
    made = (await _create(world, company)).json()
    assert made["expires_at"][:4] == str((now + timedelta(days=365)).year)


async def test_a_leaked_one_is_revoked_by_its_text(world: World) -> None:
    company = await world.company()
    token = (await _create(world, company)).json()["token"]

    await revoke_secret(f" {token}\n")

    assert await _status(world, token) == 401
    with pytest.raises(NotFound):
        await revoke_secret(PREFIX + "nothing")


async def test_only_the_companys_administrator_sees_them(world: World) -> None:
    company, other = await world.company(), await world.company()
    made = (await _create(world, company)).json()
    path = f"/v1/companies/{company.id}/scim-tokens"
    hr = other.admin  # of another company

    for token, status in (
        (world.employee(company), 403),
        (hr, 404),
        (await world.person(), 404),
        (None, 401),
    ):
        for method, where, body in (
            ("POST", path, {"name": "x"}),
            ("GET", path, None),
            ("DELETE", f"{path}/{made['id']}", None),
        ):
            assert (await world.call(token, method, where, body)).status_code == status, (method, status)
    foreign = f"/v1/companies/{other.id}/scim-tokens/{made['id']}"
    assert (await world.call(other.admin, "DELETE", foreign)).status_code == 404
    assert await _status(world, made["token"]) == 200

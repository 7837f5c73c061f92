"""Somebody erased at the moment they act: both orders played by hand, a race, and the mutants without the guards."""

import asyncio
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any
from uuid import UUID

import asyncpg
import httpx
import pytest
from litestar import Litestar

from api.core.check import violations
from api.core.database import operations
from api.core.settings import Settings
from api.identity import service as identity
from tests.api.test_magic_links import code_to, new_address, redeem, start
from tests.make.clone import cloned, superuser_url
from tests.make.gate import held, until_waiting
from tests.make.served import served
from tests.make.world import World
from tests.races.test_leaving import APPLY, _employee

SIGN_IN_GUARD = "DROP TRIGGER session_of_living_person ON session"
APPLY_GUARD = "DROP TRIGGER application_of_active_employee ON application"


@asynccontextmanager
async def held_person(url: str, person_id: UUID) -> AsyncIterator[asyncpg.Connection]:
    """Hold a person's row, so that whoever needs it stands in line until the block ends."""
    connection = await asyncpg.connect(url)
    try:
        async with connection.transaction():
            await connection.execute("SELECT FROM person WHERE id = $1 FOR UPDATE", person_id)
            yield connection
    finally:
        await connection.close()


async def person(world: World) -> tuple[str, str, UUID]:
    """Give an address, its person's token and their id."""
    email = new_address("effacee")
    token = await identity.issue_token(email, timedelta(hours=1))
    return email, token, UUID((await world.ok(token, "GET", "/v1/me"))["id"])


@pytest.mark.parametrize("erased_first", [True, False])
async def test_a_sign_in_meets_an_erasure(
    world: World, environment: dict[str, str], erased_first: bool
) -> None:
    email, token, person_id = await person(world)
    request = await start(world, email)
    code = await code_to(email)
    calls: list[Any] = [lambda: world.call(token, "DELETE", "/v1/me"), lambda: redeem(world, request, code)]
    under_way: list[asyncio.Task[httpx.Response]] = []
    async with held_person(superuser_url(environment, "maillon"), person_id) as gate:
        for number, ask in enumerate(calls if erased_first else calls[::-1], 1):
            under_way.append(asyncio.create_task(ask()))
            await until_waiting(gate, number)

    answers = [await answer for answer in under_way]
    assert [answer.status_code for answer in answers] == ([204, 403] if erased_first else [201, 204])
    if not erased_first:
        assert (await world.call(answers[0].json()["token"], "GET", "/v1/me")).status_code == 401
    assert await violations() == []


async def test_a_session_opened_for_the_erased_is_refused(world: World, environment: dict[str, str]) -> None:
    email, token, person_id = await person(world)
    async with held_person(superuser_url(environment, "maillon"), person_id) as gate:
        erasure = asyncio.create_task(world.call(token, "DELETE", "/v1/me"))
        await until_waiting(gate, 1)
        sign_in = asyncio.create_task(identity.issue_token(email, timedelta(hours=1)))
        await until_waiting(gate, 2)

    assert (await erasure).status_code == 204
    refused: Any = (await asyncio.gather(sign_in, return_exceptions=True))[0]
    assert isinstance(refused, asyncpg.CheckViolationError)
    assert refused.constraint_name == "session_of_living_person"
    assert await violations() == []


@pytest.mark.parametrize("erased_first", [True, False])
async def test_an_application_meets_an_erasure(
    world: World, environment: dict[str, str], erased_first: bool
) -> None:
    company, mission = await world.company(), await world.mission(await world.association())
    token, employee_id = await _employee(world, company)
    apply = f"/v1/missions/{mission['id']}/applications"
    calls = [("DELETE", "/v1/me", None), ("POST", apply, APPLY | {"message": "Je voudrais aider."})]
    under_way = []
    async with held(environment, "employee", employee_id) as gate:
        for number, (method, path, body) in enumerate(calls if erased_first else calls[::-1], 1):
            under_way.append(asyncio.create_task(world.call(token, method, path, body)))
            await until_waiting(gate, number)

    statuses = [(await answer).status_code for answer in under_way]
    assert statuses == ([204, 403] if erased_first else [201, 204])
    assert await violations() == []
    assert (await world.ok(None, "GET", f"/v1/missions/{mission['id']}"))["places_left"] == 1


async def test_ten_clients_of_the_erased_leave_nothing_behind(world: World) -> None:
    company, mission = await world.company(), await world.mission(await world.association(), places=50)
    token, _ = await _employee(world, company)
    email, own, person_id = await person(world)
    requests = [await start(world, email) for _ in range(4)]
    codes = [await code_to(email)]

    asked: list[Awaitable[httpx.Response]] = [
        world.call(token, "DELETE", "/v1/me"),
        world.call(own, "DELETE", "/v1/me"),
        redeem(world, requests[-1], codes[0]),
        *(world.call(token, "PATCH", "/v1/me", {"given_name": "Zoé"}) for _ in range(5)),
        *(world.call(token, "POST", f"/v1/missions/{mission['id']}/applications", APPLY) for _ in range(5)),
        *(world.call(own, "POST", "/v1/me/export") for _ in range(5)),
        *(world.call(own, "PATCH", "/v1/me", {"given_name": "Zoé"}) for _ in range(5)),
    ]
    answers = await asyncio.gather(*asked)

    assert [answer.status_code for answer in answers[:2]] == [204, 204]
    assert {answer.status_code for answer in answers} <= {200, 201, 202, 204, 401, 403, 404, 409}
    assert await violations() == []
    async with operations() as connection:
        assert await connection.fetchval("SELECT given_name FROM person WHERE id = $1", person_id) == ""


async def erased_behind(settings: Settings, person_id: UUID, under_way: Awaitable[Any]) -> Any:
    """Erase somebody while a call that has read them already waits for their row."""
    connection = await asyncpg.connect(superuser_of(settings))
    try:
        async with connection.transaction():
            await connection.execute("SELECT set_config('app.role', '{system}', true)")
            await connection.execute("UPDATE employee SET active = false WHERE person_id = $1", person_id)
            await connection.execute("SELECT forget_person($1)", person_id)
            task = asyncio.ensure_future(under_way)
            await until_waiting(connection, 1)
    finally:
        await connection.close()
    return await task


def superuser_of(settings: Settings) -> str:
    """Give the superuser's way into the database of these settings."""
    return settings.database_url.replace("//maillon_app@", "//postgres@")


async def broken() -> set[str]:
    return {violation.invariant for violation in await violations()}


async def test_without_its_guard_the_erased_sign_in(app: Litestar, environment: dict[str, str]) -> None:
    async with cloned(environment, SIGN_IN_GUARD) as settings, served(app, settings) as client:
        world = World(client, environment)
        email, _, person_id = await person(world)
        token = await erased_behind(settings, person_id, identity.issue_token(email, timedelta(hours=1)))

        assert (await world.call(token, "GET", "/v1/me")).status_code == 200
        assert "erased_hold_nothing" in await broken()


async def test_without_its_guard_the_erased_apply(app: Litestar, environment: dict[str, str]) -> None:
    async with cloned(environment, APPLY_GUARD) as settings, served(app, settings) as client:
        world = World(client, environment)
        company, mission = await world.company(), await world.mission(await world.association())
        token, _ = await _employee(world, company)
        person_id = UUID((await world.ok(token, "GET", "/v1/me"))["id"])
        body = APPLY | {"message": "Je voudrais aider."}
        apply = world.call(token, "POST", f"/v1/missions/{mission['id']}/applications", body)
        answer = await erased_behind(settings, person_id, apply)

        assert answer.status_code == 201
        assert "erased_hold_nothing" in await broken()

"""Directories under races: roles by group, two tokens, one employee a human; each guard with its mutant."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID

import asyncpg
import pytest
from litestar import Litestar

from api.core.check import violations
from api.core.database import operations
from tests.make.clone import cloned, superuser_url
from tests.make.directory import CORE, MESSAGES, Directory, allow, directory_of, keyed
from tests.make.gate import until_waiting
from tests.make.served import served
from tests.make.world import Company, World

FORGET = "UPDATE company SET group_roles = '{}' WHERE id = $1"
UNQUEUED = """
    DO $$ BEGIN EXECUTE replace(pg_get_functiondef('keep_group_roles'::regproc),
                                'PERFORM FROM company WHERE id = of_company FOR NO KEY UPDATE;', ''); END $$
"""
TOKEN = {"name": "Annuaire"}


@asynccontextmanager
async def _session(environment: dict[str, str], database: str) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(superuser_url(environment, database))
    try:
        yield connection
    finally:
        await connection.close()


async def _roles(user_id: str) -> list[str]:
    async with operations() as connection:
        query = "SELECT group_roles FROM employee WHERE id = $1"
        roles: list[str] = await connection.fetchval(query, UUID(user_id))
    return roles


async def _ready(world: World) -> tuple[Company, Directory, str, str]:
    company = await world.company()
    directory = await directory_of(world, company)
    await allow(world, company, RH="hr")
    user, group = await directory.user("ada"), await directory.group("RH")
    return company, directory, user["id"], f"/Groups/{group['id']}"


async def test_a_member_joins_while_the_list_forgets_the_group(
    world: World, environment: dict[str, str]
) -> None:
    company, directory, user, group = await _ready(world)
    async with _session(environment, "maillon") as other, other.transaction():
        await other.execute(FORGET, UUID(company.id))
        join = {"op": "add", "path": "members", "value": [{"value": user}]}
        joining = asyncio.create_task(directory.patch(group, join))
        await until_waiting(other, 1)

    assert (await joining).status_code == 204
    assert await _roles(user) == []


async def test_without_the_queue_the_role_stays(app: Litestar, environment: dict[str, str]) -> None:
    async with cloned(environment, UNQUEUED) as settings, served(app, settings) as client:
        world = World(client, environment)
        company, directory, user, group = await _ready(world)
        database = settings.database_url.partition("?")[0].rpartition("/")[2]
        async with _session(environment, database) as other, other.transaction():
            await other.execute(FORGET, UUID(company.id))
            join = {"op": "add", "path": "members", "value": [{"value": user}]}
            assert (await directory.patch(group, join)).status_code == 204

        assert await _roles(user) == ["hr"]
        assert "group_roles_follow_groups" in {violation.invariant for violation in await violations()}


async def test_roles_follow_groups_through_a_storm(world: World) -> None:
    company, directory, user, group = await _ready(world)
    second = (await directory.user("bob"))["id"]

    async def members(number: int) -> int:
        value = [{"value": user if number % 2 else second}]
        verb = "add" if number % 3 else "remove"
        return (await directory.patch(group, {"op": verb, "path": "members", "value": value})).status_code

    async def rename(number: int) -> int:
        edit = {"op": "replace", "path": "displayName", "value": f"RH{number % 2 or ''}"}
        return (await directory.patch(group, edit)).status_code

    async def listed(number: int) -> int:
        path = f"/v1/companies/{company.id}"
        tag = (await world.call(company.admin, "GET", path)).headers["etag"]
        body = {"group_roles": {"RH": "hr"} if number % 2 else {"RH1": "manager"}}
        return (await world.call(company.admin, "PATCH", path, body, if_match=tag)).status_code

    acts = [act(number) for number in range(8) for act in (members, rename, listed)]
    statuses = Counter(await asyncio.gather(*acts))

    assert statuses.keys() <= {200, 204, 412}
    assert statuses[204] == 16
    assert await violations() == []


async def _slots(world: World, company: Company, clients: int) -> Counter[int]:
    path = f"/v1/companies/{company.id}/scim-tokens"
    answers = await asyncio.gather(*(world.call(company.admin, "POST", path, TOKEN) for _ in range(clients)))
    return Counter(answer.status_code for answer in answers)


async def test_ten_at_once_get_two_tokens(world: World) -> None:
    assert await _slots(world, await world.company(), 10) == Counter({201: 2, 409: 8})


async def test_without_its_index_ten_get_ten(app: Litestar, environment: dict[str, str]) -> None:
    unguarded = "DROP INDEX scim_token_two_living"
    async with cloned(environment, unguarded) as settings, served(app, settings) as client:
        world = World(client, environment)
        assert await _slots(world, await world.company(), 10) == Counter({201: 10})


@pytest.mark.parametrize("taken", [True, False])
async def test_a_slot_that_is_being_taken_is_waited_for(
    world: World, environment: dict[str, str], taken: bool
) -> None:
    company = await world.company()
    assert await _slots(world, company, 1) == Counter({201: 1})
    async with _session(environment, "maillon") as other:
        transaction = other.transaction()
        await transaction.start()
        await other.execute(
            """INSERT INTO scim_token (id, company_id, slot, name, digest, created_by, created_at, expires_at)
               VALUES (uuidv7(), $1, 2, '', uuid_send(uuidv7()), uuidv7(), now(), now() + interval '1 day')""",
            UUID(company.id),
        )
        third = asyncio.create_task(_slots(world, company, 1))
        await until_waiting(other, 1)
        await (transaction.commit() if taken else transaction.rollback())

    assert await third == Counter({409 if taken else 201: 1})


async def test_one_user_posted_by_many_is_made_once(world: World) -> None:
    directory = await directory_of(world, await world.company())
    body = {"schemas": [CORE + "User"], "userName": "ada", "externalId": "oid-1"}

    answers = await asyncio.gather(*(directory.call("POST", "/Users", body) for _ in range(8)))

    assert Counter(answer.status_code for answer in answers) == Counter({201: 1, 409: 7})
    assert len(await directory.find("Users", 'userName eq "ada"')) == 1


async def test_a_first_token_and_the_directory_make_one_employee(world: World) -> None:
    company = await world.company()
    await keyed(world, company)
    directory = await directory_of(world, company)
    body = {"schemas": [CORE + "User"], "userName": "ada"}

    for number in range(5):
        oid = f"oid-{number}"
        token = world.employee(company, oid=oid)
        posted, arrived = await asyncio.gather(
            directory.call("POST", "/Users", body | {"externalId": oid, "userName": oid}),
            world.call(token, "GET", "/v1/me"),
        )
        assert (posted.status_code, arrived.status_code) == (201, 200)
        assert arrived.json()["employments"][0]["employee_id"] == posted.json()["id"]


@pytest.mark.parametrize("ending", ["patch", "delete", "bulk"])
async def test_twenty_clients_of_a_leaver_have_no_success_after_the_directorys_reply(
    world: World, ending: str
) -> None:
    company, mission = await world.company(), await world.mission(await world.association(), places=50)
    await keyed(world, company)
    directory = await directory_of(world, company)
    made = await directory.user("ada", externalId="oid-1")
    token, path = world.employee(company, oid="oid-1"), f"/Users/{made['id']}"
    left = asyncio.Event()
    late: list[int] = []
    early: list[int] = []

    async def hammer(number: int) -> None:
        while len(late) < 200:
            asked_after = left.is_set()
            answer = (
                await world.call(token, "GET", "/v1/me")
                if number % 2
                else await world.call(
                    token, "POST", f"/v1/missions/{mission['id']}/applications", {"regime": "working_time"}
                )
            )
            (late if asked_after else early).append(answer.status_code)

    async def leave() -> None:
        while len(early) < 40:
            await asyncio.sleep(0)
        if ending == "patch":
            inactive = {"op": "Replace", "path": "active", "value": "False"}
            assert (await directory.patch(path, inactive)).status_code == 204
        elif ending == "delete":
            assert (await directory.call("DELETE", path)).status_code == 204
        else:
            bulk = {"schemas": [MESSAGES + "BulkRequest"], "Operations": [{"method": "DELETE", "path": path}]}
            done = await directory.ok("POST", "/Bulk", bulk)
            assert done["Operations"][0]["status"] == "204"
        left.set()

    await asyncio.gather(leave(), *(hammer(number) for number in range(20)))

    assert set(late) == {401}
    assert 200 in early
    assert await violations() == []

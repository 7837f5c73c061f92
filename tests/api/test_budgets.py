"""How many statements the hot reads may cost, transactions' own included."""

from collections.abc import AsyncIterator

import httpx
import msgspec
import pytest
from litestar import Litestar

from api.core.check import violations
from api.core.database import ENGINE
from api.core.settings import Settings
from tests.make.served import served
from tests.make.world import World


class Statements(list[str]):
    """The statements of the one connection of the pool, as PostgreSQL got them."""

    async def listen(self) -> None:
        assert ENGINE.pool
        async with ENGINE.pool.acquire() as connection:
            connection.add_query_logger(lambda record: self.append(record.query))


@pytest.fixture
async def narrow(app: Litestar, settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    async with served(app, msgspec.structs.replace(settings, pool_size=1)) as client:
        yield client
        assert await violations() == []


async def test_the_hot_reads_keep_to_their_budgets(
    narrow: httpx.AsyncClient, environment: dict[str, str]
) -> None:
    world = World(narrow, environment)
    association = await world.association()
    mission = await world.mission(association)
    statements = Statements()
    await statements.listen()

    async def cost(token: str | None, path: str) -> int:
        statements.clear()
        await world.ok(token, "GET", path)
        return len(statements)

    # A signed-in read is the credential, BEGIN with the walls, the read, COMMIT.
    assert await cost(None, "/v1/missions") == 1
    assert await cost(association.owner, "/v1/missions") == 2
    # Filters need a plan of their own: BEGIN, the read, COMMIT; words are understood once, a point is remembered.
    assert await cost(None, "/v1/missions?cause=education") == 3
    assert await cost(None, "/v1/missions?cause=education&facets=cause&facets=skill") == 4
    words = "/v1/missions?q=site&limit=1"
    await world.mission(association)
    assert await cost(None, words) == 4
    following = (await world.ok(None, "GET", words))["next"]
    assert await cost(None, f"{words}&cursor={following}") == 3
    around = "/v1/missions?postal_code=69007&radius_km=10"
    await world.ok(None, "GET", around)
    assert await cost(None, around) == 3
    assert await cost(None, "/v1/missions?near=45.7,4.8&sort=distance") == 3
    assert await cost(None, f"/v1/missions/{mission['id']}") == 1
    assert await cost(association.owner, f"/v1/missions/{mission['id']}") == 4
    assert await cost(association.owner, "/v1/me/applications") == 4
    assert await cost(association.owner, f"/v1/associations/{association.id}/applications") == 5

    feed = (await world.ok(association.owner, "POST", "/v1/me/calendar-feed"))["url"]
    statements.clear()
    assert (await narrow.get(feed)).status_code == 200
    assert len(statements) == 4  # whose it is, then as above

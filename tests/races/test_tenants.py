"""Two tenants through two connections: 2 000 requests interleaved, some of them cut midway, and none sees the other."""

import asyncio
import random
from collections import Counter

import msgspec
from litestar import Litestar

from api.core.check import violations
from api.core.settings import Settings
from tests.make.served import served
from tests.make.world import Company, World

REQUESTS = 2_000
AT_ONCE = 24


async def _populate(world: World) -> tuple[Company, dict[str, set[str]]]:
    """Make a company with three employees; gives what its HR must read of it, and nothing else."""
    company = await world.company()
    for _ in range(3):
        await world.ok(world.employee(company), "GET", "/v1/me")
    base = f"/v1/companies/{company.id}"
    people = await world.ok(company.admin, "GET", f"{base}/employees")
    events = await world.ok(company.admin, "GET", f"{base}/audit-events?limit=100")
    return company, {
        f"{base}/employees": {one["id"] for one in people["items"]},
        f"{base}/audit-events?limit=100": {one["id"] for one in events["items"]},
    }


async def test_two_tenants_never_meet_in_a_pool_of_two(
    app: Litestar, settings: Settings, environment: dict[str, str]
) -> None:
    seeded, seen, gate = random.Random(7), Counter[str](), asyncio.Semaphore(AT_ONCE)  # noqa: S311
    async with served(app, msgspec.structs.replace(settings, pool_size=2)) as client:
        world = World(client, environment)
        tenants = [await _populate(world) for _ in range(2)]

        async def ask(number: int) -> None:
            company, expected = tenants[number % 2]
            path = seeded.choice(list(expected))
            cut = seeded.random() < 0.1
            async with gate:
                try:
                    async with asyncio.timeout(seeded.uniform(0.0001, 0.01) if cut else None):
                        answer = await world.call(company.admin, "GET", path)
                except TimeoutError:
                    seen["cut"] += 1
                    return
            assert answer.status_code == 200, answer.text
            assert {one["id"] for one in answer.json()["items"]} == expected[path]
            seen[company.id] += 1

        await asyncio.gather(*(ask(number) for number in range(REQUESTS)))
        assert await violations() == []

    assert seen["cut"] > 50
    assert all(seen[company.id] > 800 for company, _ in tenants)

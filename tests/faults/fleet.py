"""API processes on one database, a mission that everybody wants, and how to ask until there is an answer."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from itertools import cycle
from subprocess import Popen
from typing import Any, NamedTuple
from uuid import uuid4

import httpx

from tests.faults.stage import connected
from tests.make.processes import processes
from tests.make.world import Association, Company, World


class Fleet:
    """Processes asked in turn, the world behind them, every status they gave and how often one gave no answer."""

    def __init__(self, started: dict[str, Popen[bytes]], world: World) -> None:
        self.started = started
        self.world = world
        self.turns: Iterator[str] = cycle(list(started))
        self.seen: Counter[int] = Counter()
        self.unheard = 0

    async def ask(self, token: str, path: str, body: Any = None, key: str = "") -> httpx.Response:
        """Post under one key, again while nothing or 503 with Retry-After comes; no status but 2xx, 409, 503."""
        key = key or str(uuid4())
        while True:
            try:
                answer = await self.once(token, path, body, key)
            except httpx.TransportError:
                self.unheard += 1
                continue
            self.seen[answer.status_code] += 1
            assert answer.is_success or answer.status_code in (409, 503), f"{path} {answer.text}"
            in_flight = answer.status_code == 409 and answer.json()["type"].endswith("in-flight")
            if answer.status_code != 503 and not in_flight:
                return answer
            assert in_flight or int(answer.headers["retry-after"]) >= 1
            await asyncio.sleep(0.02)  # sooner than asked: the test has no second to wait

    async def once(self, token: str, path: str, body: Any, key: str) -> httpx.Response:
        """Post to whoever is next."""
        address = f"{next(self.turns)}{path}"
        return await self.world.call(token, "POST", address, body, idempotency_key=key)


class Crowd(NamedTuple):
    """An association, and people of a company that leaves every choice to them, by their tokens."""

    association: Association
    company: Company
    people: list[str]


@asynccontextmanager
async def fleet_on(environment: dict[str, str], **first: str) -> AsyncIterator[Fleet]:
    """Run two API processes and give a world behind them; the invariants hold when the block ends.

    `first`: variables that the first process alone has.
    """
    with processes(environment | first, environment) as started:
        async with fleet_of(started, environment) as fleet:
            yield fleet


@asynccontextmanager
async def fleet_of(started: dict[str, Popen[bytes]], environment: dict[str, str]) -> AsyncIterator[Fleet]:
    """Give a world behind processes that run already; the invariants hold when the block ends."""
    async with (
        connected(environment),
        httpx.AsyncClient(base_url=next(iter(started)), trust_env=False, timeout=60) as client,
    ):
        yield Fleet(started, World(client, environment))


async def gather_crowd(world: World, number: int, **policy: Any) -> Crowd:
    """Make an association and so many employees of one company, each known already."""
    company = await world.company(**{"approval": "automatic"} | policy)
    people = [world.employee(company) for _ in range(number)]
    for few in range(0, number, 20):
        await asyncio.gather(*(world.ok(token, "GET", "/v1/me") for token in people[few : few + 20]))
    return Crowd(await world.association(), company, people)

"""Rate limits over real server processes, and over a Redis that is refused, frozen, killed and back."""

import asyncio
import os
import secrets
import time
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from pathlib import Path
from signal import SIGCONT, SIGKILL, SIGSTOP
from typing import Any

import httpx
import pytest
import structlog
from litestar import Litestar
from structlog.testing import capture_logs

from api.app import create_litestar
from api.core import rates
from api.core.ids import new_id
from api.core.settings import read_settings
from api.dev.processes import free_port, stop
from api.dev.valkey import ValkeyServer, valkey
from api.identity import service as identity
from tests.faults.stage import Place, connected
from tests.make.processes import serving
from tests.make.served import served

SMTP = "smtp://127.0.0.1:1"
HOUR = timedelta(hours=1)


async def hammered(addresses: list[str], times: int, headers: Callable[[], dict[str, str]]) -> Counter[int]:
    """Ask every process in turn, all at once, and count the statuses."""
    async with httpx.AsyncClient(trust_env=False, timeout=30) as client:
        answers = await asyncio.gather(
            *(
                client.get(f"{addresses[number % len(addresses)]}/v1/me", headers=headers())
                for number in range(times)
            )
        )
    for answer in answers:
        assert answer.status_code != 429 or 1 <= int(answer.headers["retry-after"]) <= 60
    return Counter(answer.status_code for answer in answers)


async def test_of_a_hundred_at_once_over_four_processes_exactly_ten_pass(
    place: Place, cache: ValkeyServer
) -> None:
    limits = {"caller_limit": "10/minute", "network_limit": "500/minute"}
    environment = place.environment(cache.url, SMTP, **limits, trusted_proxies="127.0.0.0/8")
    async with connected(environment):
        one, other = [await identity.issue_token(f"{secrets.token_hex(4)}@a.example", HOUR) for _ in range(2)]
    with serving(*[environment] * 4) as addresses:
        for token in (one, other):
            bearer = {"Authorization": f"Bearer {token}"}
            assert await hammered(addresses, 100, partial(dict, bearer)) == {200: 10, 429: 90}


async def test_of_a_hundred_guesses_at_once_exactly_ten_are_looked_at(
    place: Place, cache: ValkeyServer
) -> None:
    limits = {"caller_limit": "500/minute", "network_limit": "10/minute"}
    environment = place.environment(cache.url, SMTP, **limits, trusted_proxies="127.0.0.0/8")

    def guess() -> dict[str, str]:
        spoofed = f"198.51.100.{secrets.randbelow(250)}, 203.0.113.77"
        return {"Authorization": f"Bearer mls_{secrets.token_hex(8)}", "X-Forwarded-For": spoofed}

    with serving(*[environment] * 4) as addresses:
        assert await hammered(addresses, 100, guess) == {401: 10, 429: 90}


async def test_without_redis_each_process_keeps_the_limit_for_itself(place: Place) -> None:
    """What the shared window is for: without it, four processes let four times as many pass."""
    limits = {"caller_limit": "10/minute", "network_limit": "500/minute"}
    environment = place.environment(f"redis://127.0.0.1:{free_port()}/0", SMTP, **limits)
    async with connected(environment):
        token = await identity.issue_token(f"{secrets.token_hex(4)}@a.example", HOUR)
    with serving(*[environment] * 4) as addresses:
        bearer = {"Authorization": f"Bearer {token}"}
        assert await hammered(addresses, 100, lambda: bearer) == {200: 40, 429: 60}


class Asked:
    """An application on a Redis that the test breaks, and its log of what became of it."""

    def __init__(self, app: Litestar, client: httpx.AsyncClient, token: str) -> None:
        self.app = app
        self.client = client
        self.headers = {"Authorization": f"Bearer {token}"}

    async def ask(self) -> tuple[int, float]:
        """Give the status, and the seconds that it took."""
        begun = time.perf_counter()
        answer = await self.client.get("/v1/me", headers=self.headers)
        return answer.status_code, time.perf_counter() - begun

    async def all_pass(self, times: int) -> list[float]:
        """Ask one after the other; gives how long each took."""
        answers = [await self.ask() for _ in range(times)]
        assert {status for status, _ in answers} == {200}
        return [seconds for _, seconds in answers]


def states(told: list[Any]) -> list[str]:
    """Give what was logged of the limits, in its order."""
    return [event["state"] for event in told if event["event"] == "rate limits"]


async def until_back(asked: Asked, told: list[Any], times: int) -> None:
    """Go on asking until Redis counts again."""
    async with asyncio.timeout(30):
        while states(told) != ["redis away", "redis back"] * times:
            assert (await asked.ask())[0] == 200
            await asyncio.sleep(0.05)


async def test_a_frozen_and_a_killed_redis_cost_one_request_a_moment_and_nobody_an_answer(
    place: Place, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rates, "log", structlog.get_logger())
    with valkey(folder / "one") as first:
        environment = place.environment(first.url, SMTP)
        settings = read_settings(environment)
        app = create_litestar(settings)
        async with served(app, settings) as client:
            token = await identity.issue_token(f"{secrets.token_hex(4)}@a.example", HOUR)
            asked = Asked(app, client, token)
            with capture_logs() as told:
                await asked.all_pass(50)
                assert states(told) == []

                os.kill(first.pid, SIGSTOP)
                try:
                    took = await asked.all_pass(20)
                    assert took[0] >= rates.PATIENCE
                    assert sorted(took)[-2] < rates.PATIENCE
                    assert max(took) < 1
                    assert states(told) == ["redis away"]
                finally:
                    os.kill(first.pid, SIGCONT)
                await until_back(asked, told, 1)

                stop(first.process, SIGKILL, 5)
                assert max(await asked.all_pass(20)) < 1
                assert states(told) == ["redis away", "redis back", "redis away"]
                with valkey(folder / "two", first.port):
                    await until_back(asked, told, 2)
                    await asked.all_pass(5)
            assert not any(token in str(event) or "example" in str(event) for event in told)


async def test_a_process_that_stalls_itself_does_not_blame_redis(
    place: Place, cache: ValkeyServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rates, "log", structlog.get_logger())
    limits = rates.RateLimits(read_settings(place.environment(cache.url, SMTP)))
    caller = new_id()
    try:
        with capture_logs() as told:
            for _ in range(50):
                await limits.spend_of_caller(caller)
            for turns in range(12):
                spent = asyncio.create_task(limits.spend_of_caller(caller))
                for _ in range(turns):
                    await asyncio.sleep(0)
                stall = time.monotonic() + 2 * rates.PATIENCE
                while time.monotonic() < stall:
                    pass
                await spent
            assert states(told) == []
    finally:
        await limits.close()


async def test_a_limit_holds_while_redis_is_killed_in_the_middle(place: Place, folder: Path) -> None:
    with valkey(folder / "one") as server:
        settings = read_settings(place.environment(server.url, SMTP, caller_limit="6/minute"))
        app = create_litestar(settings)
        async with served(app, settings) as client:
            token = await identity.issue_token(f"{secrets.token_hex(4)}@a.example", HOUR)
            asked = Asked(app, client, token)
            before = [(await asked.ask())[0] for _ in range(4)]
            stop(server.process, SIGKILL, 5)
            # The process counts anew: what it does not know it does not hold against anybody.
            after = [(await asked.ask())[0] for _ in range(10)]
    assert before == [200] * 4
    assert after == [200] * 6 + [429] * 4

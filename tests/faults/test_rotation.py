"""MAILLON_SECRETS rotates while people read on: processes of neighbouring steps believe each other's cursors."""

import asyncio
import itertools
import secrets
import shlex
from collections.abc import Iterator
from datetime import timedelta
from signal import SIGKILL
from subprocess import PIPE
from typing import NamedTuple

import httpx
import pytest
import pytest_asyncio

from api.dev.processes import stop
from api.dev.valkey import ValkeyServer
from api.identity import service as identity
from tests.faults.stage import QUICK, Place, connected, python, until
from tests.make.processes import serving

SMTP = "smtp://127.0.0.1:1"
SESSIONS = 4
READERS = 8
PAGES = 120
"""Read at each step, by all readers together."""


@pytest.fixture
def environment(place: Place, cache: ValkeyServer) -> dict[str, str]:
    rate = "99999/second"
    return place.environment(cache.url, SMTP, caller_limit=rate, network_limit=rate)


@pytest_asyncio.fixture
async def token(environment: dict[str, str]) -> str:
    """Somebody whose list has several pages: their sessions."""
    email = f"{secrets.token_hex(4)}@exemple.example"
    async with connected(environment):
        tokens = [await identity.issue_token(email, timedelta(hours=1)) for _ in range(SESSIONS)]
    return tokens[0]


def steps(environment: dict[str, str]) -> list[str]:
    """Give the values that `maillon secret rotate` prints, one a step."""
    process = python("-m", "api.cli", "secret", "rotate", environment=environment, stdout=PIPE)
    try:
        printed = process.communicate(timeout=60)[0].decode()
    finally:
        stop(process, SIGKILL, 5)
    assert process.returncode == 0
    words = shlex.split(printed, comments=True)
    return [word.removeprefix("MAILLON_SECRETS=") for word in words]


class Fleet:
    """The processes that serve now, each asked in its turn, and what the readers met."""

    def __init__(self, token: str) -> None:
        self.headers = {"Authorization": f"Bearer {token}"}
        self.turns: Iterator[str] = iter(())
        self.pages = 0
        self.failed: list[str] = []

    async def read_on(self, client: httpx.AsyncClient) -> None:
        """Read the whole list again and again, a page of one at a time, from whoever serves."""
        while True:
            cursor, seen = None, 0
            while seen == 0 or cursor:
                address = next(self.turns)
                asked = {"limit": "1"} | ({"cursor": cursor} if cursor else {})
                answer = await client.get(f"{address}/v1/auth/sessions", params=asked, headers=self.headers)
                self.pages += 1
                if answer.status_code != 200:
                    self.failed.append(answer.text)
                    break
                cursor, seen = answer.json()["next"], seen + 1
            else:
                assert seen == SESSIONS

    async def served_by(self, *addresses: str) -> None:
        """Let these serve from now on, and wait until they have given enough pages."""
        self.turns = itertools.cycle(addresses)
        enough = self.pages + PAGES

        async def are_read() -> bool:
            return self.pages >= enough

        await until(are_read, 30)


async def read(token: str, *phases: tuple[str, ...]) -> Fleet:
    """Read all the while through the phases, each the addresses that serve."""
    fleet = Fleet(token)
    fleet.turns = itertools.cycle(phases[0])
    async with httpx.AsyncClient(trust_env=False, timeout=30) as client:
        readers = [asyncio.create_task(fleet.read_on(client)) for _ in range(READERS)]
        for phase in phases:
            await fleet.served_by(*phase)
        broken = [reader.exception() for reader in readers if reader.done()]
        for reader in readers:
            reader.cancel()
        await asyncio.gather(*readers, return_exceptions=True)
    assert broken == []
    return fleet


class Steps(NamedTuple):
    """The values of MAILLON_SECRETS, from before a rotation to its end."""

    before: str
    believed: str
    used: str
    alone: str


async def test_no_page_fails_while_the_secrets_rotate(environment: dict[str, str], token: str) -> None:
    at = Steps(QUICK["MAILLON_SECRETS"], *steps(environment))
    new = at.alone
    assert len(new) >= 32
    assert (at.believed, at.used) == (f"{at.before},{new}", f"{new},{at.before}")
    assert new not in steps(environment)
    each = [environment | {"MAILLON_SECRETS": value} for value in at]
    with serving(*each[:3]) as (before, believed, used):
        phases = [(before,), (before, believed), (believed,), (believed, used), (used,)]
        fleet = await read(token, *phases)
        assert fleet.failed == []
        assert fleet.pages >= PAGES * len(phases)

        hasty = await read(token, (before, used))
        assert hasty.failed, "a new secret that signs before all believe it should have been refused"
        assert all("/problems/malformed" in text for text in hasty.failed)

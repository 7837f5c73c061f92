"""Rate limits over HTTP: who is counted, by what, how long they wait, and what it costs Redis."""

import asyncio
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import httpx
import msgspec
import pytest
from litestar import Litestar
from redis.asyncio import Redis

from api.app import create_litestar, edged
from api.core.database import close_pools, open_pools
from api.core.settings import Settings
from api.identity import service as identity
from api.identity.sessions import COOKIE
from tests.api.core.asking import assert_problem
from tests.make.world import World

HOUR = timedelta(hours=1)


@asynccontextmanager
async def limited(settings: Settings, **changes: Any) -> AsyncIterator[Litestar]:
    """Make an application with other limits, and give its connections back."""
    app = create_litestar(msgspec.structs.replace(settings, **changes))
    try:
        yield app
    finally:
        await app.state.rates.close()


def network() -> str:
    """Give an address in a network that nobody has asked from."""
    return f"2001:db8:{secrets.token_hex(2)}:{secrets.token_hex(2)}::1"


@asynccontextmanager
async def asking(app: Litestar, address: str) -> AsyncIterator[httpx.AsyncClient]:
    edge: Any = edged(app)
    transport = httpx.ASGITransport(edge, raise_app_exceptions=False, client=(address, 1))
    async with httpx.AsyncClient(transport=transport, base_url="http://maillon") as client:
        yield client


async def ask(client: httpx.AsyncClient, token: str | None = None, **headers: str) -> int:
    """Ask for what anybody may read, and give the status."""
    if token:
        headers["Authorization"] = f"Bearer {token}"
    return (await client.get("/v1/missions", headers=headers)).status_code


async def test_a_person_is_counted_whatever_they_show_and_shares_with_nobody(
    world: World, settings: Settings
) -> None:
    email = f"{secrets.token_hex(4)}@exemple.example"
    one, two, third = [await identity.issue_token(email, HOUR) for _ in range(3)]
    other = await world.person()
    async with limited(settings, caller_limit="5/minute") as app, asking(app, network()) as client:
        assert [await ask(client, token) for token in (one, two, one, two)] == [200] * 4
        assert await ask(client, Cookie=f"{COOKIE}={third}") == 200
        for headers in (
            {"Authorization": f"Bearer {one}"},
            {"Authorization": f"Bearer {two}"},
            {"Cookie": f"{COOKIE}={third}"},
        ):
            refused = await client.get("/v1/me", headers=headers)
            assert_problem(refused, 429, "too-many-requests")
            assert 1 <= int(refused.headers["retry-after"]) <= 60
        assert await ask(client, other) == 200
        assert await ask(client) == 200


async def test_a_key_is_counted_for_itself(world: World, settings: Settings) -> None:
    company = await world.company()
    path, body = f"/v1/organisations/{company.id}/api-keys", {"name": "Tableur", "scopes": ["ledger:read"]}
    one, other = [(await world.ok(company.admin, "POST", path, body))["key"] for _ in range(2)]
    async with limited(settings, caller_limit="2/minute") as app, asking(app, network()) as client:
        assert [await ask(client, one) for _ in range(3)] == [200, 200, 429]
        assert [await ask(client, token) for token in (other, company.admin)] == [200, 200]


async def test_whoever_waits_as_long_as_told_passes_again(world: World, settings: Settings) -> None:
    token = await world.person()
    async with limited(settings, caller_limit="3/2 second") as app, asking(app, network()) as client:
        assert [await ask(client, token) for _ in range(3)] == [200] * 3
        refused = await client.get("/v1/me", headers={"Authorization": f"Bearer {token}"})
        assert refused.status_code == 429
        seconds = int(refused.headers["retry-after"])
        assert 1 <= seconds <= 2
        await asyncio.sleep(seconds)
        assert [await ask(client, token) for _ in range(4)] == [200, 200, 200, 429]


@pytest.mark.parametrize("credential", [None, "mls_guess", "mln_" + "x" * 38, "a.jw.t", "nothing"])
async def test_nobody_asks_the_database_once_their_network_is_full(
    client: httpx.AsyncClient, settings: Settings, credential: str | None
) -> None:
    address = network()
    near = address[:-1] + "ffff"
    assert (await client.get("/healthz")).status_code == 200
    await close_pools()
    away = {"database_url": "postgresql://maillon_app@127.0.0.1:1/maillon", "network_limit": "4/minute"}
    await open_pools(msgspec.structs.replace(settings, database_url=away["database_url"]))
    try:
        async with (
            limited(settings, **away) as app,
            asking(app, address) as here,
            asking(app, near) as beside,
            asking(app, network()) as far,
        ):
            passed = {await ask(asked, credential) for asked in (here, beside) * 2}
            assert passed <= {401, 503}
            assert [await ask(asked, credential) for asked in (here, beside)] == [429, 429]
            assert await ask(far, credential) in passed
    finally:
        await close_pools()
        await open_pools(settings)


async def test_guesses_of_a_network_close_it_to_strangers_not_to_whom_it_knows(
    world: World, settings: Settings
) -> None:
    known, stranger = await world.person(), await world.person()
    async with limited(settings, network_limit="5/minute") as app, asking(app, network()) as client:
        assert await ask(client, known) == 200
        assert [await ask(client, f"mls_{number}") for number in range(5)] == [401] * 4 + [429]
        assert await ask(client, stranger) == 429
        assert [await ask(client, known) for _ in range(10)] == [200] * 10


async def test_a_credential_that_held_once_is_a_guess_like_another_when_it_ended(
    world: World, settings: Settings
) -> None:
    token = await world.person()
    async with limited(settings, network_limit="3/minute") as app, asking(app, network()) as client:
        assert await ask(client, token) == 200
        ended = await client.delete("/v1/auth/sessions/current", headers={"Authorization": f"Bearer {token}"})
        assert ended.status_code == 204
        assert [await ask(client, token) for _ in range(5)] == [401, 401, 401, 429, 429]


async def test_a_forwarded_address_is_not_believed_but_from_a_proxy(
    client: httpx.AsyncClient, settings: Settings
) -> None:
    assert (await client.get("/healthz")).status_code == 200
    async with limited(settings, network_limit="3/minute") as app, asking(app, network()) as direct:
        answers = [await ask(direct, **{"X-Forwarded-For": f"203.0.113.{number}"}) for number in range(5)]
        assert answers == [200] * 3 + [429] * 2


async def forwarded(client: httpx.AsyncClient, *lines: str) -> int:
    headers = [("X-Forwarded-For", line) for line in lines]
    return (await client.get("/v1/missions", headers=headers)).status_code


async def test_behind_a_proxy_the_client_is_counted_whatever_it_wrote_itself(
    client: httpx.AsyncClient, settings: Settings
) -> None:
    assert (await client.get("/healthz")).status_code == 200
    changes: dict[str, Any] = {"network_limit": "3/minute", "trusted_proxies": ("10.1.0.0/16",)}
    mine, other = network(), network()
    async with limited(settings, **changes) as app, asking(app, "10.1.2.3") as proxy:
        assert await forwarded(proxy, mine) == 200
        assert await forwarded(proxy, f"{network()}, {mine}") == 200
        # A proxy may add a line of its own below the client's: all of them are one list (RFC 9110, 5.3).
        assert await forwarded(proxy, network(), mine) == 200
        assert await forwarded(proxy, f"{network()}, {mine}") == 429
        assert await forwarded(proxy, network(), f"{mine}, 10.1.9.9") == 429
        assert await forwarded(proxy, other) == 200


async def test_probes_are_never_counted_and_look_at_nobody(world: World, settings: Settings) -> None:
    token = await world.person()
    async with limited(settings, network_limit="1/minute") as app, asking(app, network()) as client:
        assert [await ask(client) for _ in range(2)] == [200, 429]
        for path, status in (("/healthz", 200), ("/readyz", 200), ("/metrics", 404)):
            for given in (None, token, "mls_guess"):
                headers = {"Authorization": f"Bearer {given}"} if given else {}
                assert [(await client.get(path, headers=headers)).status_code for _ in range(3)] == [
                    status
                ] * 3


async def test_two_processes_take_turns_at_one_window(world: World, settings: Settings) -> None:
    token = await world.person()
    address = network()
    async with (
        limited(settings, caller_limit="5/minute") as first,
        limited(settings, caller_limit="5/minute") as second,
        asking(first, address) as one,
        asking(second, address) as two,
    ):
        answers = [await ask(client, token) for client in (one, two) * 4]
    assert answers == [200] * 5 + [429] * 3


async def redis_did(redis: Redis) -> tuple[int, int]:
    """Count the scripts that Redis ran, and the connections it took."""
    ran = (await redis.info("commandstats")).get("cmdstat_evalsha", {}).get("calls", 0)
    return ran, (await redis.info("stats"))["total_connections_received"]


async def test_a_request_asks_redis_once_over_a_connection_that_stays_and_a_refused_one_never(
    world: World, settings: Settings
) -> None:
    token = await world.person()
    redis = Redis.from_url(settings.redis_url)
    try:
        async with limited(settings, caller_limit="25/minute") as app, asking(app, network()) as client:
            assert await ask(client, token) == 200
            ran, connections = await redis_did(redis)
            assert [await ask(client, token) for _ in range(24)] == [200] * 24
            assert await redis_did(redis) == (ran + 24, connections)
            assert await ask(client, token) == 429
            told = await redis_did(redis)
            assert [await ask(client, token) for _ in range(10)] == [429] * 10
            assert await redis_did(redis) == told
    finally:
        await redis.aclose()

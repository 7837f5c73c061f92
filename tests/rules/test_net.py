"""The guarded client: what it reaches, what it refuses however it is spelled, and what bounds it."""

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from ipaddress import ip_address
from typing import Any

import msgspec
import pytest

from api.core import net
from api.core.settings import Settings

Answer = Callable[[asyncio.StreamWriter], Awaitable[None]]
_SETTINGS = Settings(database_url="x://x", redis_url="redis://x", smtp_url="x://x", secrets=("x" * 32,))
CLOSED = net.reach(_SETTINGS)
LOCAL = net.reach(msgspec.structs.replace(_SETTINGS, development=True))
OURS = net.reach(msgspec.structs.replace(_SETTINGS, private_networks=("10.1.0.0/16",)))


@asynccontextmanager
async def _server(answer: Answer) -> AsyncIterator[str]:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        await answer(writer)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


@pytest.mark.parametrize(
    "address", ["93.184.216.34", "2606:2800:220:1::1", "64:ff9b::5db8:d822", "::ffff:93.184.216.34"]
)
def test_public_addresses_are_reached(address: str) -> None:
    assert net.is_allowed(ip_address(address))


@pytest.mark.parametrize(
    "address",
    [
        *("127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0"),
        *(
            "224.0.0.1",
            "255.255.255.255",
            "198.18.0.1",
            "192.0.2.1",
            "::1",
            "::",
            "fe80::1",
            "fc00::1",
            "ff02::1",
        ),
        *(
            "::ffff:127.0.0.1",
            "::127.0.0.1",
            "64:ff9b::7f00:1",
            "64:ff9b::a01:203",
            "2002:7f00:1::",
            "2002:a01:203::1",
        ),
        *("2001:0:4136:e378:8000:63bf:3fff:fdd2", "64:ff9b:1::1", "fec0::1", "2001:db8::1"),
    ],
)
def test_every_other_address_is_refused(address: str) -> None:
    assert not net.is_allowed(ip_address(address))


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "2130706433", "0x7f000001", "0177.0.0.1", "127.1", "localhost", "[::1]", "[::ffff:7f00:1]"],
)
async def test_loopback_is_refused_however_it_is_spelled(host: str) -> None:
    with pytest.raises(net.AddressRefused):
        await net.fetch(f"http://{host}:9/", CLOSED)


async def test_a_name_with_one_private_answer_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    async def resolve(*_: Any, **__: Any) -> list[Any]:
        return [(socket.AF_INET, 1, 6, "", (address, 80)) for address in ("93.184.216.34", "10.0.0.1")]

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", resolve)

    with pytest.raises(net.AddressRefused):
        await net.fetch("http://both.example/", CLOSED)


@pytest.mark.parametrize(
    ("direct", "forwarded", "client"),
    [
        ("203.0.113.9", "198.51.100.7", "203.0.113.9"),
        ("10.1.0.1", "198.51.100.7", "198.51.100.7"),
        ("10.1.0.1", "127.0.0.1, 198.51.100.7", "198.51.100.7"),
        ("10.1.0.1", "198.51.100.7, 10.1.0.2", "198.51.100.7"),
        ("10.1.0.1", "garbage", "10.1.0.1"),
        ("10.1.0.1", "", "10.1.0.1"),
        (None, "198.51.100.7", None),
    ],
)
def test_only_what_a_trusted_proxy_says_of_a_client_is_believed(
    direct: str | None, forwarded: str, client: str | None
) -> None:
    assert net.client_address(direct, forwarded, net.networks("10.1.0.0/16")) == client


def test_the_operators_networks_are_reached_and_no_more() -> None:
    assert net.is_allowed(ip_address("10.1.2.3"), OURS)
    assert net.is_allowed(ip_address("::ffff:10.1.2.3"), OURS)
    assert not net.is_allowed(ip_address("10.2.0.1"), OURS)
    assert not net.is_allowed(ip_address("127.0.0.1"), OURS)


async def test_loopback_is_reached_in_development() -> None:
    async def answer(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")

    async with _server(answer) as url:
        assert await net.fetch(url, LOCAL) == b"{}"


@pytest.mark.parametrize(
    "answered",
    [
        b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:9/\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 300000\r\n\r\n" + b"x" * 300_000,
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + b"10000\r\n" + b"x" * 65536 + b"\r\n" * 9,
        b"garbage\r\n\r\n",
        b"",
    ],
)
async def test_anything_but_a_bounded_200_is_an_error(answered: bytes) -> None:
    async def answer(writer: asyncio.StreamWriter) -> None:
        writer.write(answered)

    async with _server(answer) as url:
        with pytest.raises((OSError, ValueError)):
            await net.fetch(url, LOCAL)


async def test_a_silent_server_is_left_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    async def answer(_: asyncio.StreamWriter) -> None:
        await asyncio.sleep(1)

    monkeypatch.setattr(net, "SECONDS", 0.2)
    async with _server(answer) as url:
        with pytest.raises(TimeoutError):
            await net.fetch(url, LOCAL)

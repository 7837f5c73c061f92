"""The one HTTP client for addresses that a user supplies: it reaches the public internet and nothing else.

A name is resolved once, every answer is checked, and the connection is made to a checked address, so that a
second answer of the resolver changes nothing (SSRF, DNS rebinding). No redirect is followed.
"""

import asyncio
import socket
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Any, TypeAlias
from urllib.parse import urlencode, urlsplit

import httpcore
from litestar.connection import ASGIConnection

from api.core.settings import Settings

Reach: TypeAlias = tuple[IPv4Network | IPv6Network, ...]

MAX_BYTES = 200_000
SECONDS = 5.0

# What carries an IPv4 address inside an IPv6 one, and where: RFC 4291, 6052, 8215, 3056.
_TUNNELS = {
    IPv6Network("::/96"): 0,
    IPv6Network("::ffff:0:0/96"): 0,
    IPv6Network("64:ff9b::/96"): 0,
    IPv6Network("64:ff9b:1::/96"): 0,
    IPv6Network("2002::/16"): 80,
}
_NEVER = (IPv6Network("2001::/32"), IPv6Network("64:ff9b:1::/48"), IPv6Network("fec0::/10"))


class AddressRefused(ValueError):
    """The address leads where a user's address must not lead."""


def reach(settings: Settings) -> Reach:
    """Give the networks that may be reached besides the public internet: the operator's, loopback in development."""
    loopback = ("127.0.0.0/8", "::1/128") if settings.development else ()
    return networks(*settings.private_networks, *loopback)


def networks(*texts: str) -> Reach:
    """Read networks in CIDR form; raises ValueError."""
    return tuple(ip_network(text, strict=False) for text in texts)


def is_allowed(address: IPv4Address | IPv6Address, networks: Reach = ()) -> bool:
    """Tell whether an address is public, or in one of the networks."""
    if any(address.version == network.version and address in network for network in networks):
        return True
    if isinstance(address, IPv6Address):
        for network, shift in _TUNNELS.items():
            if address in network:
                return is_allowed(IPv4Address(int(address) >> shift & 0xFFFFFFFF), networks)
        if any(address in network for network in _NEVER):
            return False
    return address.is_global and not address.is_multicast


class _Guarded(httpcore.AsyncNetworkBackend):
    """Connects to the address that was checked."""

    def __init__(self, networks: Reach) -> None:
        self._networks = networks
        self._inner = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        *rest: Any,
        **options: Any,
    ) -> httpcore.AsyncNetworkStream:
        loop = asyncio.get_running_loop()
        answers = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        addresses = [ip_address(answer[4][0]) for answer in answers]
        if not addresses or not all(is_allowed(address, self._networks) for address in addresses):
            raise AddressRefused(host)
        return await self._inner.connect_tcp(str(addresses[0]), port, *rest, **options)


def client_address(direct: str | None, forwarded_for: str, proxies: Reach) -> str | None:
    """Give the address a request came from: what trusted proxies say, back to the first hop that is not one.

    Whatever stands further left in X-Forwarded-For was written by the client and is not believed.
    """
    hops = [hop.strip() for hop in forwarded_for.split(",") if hop.strip()][-20:]
    address = direct
    try:
        while hops and address is not None and _is_proxy(ip_address(address), proxies):
            address = str(ip_address(hops.pop()))
    except ValueError:
        pass
    return address


def address_of(connection: ASGIConnection[Any, Any, Any, Any]) -> str | None:
    """Give the address that a request came from, as far as the operator's proxies are believed."""
    direct = connection.client.host if connection.client else None
    # A proxy may add a line of its own below the client's: all of them are one list (RFC 9110, 5.3).
    forwarded_for = ",".join(connection.headers.getall("x-forwarded-for", []))
    return client_address(direct, forwarded_for, connection.app.state.proxies)


def network_of(address: str | None) -> str:
    """Give the network that a client counts in: an IPv4 address, or the /64 of an IPv6 one."""
    try:
        parsed = ip_address((address or "").partition("%")[0])
    except ValueError:
        return "unknown"
    if isinstance(parsed, IPv6Address):
        if parsed.ipv4_mapped is None:
            return str(ip_network((parsed, 64), strict=False))
        parsed = parsed.ipv4_mapped
    return str(parsed)


def _is_proxy(address: IPv4Address | IPv6Address, proxies: Reach) -> bool:
    return any(address.version == network.version and address in network for network in proxies)


class Answered(ValueError):
    """The other side answered something else than 200; carries its `status`."""

    def __init__(self, status: int) -> None:
        super().__init__(f"answered {status}")
        self.status = status


def origin_of(url: str) -> str:
    """Give the origin of an address as a browser writes it (RFC 6454): scheme, host, and a port of its own."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}".lower()


async def fetch(
    url: str, networks: Reach, *, headers: dict[str, str] | None = None, form: dict[str, str] | None = None
) -> bytes:
    """Give what a GET, or a POST of a form, answers with 200, at most 200 000 bytes within 5 seconds.

    Raises AddressRefused, Answered, and OSError, TimeoutError or ValueError for anything else.
    """
    sent: dict[str | bytes, str | bytes] = {"Accept": "application/json", "Accept-Encoding": "identity"}
    sent.update(headers or {})
    if form is not None:
        sent["Content-Type"] = "application/x-www-form-urlencoded"
    try:
        async with (
            asyncio.timeout(SECONDS),
            httpcore.AsyncConnectionPool(network_backend=_Guarded(networks)) as pool,
            pool.stream(
                "GET" if form is None else "POST",
                url,
                headers=sent,
                content=None if form is None else urlencode(form).encode(),
            ) as answer,
        ):
            if answer.status != 200:
                raise Answered(answer.status)
            return await _bounded(answer)
    except (httpcore.NetworkError, httpcore.ProtocolError, httpcore.UnsupportedProtocol) as error:
        raise OSError(type(error).__name__) from None
    except httpcore.TimeoutException:
        raise TimeoutError from None


async def _bounded(answer: httpcore.Response) -> bytes:
    body = b""
    async for chunk in answer.aiter_stream():
        body += chunk
        if len(body) > MAX_BYTES:
            raise ValueError("too large")
    return body

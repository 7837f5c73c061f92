"""A load generator: so many keep-alive connections, each asking again as soon as it is answered."""

import asyncio
import re
import time
from collections.abc import Iterator, Sequence
from itertools import cycle, islice
from typing import Any, NamedTuple

_LENGTH = re.compile(rb"\r\ncontent-length: (\d+)\r\n", re.IGNORECASE)


class Round(NamedTuple):
    """Answers a second, and the median and 99th percentile of an answer's time in milliseconds."""

    per_second: float
    median: float
    p99: float


async def load(port: int, paths: Sequence[str], token: str, *, connections: int, seconds: float) -> Round:
    """Ask for the paths in turn for so long; raises RuntimeError on any error."""
    requests = [
        f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nAuthorization: Bearer {token}\r\n\r\n".encode()
        for path in paths
    ]
    sent = [islice(cycle(requests), each * 7 % len(requests), None) for each in range(connections)]
    return await drive(port, sent, seconds)


async def drive(port: int, sent: Sequence[Iterator[bytes]], seconds: float) -> Round:
    """Send requests, each connection its own, for so long or until none is left; raises RuntimeError on any error."""
    started = time.perf_counter()
    asked = await asyncio.gather(*(_ask(port, each, started + seconds) for each in sent))
    elapsed = time.perf_counter() - started
    times = sorted(took for each in asked for took in each)
    return Round(len(times) / elapsed, times[len(times) // 2] * 1000, times[int(len(times) * 0.99)] * 1000)


async def _ask(port: int, requests: Iterator[bytes], until: float) -> list[float]:
    loop = asyncio.get_running_loop()
    transport, asker = await loop.create_connection(lambda: _Asker(requests, until), "127.0.0.1", port)
    try:
        return await asker.done
    finally:
        transport.close()


class _Asker(asyncio.Protocol):
    """One connection: cheaper than streams, for it shares its cores with what it measures."""

    def __init__(self, requests: Iterator[bytes], until: float) -> None:
        self.requests, self.until = requests, until
        self.done: asyncio.Future[list[float]] = asyncio.get_running_loop().create_future()
        self.times: list[float] = []
        self.answer = bytearray()

    def connection_made(self, transport: Any) -> None:
        self.transport = transport
        self.ask()

    def ask(self) -> None:
        self.begun = time.perf_counter()
        request = next(self.requests, None) if self.begun < self.until else None
        if request:
            self.transport.write(request)
        else:
            self.done.set_result(self.times)

    def data_received(self, data: bytes) -> None:
        self.answer += data
        end = self.answer.find(b"\r\n\r\n")
        length = _LENGTH.search(self.answer, 0, end + 2) if end > 0 else None
        if length is None or len(self.answer) < end + 4 + int(length[1]):
            return
        if not self.answer.startswith(b"HTTP/1.1 20"):
            self.done.set_exception(RuntimeError(self.answer[:2000].decode()))
            return
        self.times.append(time.perf_counter() - self.begun)
        self.answer.clear()
        self.ask()

    def connection_lost(self, error: Exception | None) -> None:
        if not self.done.done():
            self.done.set_exception(error or ConnectionResetError("the server hung up"))

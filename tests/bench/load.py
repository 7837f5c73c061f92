"""A load generator: so many keep-alive connections, each asking again as soon as it is answered."""

import asyncio
import re
import time
from typing import NamedTuple

_LENGTH = re.compile(rb"content-length: (\d+)", re.IGNORECASE)


class Round(NamedTuple):
    """Answers a second, and the median and 99th percentile of an answer's time in milliseconds."""

    per_second: float
    median: float
    p99: float


async def load(port: int, path: str, token: str, *, connections: int, seconds: float) -> Round:
    """Ask for a path for so long; raises RuntimeError on any answer but 200."""
    request = (
        f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nAuthorization: Bearer {token}\r\n\r\n".encode()
    )
    started = time.perf_counter()
    asked = await asyncio.gather(*(_ask(port, request, started + seconds) for _ in range(connections)))
    times = sorted(took for each in asked for took in each)
    elapsed = time.perf_counter() - started
    return Round(len(times) / elapsed, times[len(times) // 2] * 1000, times[int(len(times) * 0.99)] * 1000)


async def _ask(port: int, request: bytes, until: float) -> list[float]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    times = []
    while (begun := time.perf_counter()) < until:
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        length = _LENGTH.search(head)
        if b" 200 " not in head[:20] or length is None:
            raise RuntimeError(head.decode())
        await reader.readexactly(int(length[1]))
        times.append(time.perf_counter() - begun)
    writer.close()
    await writer.wait_closed()
    return times

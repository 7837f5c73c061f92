"""Rate limits: a moving window in Redis, exact over all processes, and one in memory while Redis is away."""

import asyncio
import time
from collections.abc import Coroutine
from contextlib import suppress
from typing import TypeVar
from uuid import UUID

import structlog
from limits import RateLimitItem, parse
from limits.aio.storage import MemoryStorage, RedisStorage
from limits.aio.strategies import MovingWindowRateLimiter
from redis.asyncio import BlockingConnectionPool
from redis.exceptions import RedisError

from api.core import clock
from api.core.problems import TooManyRequests
from api.core.settings import Settings

T = TypeVar("T")
K = TypeVar("K")

PATIENCE = 0.1
"""Seconds in which Redis must say something, to anybody; more where it was slow of late."""
RETRY = 3.0
"""Seconds in memory before Redis, once lost, is tried again by one request."""
_LATE, _LONGEST = 0.01, 5.0
_CONNECTIONS = 10
_REMEMBERED = 10_000

log = structlog.get_logger()


class RateLimits:
    """The limits of one process, which shares what it counts with all others of the same Redis."""

    def __init__(self, settings: Settings) -> None:
        self._of_caller = parse(settings.caller_limit)
        self._of_network = parse(settings.network_limit)
        self._pool = BlockingConnectionPool.from_url(
            settings.redis_url,
            max_connections=_CONNECTIONS,
            timeout=None,
            lib_name=None,  # with a name and a version, every connection begins with two more questions
            lib_version=None,
        )
        shared = RedisStorage(
            "async+redis://",
            implementation="redispy",
            key_prefix="maillon",
            connection_pool=self._pool,  # type: ignore[arg-type]
        )
        self._shared = MovingWindowRateLimiter(shared)
        self._own = MovingWindowRateLimiter(MemoryStorage())
        self._away, self._retry_at = False, 0.0
        self._heard_at, self._slowest = 0.0, 1.0
        self._full: dict[str, float] = {}
        self._callers: dict[bytes, UUID] = {}

    async def spend_of_caller(self, caller: UUID) -> None:
        """Count a request of a person or key; raises TooManyRequests."""
        await self._spend(self._of_caller, f"caller {caller}")

    async def spend_of_network(self, network: str) -> None:
        """Count a request of somebody not known yet, by their network; raises TooManyRequests."""
        await self._spend(self._of_network, f"network {network}")

    def caller_of(self, credential: bytes) -> UUID | None:
        """Give whose a credential was when it last held in this process, by its digest: counted, never trusted."""
        return self._callers.get(credential)

    def remember(self, credential: bytes, caller: UUID) -> None:
        """Note that a credential held."""
        _keep(self._callers, credential, caller)

    def forget(self, credential: bytes) -> None:
        """Note that a credential does not hold (any more)."""
        self._callers.pop(credential, None)

    async def open(self) -> None:
        """Reach Redis at leisure, before the first requests do in a hurry; without it, all goes on the same."""
        with suppress(TooManyRequests):
            await self.spend_of_network("nobody")

    async def close(self) -> None:
        """Give the connections back."""
        await self._pool.disconnect()

    async def _spend(self, rate: RateLimitItem, whose: str) -> None:
        # A full window stays full until its oldest entry leaves: Redis need not be asked about it meanwhile.
        full_until = self._full.get(whose, 0.0)
        if full_until <= time.monotonic():
            wait = await self._hit(rate, whose)
            if wait is None:
                return
            full_until = time.monotonic() + wait
            _keep(self._full, whose, full_until)
        raise TooManyRequests(seconds=int(full_until - time.monotonic()) + 1)

    async def _hit(self, rate: RateLimitItem, whose: str) -> float | None:
        if self._tries_redis():
            try:
                wait = await self._patiently(_hit(self._shared, rate, whose))
            except (RedisError, OSError, TimeoutError) as error:
                self._lose(error)
            else:
                self._find()
                return wait
        return await _hit(self._own, rate, whose)

    async def _patiently(self, work: Coroutine[None, None, T]) -> T:
        """Give what Redis answers; raises TimeoutError once it said nothing to anybody for longer than it is used to.

        A loop that comes late itself says nothing of Redis: under load an answer waits here, not there.
        """
        loop, begun = asyncio.get_running_loop(), time.monotonic()
        watch: asyncio.TimerHandle

        def look(since: float, patience: float) -> None:
            nonlocal watch
            now = time.monotonic()
            silent = self._heard_at < since and now < since + patience + _LATE
            if silent or now > begun + _LONGEST:
                deadline.reschedule(loop.time())
            else:
                watch = wait(now)

        def wait(since: float) -> asyncio.TimerHandle:
            patience = min(max(PATIENCE, 4 * self._slowest), 1.0)
            return loop.call_later(patience, look, since, patience)

        watch = wait(begun)
        try:
            async with asyncio.timeout(None) as deadline:
                answer = await work
        finally:
            watch.cancel()
        self._heard_at = time.monotonic()
        self._slowest = max(self._heard_at - begun, 0.9 * self._slowest)
        return answer

    def _tries_redis(self) -> bool:
        if not self._away:
            return True
        if time.monotonic() < self._retry_at:
            return False
        self._retry_at = time.monotonic() + RETRY  # one request tries, the others go on in memory meanwhile
        return True

    def _lose(self, error: Exception) -> None:
        if not self._away:
            log.warning("rate limits", state="redis away", error=type(error).__qualname__)
        self._away, self._retry_at, self._slowest = True, time.monotonic() + RETRY, 0.0

    def _find(self) -> None:
        if self._away:
            log.info("rate limits", state="redis back")
        self._away = False


async def _hit(limiter: MovingWindowRateLimiter, rate: RateLimitItem, whose: str) -> float | None:
    """Take a place in the window; gives None, or the seconds until one is free again."""
    if await limiter.hit(rate, whose):
        return None
    room_at, left = await limiter.get_window_stats(rate, whose)
    return 0.0 if left > 0 else max(0.0, room_at - clock.seconds())


def _keep(memory: dict[K, T], name: K, value: T) -> None:
    memory[name] = value
    if len(memory) > _REMEMBERED:
        del memory[next(iter(memory))]

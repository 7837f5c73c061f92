"""The worker's process: arq on Redis, with the relay and the schedule beside it."""

import asyncio
import contextlib
import ctypes
import os
import signal
import sys
from collections.abc import AsyncIterator, Coroutine
from typing import Any, NoReturn

import msgspec
import structlog
import uvloop
from arq.worker import Worker, func
from redis.exceptions import RedisError

from api.core import log as logs
from api.core import signing
from api.core.database import close_pools, open_pools
from api.core.settings import BadSettings, Settings, read_settings
from workers.reactions import REACTIONS
from workers.relay import QUEUE, Queue, keep_relaying, open_queue, serialize
from workers.runner import run_reaction
from workers.schedule import keep_schedule
from workers.supervise import MISCONFIGURED

log = structlog.get_logger()


def main() -> None:
    """Run a worker with the settings of the environment."""
    if sys.argv[1:2] == ["--supervisor"]:
        _die_with(int(sys.argv[2]))
    logs.configure()
    settings = _settings()
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(run_worker(settings))
    except (RedisError, OSError) as error:
        # arq does not outlive its Redis: the supervisor starts us again.
        log.warning("worker", state="redis away", error=type(error).__qualname__)
        sys.exit(1)


def _settings() -> Settings:
    try:
        settings = read_settings(os.environ)
    except BadSettings as error:
        _refuse(str(error))
    if not settings.database_ops_url:
        _refuse("Set MAILLON_DATABASE_OPS_URL: the worker needs it.")
    return settings


def _refuse(why: str) -> NoReturn:
    sys.stderr.write(f"{why}\n")
    sys.exit(MISCONFIGURED)


async def run_worker(settings: Settings) -> None:
    """Work until SIGTERM or SIGINT, then let what is under way end; raises when Redis goes away."""
    signing.trust(settings.secrets)
    await open_pools(settings)
    queue = open_queue(settings)
    worker = make_worker(settings, queue)
    log.info("worker", state="started", pid=os.getpid(), count=len(REACTIONS))
    try:
        async with _beside(keep_relaying(settings, queue), keep_schedule(settings, queue)):
            with contextlib.suppress(asyncio.CancelledError):  # arq's way to say that it was asked to stop
                await worker.async_run()
    finally:
        for task in worker.tasks.values():
            task.cancel()
        await asyncio.gather(*worker.tasks.values(), return_exceptions=True)
        await queue.aclose(close_connection_pool=True)
        await close_pools()
        log.info("worker", state="stopped", pid=os.getpid())


def make_worker(settings: Settings, queue: Queue) -> Worker:
    """Make the arq worker: PostgreSQL counts attempts and keeps results, arq neither."""
    return Worker(
        functions=[func(run_reaction, name="run_reaction")],
        redis_pool=queue,
        queue_name=QUEUE,
        ctx={"settings": settings},
        job_serializer=serialize,
        job_deserializer=msgspec.msgpack.decode,
        job_timeout=settings.job_timeout_seconds,
        max_jobs=settings.job_concurrency,
        max_tries=1_000_000,
        keep_result=0,
        poll_delay=0.1,
        health_check_interval=15,
        job_completion_wait=5,
        log_results=False,
    )


@contextlib.asynccontextmanager
async def _beside(*work: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    tasks = [asyncio.ensure_future(each) for each in work]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _die_with(supervisor: int) -> None:
    """Be killed when the supervisor dies, however it dies (Linux)."""
    if sys.platform == "linux":
        pr_set_pdeathsig = 1
        ctypes.CDLL(None).prctl(pr_set_pdeathsig, int(signal.SIGKILL), 0, 0, 0)
    if os.getppid() != supervisor:  # it died before the tie held
        sys.exit(1)


if __name__ == "__main__":
    main()

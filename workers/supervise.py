"""`maillon worker`: keeps a worker running, whether Redis goes away, which ends arq's, or it is killed."""

import asyncio
import contextlib
import os
import signal
import sys
import time

import structlog

MISCONFIGURED = 78
"""The exit code of a worker whose settings are wrong (EX_CONFIG of sysexits.h): it is not started again."""
FIRST_PAUSE = 0.5
LONGEST_PAUSE = 15.0
STEADY = 60.0
"""A worker that lived for so many seconds was well: the next pause is short again."""

log = structlog.get_logger()


def supervise() -> int:
    """Run a worker in a child process until SIGTERM or SIGINT, starting it again when it ends.

    Gives an exit code: 0 when asked to stop, else that of a worker whose settings are wrong.
    """
    return asyncio.run(_supervise())


async def _supervise() -> int:
    asked = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, asked.set)
    pause = FIRST_PAUSE
    while not asked.is_set():
        began = time.monotonic()
        code = await _one_life(asked)
        if asked.is_set() or code == MISCONFIGURED:
            return code if code == MISCONFIGURED else 0
        pause = FIRST_PAUSE if time.monotonic() - began > STEADY else min(pause * 2, LONGEST_PAUSE)
        await _wait(asked, pause)
    return 0


async def _one_life(asked: asyncio.Event) -> int:
    """Run a worker to its end, which is soon when it is asked for."""
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "workers.main", "--supervisor", str(os.getpid())
    )
    end = asyncio.ensure_future(child.wait())
    stop = asyncio.ensure_future(asked.wait())
    await asyncio.wait((end, stop), return_when=asyncio.FIRST_COMPLETED)
    if not end.done():
        child.terminate()
    stop.cancel()
    code = await end
    log.warning("worker", state="ended", exit_code=code, pid=child.pid)
    return code


async def _wait(asked: asyncio.Event, seconds: float) -> None:
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(asked.wait(), seconds)

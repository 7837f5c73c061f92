"""A worker's work, done at once in this process: what the moved clock has due, and what is owed to facts."""

import asyncio
from contextlib import suppress

from arq.worker import Retry

from api.core import clock
from api.core.database import operations
from api.core.settings import Settings
from workers.relay import Queue, relay
from workers.runner import run_reaction
from workers.schedule import ENTRIES

_OWED = """
    SELECT fact_id, name FROM reaction WHERE done_at IS NULL AND failed_at IS NULL AND due_at <= $1
    ORDER BY fact_id LIMIT 500
"""


async def work(settings: Settings, queue: Queue) -> None:
    """Do what a worker does: every entry of the schedule once, then all that is owed."""
    for entry in ENTRIES:
        await entry.run(settings, queue)
    while True:
        while await relay(queue):
            pass
        async with operations() as connection:
            owed = await connection.fetch(_OWED, clock.now())
        if not owed:
            return
        for number in range(0, len(owed), 8):
            await asyncio.gather(
                *(_react(str(row["fact_id"]), row["name"], settings) for row in owed[number : number + 8])
            )


async def _react(fact_id: str, name: str, settings: Settings) -> None:
    with suppress(Retry):
        await run_reaction({"settings": settings, "job_try": 1}, fact_id, name)

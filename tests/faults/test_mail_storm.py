"""A storm: workers killed, Redis flushed, late answers; no mail leaves twice and each has a fate."""

import asyncio
import time
import zlib
from collections import Counter
from datetime import timedelta
from uuid import UUID

import pytest

from api.core import clock
from api.core.database import operations
from api.core.settings import Settings
from api.dev.valkey import ValkeyServer
from api.notifications.delivery import doubt_stuck_mails
from tests.faults.stage import SmtpServer, Workers, count, forget, make_people, tell, well

STATES = "SELECT id, state FROM mail WHERE id = ANY ($1)"
LEFT = "SELECT count(*) FROM mail WHERE id = ANY ($1) AND state = 'pending'"


async def storm(
    number: int, settings: Settings, smtp: SmtpServer, cache: ValkeyServer, workers: Workers
) -> dict[str, int]:
    async def late_or_refused(stage: str, recipient: str, attempt: int) -> str:
        dice = zlib.crc32(recipient.encode()) % 100
        if stage == "end" and dice < 5:
            await asyncio.sleep(settings.mail_timeout_seconds * 2)
        if stage == "rcpt" and dice in (6, 7):
            return "550 no such person"
        if stage == "rcpt" and dice in (8, 9) and attempt == 1:
            return "450 greylisted"
        if stage == "end":
            await asyncio.sleep(0.3)
        return await well(stage, recipient, attempt)

    smtp.behaviour = late_or_refused
    workers.environment["MAILLON_JOB_CONCURRENCY"] = "5"
    try:
        workers.start()
        workers.start()
        people = await make_people(number)
        mails = [mail for n in range(0, number, 50) for mail in await tell(people[n : n + 50])]
        turn = 0
        while await count(LEFT, mails) or turn < 4:
            await asyncio.sleep(1)
            turn += 1
            if await count(LEFT, mails) > number / 10:
                workers.kill_the_oldest()
                workers.start()
            if turn in (2, 4):
                await forget(cache)
            if turn > 4 and turn % 5 == 0:
                await forget(cache)  # rather than wait until arq gives up on the dead
            assert turn < number, "the storm does not end"
        await asyncio.sleep(settings.mail_timeout_seconds * 2)
    finally:
        workers.end()
    with clock.at(clock.now() + timedelta(minutes=1)):
        await doubt_stuck_mails(settings)
    return await _check(mails, smtp)


async def _check(mails: list[UUID], smtp: SmtpServer) -> dict[str, int]:
    async with operations() as connection:
        states = {f"<{row['id']}@localhost>": row["state"] for row in await connection.fetch(STATES, mails)}
    received = Counter(smtp.ids)
    assert [mail for mail, times in received.items() if times > 1] == []
    assert len(states) == len(mails)
    assert set(states.values()) <= {"sent", "failed", "unknown"}
    assert {mail for mail, state in states.items() if state == "sent"} <= set(received)
    assert {states[mail] for mail in received} <= {"sent", "unknown"}
    killed = await count("SELECT count(*) FROM mail WHERE id = ANY ($1) AND reply = 'interrupted'", mails)
    return dict(Counter(states.values())) | {"received": len(received), "killed": killed}


async def test_a_short_storm_sends_no_mail_twice_and_loses_none(
    settings: Settings, smtp: SmtpServer, cache: ValkeyServer, workers: Workers
) -> None:
    seen = await storm(150, settings, smtp, cache, workers)
    assert seen["sent"] > 100
    assert seen["killed"] > 0


@pytest.mark.prove
async def test_a_long_storm_sends_no_mail_twice_and_loses_none(
    settings: Settings, smtp: SmtpServer, cache: ValkeyServer, workers: Workers
) -> None:
    began = time.monotonic()
    seen = await storm(2000, settings, smtp, cache, workers)
    print(f"2000 mails: {seen} in {time.monotonic() - began:.0f} s")
    assert seen["sent"] > 1500
    assert seen["killed"] > 10

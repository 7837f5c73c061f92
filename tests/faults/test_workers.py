"""Worker processes that are killed, and a Redis that goes away or forgets."""

import asyncio
from datetime import timedelta
from pathlib import Path
from signal import SIGKILL, SIGTERM
from subprocess import Popen
from uuid import UUID

import msgspec

from api.core import clock
from api.core.settings import Settings
from api.dev.processes import stop
from api.dev.valkey import ValkeyServer, valkey
from api.notifications.delivery import doubt_stuck_mails
from api.notifications.operators import mails_in_doubt
from tests.faults.stage import (
    Place,
    SmtpServer,
    Workers,
    count,
    forget,
    is_alive,
    mail_row,
    make_people,
    smtp_server,
    supervised,
    tell,
    until,
    well,
)
from workers.relay import open_queue, relay
from workers.status import status

PENDING = "SELECT count(*) FROM mail WHERE id = ANY ($1) AND state IN ('pending', 'attempting')"
UNRELAYED = "SELECT count(*) FROM outbox WHERE relayed_at IS NULL"


async def sent(mails: list[UUID], seconds: float) -> None:
    async def all_finished() -> bool:
        return await count(PENDING, mails) == 0

    await until(all_finished, seconds)


async def test_a_fact_recorded_is_a_mail_received(
    settings: Settings, smtp: SmtpServer, workers: Workers
) -> None:
    workers.start()
    mails = await tell(await make_people(20))
    await sent(mails, 10)
    assert sorted(smtp.ids) == sorted(f"<{mail_id}@localhost>" for mail_id in mails)
    seen = await status(settings)
    assert seen.migrations.applied >= 1
    assert seen.relay_lag_seconds == 0
    assert isinstance(seen.queues, dict)


async def test_while_redis_is_away_nothing_is_lost_and_the_worker_comes_back_with_it(
    place: Place, settings: Settings, smtp: SmtpServer
) -> None:
    with valkey(place.folder / "other") as first:

        async def empty() -> bool:
            return (await status(settings_at(settings, first.url))).queues == {"default": 0}

        supervisor = supervised(place.environment(first.url, smtp.url))
        try:
            await sent(await tell(await make_people(3)), 10)
            port = first.port
            stop(first.process, SIGKILL, 5)
            mails = await tell(await make_people(5))
            await asyncio.sleep(3)
            assert (await status(settings_at(settings, first.url))).queues == "away"
            assert await count(UNRELAYED) == 5
            with valkey(place.folder / "another", port):
                await sent(mails, 20)
                await until(empty, 5)  # a job leaves the queue after its mail has left
                stop(supervisor, SIGTERM, 10)
                assert supervisor.returncode == 0
        finally:
            stop(supervisor, SIGTERM, 10)
    assert len(smtp.received) == len(set(smtp.ids)) == 8


def settings_at(settings: Settings, redis_url: str) -> Settings:
    return msgspec.structs.replace(settings, redis_url=redis_url)


async def test_what_a_flushed_redis_forgot_is_sent_again(
    settings: Settings, cache: ValkeyServer, smtp: SmtpServer, workers: Workers
) -> None:
    mails = await tell(await make_people(5))
    queue = open_queue(settings)
    while await relay(queue):
        pass
    await queue.flushall()
    await queue.aclose(close_connection_pool=True)
    assert await count(UNRELAYED) == 0
    workers.start()
    await sent(mails, 10)
    assert len(smtp.received) == len(set(smtp.ids)) == 5


async def test_a_worker_killed_before_it_claimed_leaves_the_mail_to_another(
    settings: Settings, cache: ValkeyServer, smtp: SmtpServer, workers: Workers
) -> None:
    arrived = asyncio.Event()

    async def hold_the_first(stage: str, recipient: str, attempt: int) -> str:
        if stage == "rcpt" and not arrived.is_set():
            arrived.set()
            await asyncio.sleep(0.4)
        return await well(stage, recipient, attempt)

    smtp.behaviour = hold_the_first
    workers.start()
    (mail_id,) = await tell(await make_people(1))
    await arrived.wait()
    workers.kill_the_oldest()
    assert (await mail_row(mail_id))["state"] == "pending"
    await forget(cache)  # rather than wait until arq gives up on the dead one
    workers.start()
    await sent([mail_id], 10)
    assert (await mail_row(mail_id))["state"] == "sent"
    assert len(smtp.received) == 1


async def test_a_worker_killed_during_data_leaves_the_mail_in_doubt_for_ever(
    settings: Settings, cache: ValkeyServer, smtp: SmtpServer, workers: Workers
) -> None:
    arrived = asyncio.Event()

    async def hold_at_the_end(stage: str, recipient: str, attempt: int) -> str:
        if stage == "end":
            arrived.set()
            await asyncio.sleep(0.4)
        return await well(stage, recipient, attempt)

    smtp.behaviour = hold_at_the_end
    workers.start()
    (mail_id,) = await tell(await make_people(1))
    await arrived.wait()
    workers.kill_the_oldest()
    assert (await mail_row(mail_id))["state"] == "attempting"
    await forget(cache)
    workers.start()
    with clock.at(clock.now() + timedelta(minutes=1)):
        await doubt_stuck_mails(settings)
    assert mail_id in [mail.id for mail in await mails_in_doubt()]
    await asyncio.sleep(3)  # sweeps go on meanwhile
    assert (await mail_row(mail_id))["state"] == "unknown"
    assert len(smtp.received) == 1


async def test_a_worker_asked_to_stop_learns_what_became_of_its_mail(
    settings: Settings, smtp: SmtpServer, workers: Workers
) -> None:
    arrived = asyncio.Event()

    async def slow(stage: str, recipient: str, attempt: int) -> str:
        if stage == "end":
            arrived.set()
            await asyncio.sleep(0.4)
        return await well(stage, recipient, attempt)

    smtp.behaviour = slow
    workers.start()
    (mail_id,) = await tell(await make_people(1))
    await arrived.wait()
    await asyncio.to_thread(workers.end)
    assert (await mail_row(mail_id))["state"] == "sent"


async def test_a_worker_dies_with_its_supervisor(
    place: Place, settings: Settings, cache: ValkeyServer, smtp: SmtpServer
) -> None:
    supervisor = supervised(place.environment(cache.url, smtp.url))
    children: list[int] = []

    async def has_child() -> bool:
        children[:] = children_of(supervisor)
        return bool(children)

    await until(has_child, 10)
    await asyncio.sleep(1)  # it ties itself to its supervisor when it starts
    supervisor.kill()
    supervisor.wait()

    async def gone() -> bool:
        return not any(is_alive(pid) for pid in children)

    await until(gone, 20)  # one that had not tied itself yet looks for its supervisor when it starts
    assert children
    assert not any(is_alive(pid) for pid in children)


def children_of(process: Popen[bytes]) -> list[int]:
    listed = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text()
    return [int(pid) for pid in listed.split()]


async def test_a_worker_with_wrong_settings_is_not_started_again(workers: Workers) -> None:
    del workers.environment["MAILLON_DATABASE_OPS_URL"]
    supervisor = supervised(workers.environment)
    assert await asyncio.to_thread(supervisor.wait, 10) == 78


async def test_mail_waits_while_its_server_is_away(settings: Settings, workers: Workers) -> None:
    async with smtp_server() as closed:
        pass
    workers.environment["MAILLON_SMTP_URL"] = closed.url
    workers.start()
    (mail_id,) = await tell(await make_people(1))

    async def put_off() -> bool:
        return int((await mail_row(mail_id))["attempts"]) >= 3

    await until(put_off, 15)
    assert (await mail_row(mail_id))["state"] == "pending"

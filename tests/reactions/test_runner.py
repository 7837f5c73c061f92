"""The relay, the runner and the schedule: what is owed is done once, what fails is counted and shown."""

import asyncio
from datetime import timedelta
from typing import Any
from uuid import UUID

import msgspec
import pytest
from arq.worker import Retry
from redis.exceptions import RedisError

from api.core import clock
from api.core.actor import system
from api.core.database import bound, transaction
from api.core.ids import new_id
from api.core.outbox import record
from api.core.settings import Settings
from api.dev.valkey import ValkeyServer
from api.hours.facts import HoursDeclared
from api.identity.service import issue_token
from api.notifications.facts import MailQueued
from tests.faults.stage import count, row_of
from tests.reactions.world import change
from workers.reactions import OWED, REACTIONS
from workers.registry import Inside, Reaction
from workers.relay import QUEUE, Queue, open_queue, relay, sweep
from workers.runner import MAX_ATTEMPTS, run_reaction
from workers.schedule import purge_facts, purge_keys, purge_personal
from workers.status import drop, retry, status

REACTION = "SELECT * FROM reaction WHERE fact_id = $1"
FACT = "SELECT * FROM outbox ORDER BY id DESC LIMIT 1"
PEOPLE = "SELECT count(*) FROM person WHERE given_name = $1"


async def owed(reaction: Inside, monkeypatch: pytest.MonkeyPatch) -> UUID:
    """Record a fact to which this reaction alone is owed; gives the fact's id."""
    monkeypatch.setitem(REACTIONS, "under_test", Reaction("under_test", inside=reaction))
    monkeypatch.setitem(OWED, "MailQueued", ["under_test"])
    async with transaction(system()):
        await record(MailQueued(mail_id=new_id()))
    fact_id: UUID = (await row_of(FACT))["id"]
    return fact_id


async def run(fact_id: UUID, settings: Settings) -> timedelta | None:
    """Run the reaction under test as arq would; gives the pause it asks for before the next attempt."""
    try:
        await run_reaction({"settings": settings, "job_try": 1}, str(fact_id), "under_test")
    except Retry as again:
        return timedelta(milliseconds=again.defer_score or 0)
    return None


async def makes_a_person(_: MailQueued, key: str) -> None:
    await bound().execute(
        "INSERT INTO person (id, given_name, created_at) VALUES ($1, $2, now())", new_id(), key
    )


async def always_fails(fact: MailQueued, key: str) -> None:
    await makes_a_person(fact, key)
    raise ValueError("zoe@example.org has a secret")


async def relayed(queue: Queue) -> None:
    while await relay(queue):
        pass


async def test_a_relayed_fact_is_marked_owed_and_queued_once(
    queue: Queue, monkeypatch: pytest.MonkeyPatch
) -> None:
    fact_id = await owed(makes_a_person, monkeypatch)
    await asyncio.gather(relay(queue), relay(queue))
    await relayed(queue)
    assert (await row_of("SELECT * FROM outbox WHERE id = $1", fact_id))["relayed_at"]
    assert (await row_of(REACTION, fact_id))["done_at"] is None
    jobs = await queue.zrange(QUEUE, 0, -1)
    assert jobs.count(f"{fact_id}:under_test".encode()) == 1
    job = await queue.get(f"arq:job:{fact_id}:under_test")
    assert msgspec.msgpack.decode(job)["a"] == [str(fact_id), "under_test"]


async def test_without_redis_nothing_is_marked(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    fact_id = await owed(makes_a_person, monkeypatch)
    away = open_queue(msgspec.structs.replace(settings, redis_url="redis://127.0.0.1:1/0"))
    with pytest.raises(RedisError, match="connecting"):
        await relay(away)
    assert (await row_of("SELECT * FROM outbox WHERE id = $1", fact_id))["relayed_at"] is None
    assert await count("SELECT count(*) FROM reaction WHERE fact_id = $1", fact_id) == 0
    assert (
        await status(msgspec.structs.replace(settings, redis_url="redis://127.0.0.1:1/0"))
    ).queues == "away"


async def test_a_job_that_runs_before_its_relay_committed_waits_for_it(settings: Settings) -> None:
    assert await run(new_id(), settings) == timedelta(seconds=1)
    await run_reaction({"settings": settings, "job_try": 10}, str(new_id()), "under_test")


async def test_a_reaction_takes_effect_once_however_often_it_is_run(
    settings: Settings, queue: Queue, monkeypatch: pytest.MonkeyPatch
) -> None:
    fact_id = await owed(makes_a_person, monkeypatch)
    await relayed(queue)
    await asyncio.gather(*(run(fact_id, settings) for _ in range(5)))
    assert await run(fact_id, settings) is None
    assert await count(PEOPLE, f"{fact_id}:under_test") == 1
    assert (await row_of(REACTION, fact_id))["done_at"] is not None


async def test_facts_about_one_object_are_reacted_to_in_their_order(
    settings: Settings, queue: Queue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(REACTIONS, "under_test", Reaction("under_test", inside=makes_a_person))
    monkeypatch.setitem(OWED, "HoursDeclared", ["under_test"])
    entry, facts = new_id(), []
    for about in (entry, entry, new_id()):
        async with transaction(system()):
            await record(HoursDeclared(hours_id=about))
        facts.append((await row_of(FACT))["id"])
    first, second, other = facts
    await relayed(queue)
    await change("UPDATE outbox SET relayed_at = NULL WHERE id = $1", first)
    await change("DELETE FROM reaction WHERE fact_id = $1", first)

    pause = await run(second, settings)  # another relay is not done with the first
    await relayed(queue)
    again = await run(second, settings)
    assert pause
    assert again
    assert max(pause, again) <= timedelta(milliseconds=100)
    assert await count(PEOPLE, f"{second}:under_test") == 0
    assert await run(other, settings) is None
    assert await run(first, settings) is None
    assert await run(second, settings) is None
    assert [await count(PEOPLE, f"{fact}:under_test") for fact in facts] == [1, 1, 1]


async def test_what_was_given_up_keeps_nothing_back(
    settings: Settings, queue: Queue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(REACTIONS, "under_test", Reaction("under_test", inside=makes_a_person))
    monkeypatch.setitem(OWED, "HoursDeclared", ["under_test"])
    entry = new_id()
    async with transaction(system()):
        await record(HoursDeclared(hours_id=entry), HoursDeclared(hours_id=entry))
    await relayed(queue)
    rows = "SELECT id FROM outbox WHERE fact = 'HoursDeclared' ORDER BY id DESC LIMIT 1"
    last = (await row_of(rows))["id"]
    assert await run(last, settings)
    await change("UPDATE reaction SET failed_at = now() WHERE fact_id <> $1", last)
    assert await run(last, settings) is None


async def test_a_failure_leaves_no_effect_and_no_personal_data_and_is_given_up_after_twelve(
    settings: Settings, queue: Queue, monkeypatch: pytest.MonkeyPatch
) -> None:
    fact_id = await owed(always_fails, monkeypatch)
    await relayed(queue)
    now, pauses = clock.now(), []
    for _ in range(MAX_ATTEMPTS):
        with clock.at(now):
            pause = await run(fact_id, settings)
        pauses.append(pause)
        now += pause or timedelta()
    assert pauses == [*(timedelta(seconds=2**n) for n in range(1, 12)), None]
    reaction = await row_of(REACTION, fact_id)
    assert reaction["failed_at"] is not None
    assert reaction["error"].startswith("ValueError at reactions/test_runner.py:")
    assert await count(PEOPLE, f"{fact_id}:under_test") == 0
    assert reaction["id"] in [failed.id for failed in (await status(settings)).reactions.last_failed]


async def test_an_operator_retries_or_drops_what_failed(
    settings: Settings, queue: Queue, monkeypatch: pytest.MonkeyPatch
) -> None:
    fact_id = await owed(makes_a_person, monkeypatch)
    await relayed(queue)
    await change("UPDATE reaction SET failed_at = now(), attempts = 12 WHERE fact_id = $1", fact_id)
    reaction_id = (await row_of(REACTION, fact_id))["id"]
    assert await retry(reaction_id)
    assert await run(fact_id, settings) is None
    assert await count(PEOPLE, f"{fact_id}:under_test") == 1
    assert not await retry(reaction_id)
    other = await owed(always_fails, monkeypatch)
    await relayed(queue)
    assert await drop((await row_of(REACTION, other))["id"])
    assert await run(other, settings) is None


async def test_a_reaction_that_takes_too_long_is_cut_and_counted(
    settings: Settings, queue: Queue, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def sleeps(_: Any, __: str) -> None:
        await asyncio.sleep(30)

    fact_id = await owed(sleeps, monkeypatch)
    await relayed(queue)
    assert await run(fact_id, msgspec.structs.replace(settings, job_timeout_seconds=1))
    assert (await row_of(REACTION, fact_id))["error"].startswith("TimeoutError at ")


async def test_what_redis_forgot_is_swept_and_what_it_holds_is_not_doubled(
    settings: Settings, queue: Queue, cache: ValkeyServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    fact_id = await owed(makes_a_person, monkeypatch)
    await relayed(queue)
    await queue.flushall()
    with clock.at(clock.now() + timedelta(minutes=2)):
        await sweep(settings, queue)
        await sweep(settings, queue)
    jobs = await queue.zrange(QUEUE, 0, -1)
    assert jobs.count(f"{fact_id}:under_test".encode()) == 1
    assert await run(fact_id, settings) is None


async def test_facts_are_forgotten_thirty_days_after_all_reactions_are_done(
    settings: Settings, queue: Queue, monkeypatch: pytest.MonkeyPatch
) -> None:
    done, failed = await owed(makes_a_person, monkeypatch), await owed(makes_a_person, monkeypatch)
    await relayed(queue)
    await run(done, settings)
    await change("UPDATE reaction SET failed_at = now() WHERE fact_id = $1", failed)
    kept = "SELECT count(*) FROM outbox WHERE id = ANY ($1)"
    with clock.at(clock.now() + timedelta(days=29)):
        await purge_facts(settings, queue)
    assert await count(kept, [done, failed]) == 2
    with clock.at(clock.now() + timedelta(days=31)):
        await purge_facts(settings, queue)
    assert await count(kept, [done]) == 0
    assert await count(kept, [failed]) == 1


async def test_kept_answers_are_forgotten_after_a_day(settings: Settings, queue: Queue) -> None:
    for hours in (23, 25):
        await change(
            "INSERT INTO idempotency_key (person_id, key, fingerprint, status, headers, body, created_at) "
            "VALUES ($1, 'k', '', 200, '', '', $2)",
            *(new_id(), clock.now() - timedelta(hours=hours)),
        )
    assert await purge_keys(settings, queue) == 1


async def test_sessions_are_forgotten_a_day_after_their_end(settings: Settings, queue: Queue) -> None:
    email = f"{new_id()}@exemple.example"
    for lifetime in (timedelta(hours=1), timedelta(days=30)):
        await issue_token(email, lifetime)
    of_person = """
        SELECT count(*) FROM session s JOIN person_email e ON e.person_id = s.person_id WHERE e.email = $1
    """
    with clock.at(clock.now() + timedelta(hours=20)):
        await purge_personal(settings, queue)
    assert await count(of_person, email) == 2
    with clock.at(clock.now() + timedelta(hours=26)):
        await purge_personal(settings, queue)
    assert await count(of_person, email) == 1

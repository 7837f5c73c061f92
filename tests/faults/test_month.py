"""A month of simulated life: every application ends, for a reason that its person is told exactly once."""

import time
from collections import Counter
from datetime import timedelta
from typing import Any

import pytest

from api.app import create_litestar
from api.core.check import violations
from api.core.database import operations
from api.core.settings import Settings, read_settings
from api.dev.valkey import ValkeyServer
from tests.faults.month import Life, live
from tests.faults.stage import SmtpServer, made_place
from tests.make.served import served
from tests.make.world import World
from workers.relay import open_queue

_STATES = "SELECT state, count(*) AS count FROM application GROUP BY state"
_MISSIONS = "SELECT state, count(*) AS count FROM mission GROUP BY state"
# What was said to the person of each end of an application, beside how often it ended so.
_TOLD = """
    WITH ending (state, kinds) AS (VALUES
        ('declined', '{application_declined}'::text[]), ('expired', '{application_expired, offer_expired}'),
        ('cancelled', '{application_cancelled, application_ended}'), ('completed', '{application_completed}'),
        ('no_show', '{marked_no_show}'), ('employer_refused', '{employer_refused}'))
    SELECT a.id, e.state, a.state AS now,
           (SELECT count(*) FROM state_event s
            WHERE s.object = 'application' AND s.object_id = a.id AND s.to_state = e.state) AS ended,
           (SELECT count(*) FROM notification n
            WHERE n.about_id = a.id AND n.person_id = a.person_id AND n.kind = ANY (e.kinds)) AS told
    FROM application a CROSS JOIN ending e
"""
# Who withdrew knows it: the association is told, once for each of its members.
_WITHDRAWN = """
    SELECT a.id, count(n.id) AS told FROM application a
    LEFT JOIN notification n ON n.about_id = a.id AND n.kind = 'application_withdrawn'
    WHERE a.state = 'withdrawn' GROUP BY a.id HAVING count(n.id) <> 1
"""
_UNEXPLAINED = """
    SELECT id, state FROM application
    WHERE state IN ('declined', 'withdrawn', 'expired', 'cancelled', 'employer_refused')
        AND coalesce(state_reason, employer_reason) IS NULL
"""
_MAILS = """
    SELECT count(*) AS notices, count(m.id) AS mails, count(*) FILTER (WHERE m.state = 'sent') AS sent
    FROM notification n LEFT JOIN mail m ON m.person_id = n.person_id AND m.unique_key = n.unique_key
"""


async def rows(sql: str) -> list[dict[str, Any]]:
    async with operations() as connection:
        return [dict(row) for row in await connection.fetch(sql)]


async def counted(sql: str) -> dict[str, int]:
    return {row["state"]: row["count"] for row in await rows(sql)}


@pytest.mark.parametrize(
    ("missions", "people"), [(10, 60), pytest.param(200, 2_000, marks=pytest.mark.prove)]
)
async def test_every_application_of_a_month_ends_and_is_told_once(
    environment: dict[str, str], cache: ValkeyServer, smtp: SmtpServer, missions: int, people: int
) -> None:
    began = time.monotonic()
    with made_place() as own:
        # No mail fails here: half a second, as in the other faults, is less than a busy machine may stall.
        worker = own.environment(cache.url, smtp.url, mail_timeout_seconds="15")
        settings = read_settings(environment | worker)
        async with served(create_litestar(settings), settings) as client:
            life = await live_a_month(World(client, environment), settings, missions, people)
            await assert_all_ended_and_told(life, smtp)
    print(f"{len(life.wishes)} applications, {dict(life.statuses)}, {time.monotonic() - began:.0f} s")


async def live_a_month(world: World, settings: Settings, missions: int, people: int) -> Life:
    life = Life(world, seed=missions)
    queue = open_queue(settings)
    await queue.flushall()
    await life.populate(people, missions // 3)
    await live(life, missions, settings, queue, every=timedelta(hours=8))
    await queue.aclose(close_connection_pool=True)
    return life


async def assert_all_ended_and_told(life: Life, smtp: SmtpServer) -> None:
    ended, missions = await counted(_STATES), await counted(_MISSIONS)
    told, (mails,) = await rows(_TOLD), await rows(_MAILS)
    print(ended, missions, mails)
    assert not ended.keys() & {"submitted", "shortlisted", "waitlisted", "offered", "accepted"}
    assert ended.keys() >= {"declined", "expired", "cancelled", "completed", "withdrawn", "employer_refused"}
    assert missions.keys() <= {"completed", "expired", "cancelled"}
    assert [row for row in told if row["ended"] != row["told"]] == []
    assert await rows(_WITHDRAWN) == []
    assert await rows(_UNEXPLAINED) == []
    assert mails["mails"] == mails["sent"] == len(smtp.received)
    assert max(Counter(smtp.ids).values()) == 1
    assert await violations() == []

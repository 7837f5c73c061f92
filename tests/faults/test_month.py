"""A month of simulated life: every application ends, for a reason that its person is told exactly once."""

import time
from collections import Counter
from datetime import timedelta
from typing import Any

import pytest

from api.app import create_litestar
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
# What was said to the person of each end of an application, beside how often it ended so: of a withdrawal that was not
# theirs, they are told too. The erased are told nothing any more, and nothing is told of them.
_TOLD = """
    WITH ending (state, kinds) AS (VALUES
        ('declined', '{application_declined}'::text[]), ('expired', '{application_expired, offer_expired}'),
        ('cancelled', '{application_cancelled, application_ended}'), ('completed', '{application_completed}'),
        ('no_show', '{marked_no_show}'), ('employer_refused', '{employer_refused}'),
        ('withdrawn', '{application_left}'))
    SELECT a.id, e.state, a.state AS now,
           (SELECT count(*) FROM state_event s
            WHERE s.object = 'application' AND s.object_id = a.id AND s.to_state = e.state
                AND (s.to_state <> 'withdrawn' OR s.by_person IS DISTINCT FROM a.person_id)) AS ended,
           (SELECT count(*) FROM notification n
            WHERE n.about_id = a.id AND n.person_id = a.person_id AND n.kind = ANY (e.kinds)) AS told
    FROM application a JOIN person p ON p.id = a.person_id CROSS JOIN ending e WHERE p.erased_at IS NULL
"""
# An end is told by one notice, whatever its kind; of one's own withdrawal, at most.
_TOLD_AS_OFTEN = """
    WITH step AS (
        SELECT s.object_id, count(*) AS ended, count(*) FILTER (WHERE s.by_person = s.person_id) AS own
        FROM state_event s WHERE s.object = 'application' AND s.to_state IN
            ('declined', 'withdrawn', 'expired', 'cancelled', 'completed', 'no_show', 'employer_refused')
        GROUP BY s.object_id)
    SELECT a.id, a.state, ended, own, array_agg(n.kind ORDER BY n.id) AS kinds
    FROM application a JOIN step ON step.object_id = a.id JOIN person p ON p.id = a.person_id
    LEFT JOIN notification n ON n.about_id = a.id AND n.person_id = a.person_id AND n.kind NOT IN (
        'application_accepted', 'employer_approved', 'application_shortlisted', 'application_waitlisted',
        'application_offered', 'application_reopened', 'message_received', 'change_proposed', 'change_accepted',
        'change_declined', 'change_withdrawn', 'calendar_invited', 'calendar_changed')
    WHERE p.erased_at IS NULL GROUP BY a.id, ended, own HAVING count(n.id) NOT BETWEEN ended - own AND ended
"""
# Who withdrew knows it: the association is told, once for each of its members, as long as it has any.
_WITHDRAWN = """
    SELECT a.id, count(n.id) AS told FROM application a
    JOIN association s ON s.id = a.association_id JOIN person p ON p.id = a.person_id
    LEFT JOIN notification n ON n.about_id = a.id AND n.kind = 'application_withdrawn'
    WHERE a.state = 'withdrawn' AND s.state <> 'closed' AND p.erased_at IS NULL
    GROUP BY a.id HAVING count(n.id) <> 1
"""
_UNEXPLAINED = """
    SELECT a.id, a.state FROM application a JOIN person p ON p.id = a.person_id
    WHERE a.state IN ('declined', 'withdrawn', 'expired', 'cancelled', 'employer_refused')
        AND coalesce(a.state_reason, a.employer_reason) IS NULL AND p.erased_at IS NULL
"""
# Of associations that were suspended when it happened.
_TAKEN_ON_MEANWHILE = """
    SELECT a.id, s.at FROM state_event s JOIN application a ON a.id = s.object_id
    WHERE s.object = 'application' AND s.to_state = 'accepted' AND 'suspended' = (
        SELECT to_state FROM state_event WHERE object_id = a.association_id AND id < s.id ORDER BY id DESC LIMIT 1)
"""
_UNSETTLED = """
    SELECT id, state FROM application WHERE state IN ('completed', 'no_show') AND employer_approval = 'pending'
"""
_MAILS = """
    SELECT m.id, m.state FROM notification n JOIN mail m ON m.person_id = n.person_id AND m.unique_key = n.unique_key
"""


ACTS = {
    "accept",
    "cancel",
    "changes",
    "close",
    "deactivate",
    "decline",
    "reinstate",
    "suspend",
    "DELETE",
    "PATCH",
}
"""What must have happened in a month for it to show anything."""


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
    await life.populate(people, missions // 2)
    await live(life, missions, settings, queue, every=timedelta(hours=8))
    await queue.aclose(close_connection_pool=True)
    return life


async def assert_all_ended_and_told(life: Life, smtp: SmtpServer) -> None:
    ended, missions = await counted(_STATES), await counted(_MISSIONS)
    told, mails = await rows(_TOLD), await rows(_MAILS)
    print(ended, missions, len(mails), life.done)
    assert not ended.keys() & {"submitted", "shortlisted", "waitlisted", "offered", "accepted"}
    assert ended.keys() >= {"declined", "expired", "cancelled", "completed", "withdrawn", "employer_refused"}
    assert missions.keys() <= {"completed", "expired", "cancelled"}
    assert [row for row in told if row["ended"] != row["told"]] == []
    assert await rows(_TOLD_AS_OFTEN) == []
    assert await rows(_WITHDRAWN) == []
    assert await rows(_UNEXPLAINED) == []
    assert await rows(_UNSETTLED) == []
    assert await rows(_TAKEN_ON_MEANWHILE) == []
    assert {mail["state"] for mail in mails} == {"sent"}
    # What was sent to the erased, or of them, is kept no more.
    sent = Counter(name.strip("<>").partition("@")[0] for name in smtp.ids)
    assert {str(mail["id"]) for mail in mails} <= sent.keys()
    assert max(sent.values()) == 1
    assert life.done.keys() >= ACTS

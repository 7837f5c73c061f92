"""What is kept no longer than its rule says, on a copy of the database whose clock is moved."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg
import pytest
import pytest_asyncio
from litestar import Litestar

from api.core import clock
from api.core.check import violations
from api.core.database import operations
from api.core.settings import Settings
from api.identity import retention
from tests.api.test_magic_links import new_address, sign_in
from tests.api.test_members import guest, invite, join
from tests.make.clone import cloned
from tests.make.commands import maillon
from tests.make.served import served
from tests.make.world import World
from tests.reactions.world import catch_up

DAY = timedelta(days=1)


@pytest_asyncio.fixture
async def copied(app: Litestar, environment: dict[str, str]) -> AsyncIterator[World]:
    """A world of its own, which may grow old; the invariants hold when the test ends."""
    async with cloned(environment) as settings, served(app, settings) as client:
        yield World(client, environment)
        assert await violations() == []


async def purge_after(**age: int) -> int:
    with clock.at(clock.now() + timedelta(**age)):
        return await retention.purge()


async def count(sql: str, *values: Any) -> int:
    async with operations() as connection:
        return int(await connection.fetchval(sql, *values))


async def run(sql: str, *values: Any) -> None:
    async with operations() as connection:
        await connection.execute(sql, *values)


async def test_notices_and_their_mails_go_after_a_year_once(copied: World) -> None:
    one = await guest(copied)
    await run(
        """INSERT INTO notification (id, person_id, kind, title, text, about_type, about_id, unique_key, created_at)
           SELECT uuidv7(), $1, 'hours_approved', 't', 't', 'hours', $1, 'k' || n, now()
           FROM generate_series(1, 2500) n""",
        UUID(one.id),
    )
    await run(
        """INSERT INTO mail (id, person_id, kind, to_address, language, subject, text, unique_key, not_before,
                             created_at, state, finished_at)
           SELECT uuidv7(), $1, 'hours_approved', 'a@b.example', 'fr', 's', 't', 'k' || n, now(), now(),
                  CASE WHEN n = 1 THEN 'pending' ELSE 'sent' END, CASE WHEN n = 1 THEN NULL ELSE now() END
           FROM generate_series(1, 2500) n""",
        UUID(one.id),
    )
    left = "SELECT count(*) FROM notification WHERE person_id = $1"

    await purge_after(days=364)
    assert await count(left, UUID(one.id)) == 2500
    await purge_after(days=366 + 7)  # a worker that was down for a week

    assert await count(left, UUID(one.id)) == 1  # its mail is still to be sent
    assert await count("SELECT count(*) FROM mail WHERE person_id = $1", UUID(one.id)) == 1
    assert await purge_after(days=366 + 7) == 0


async def test_an_applications_words_go_two_years_after_its_end(copied: World) -> None:
    association, company = await copied.association(), await copied.company()
    _, accepted = await copied.engagement(association, company)
    ended = await copied.application(copied.employee(company), await copied.mission(association))
    await copied.ok(
        association.owner, "POST", f"/v1/applications/{ended['id']}/decline", {"reason": "mission_filled"}
    )
    words = "SELECT count(*) FROM application WHERE id = $1 AND message <> '' AND applicant_email IS NOT NULL"

    await purge_after(days=729)
    assert await count(words, UUID(ended["id"])) == 1
    await purge_after(days=732)

    assert await count(words, UUID(ended["id"])) == 0
    assert await count(words, UUID(accepted["id"])) == 1


async def test_what_was_written_about_an_ended_application_goes_with_it(copied: World) -> None:
    association, company = await copied.association(), await copied.company()
    employee = copied.employee(company)
    ended, live = [
        (await copied.application(employee, await copied.mission(association)))["id"] for _ in range(2)
    ]
    for one in (ended, live):
        await copied.ok(employee, "POST", f"/v1/applications/{one}/messages", {"text": "Bonjour"})
    await copied.ok(employee, "POST", f"/v1/applications/{ended}/withdraw", {"reason": "other"})
    written = "SELECT count(*) FROM message WHERE application_id = $1"

    await purge_after(days=729)
    assert await count(written, UUID(ended)) == 1
    await purge_after(days=732)

    assert (await count(written, UUID(ended)), await count(written, UUID(live))) == (0, 1)


async def test_what_was_said_of_an_engagement_goes_two_years_after_its_end(
    copied: World, settings: Settings
) -> None:
    association, company = await copied.association(), await copied.company(approval="automatic")
    engagements = [await copied.engagement(association, company) for _ in range(2)]
    for employee, application in engagements:
        change = {"effort_minutes": 900, "message": "Moins suffirait."}
        await copied.ok(employee, "POST", f"/v1/applications/{application['id']}/changes", change)
    await catch_up(settings)
    (employee, ended), (_, live) = engagements
    await copied.ok(employee, "POST", f"/v1/applications/{ended['id']}/withdraw", {"reason": "other"})
    said = """SELECT (SELECT count(*) FROM change_proposal WHERE application_id = $1 AND message <> '')
              + (SELECT count(*) FROM calendar_invitation WHERE application_id = $1)"""

    await purge_after(days=729)
    assert await count(said, UUID(ended["id"])) == 2
    await purge_after(days=732)

    assert (await count(said, UUID(ended["id"])), await count(said, UUID(live["id"]))) == (0, 2)


async def test_what_was_said_at_the_end_goes_two_years_after_it(copied: World) -> None:
    association, company = await copied.association(), await copied.company(approval="automatic")
    employee = copied.employee(company)
    application = await copied.application(employee, await copied.mission(association))
    path = f"/v1/applications/{application['id']}"
    for act in ("accept", "complete"):
        await copied.ok(association.owner, "POST", f"{path}/{act}")
    await copied.ok(employee, "POST", f"{path}/feedback", {"again": True})
    said = "SELECT count(*) FROM feedback WHERE application_id = $1"

    await purge_after(days=729)
    assert await count(said, UUID(application["id"])) == 1
    await purge_after(days=732)
    assert await count(said, UUID(application["id"])) == 0


async def test_the_end_counts_and_not_the_beginning(copied: World) -> None:
    association, company = await copied.association(), await copied.company()
    application = await copied.application(copied.employee(company), await copied.mission(association))
    await run(
        "UPDATE application SET created_at = now() - interval '3 years' WHERE id = $1",
        UUID(application["id"]),
    )
    await copied.ok(
        association.owner, "POST", f"/v1/applications/{application['id']}/decline", {"reason": "other"}
    )

    await retention.purge()

    kept = "SELECT count(*) FROM application WHERE id = $1 AND message <> ''"
    assert await count(kept, UUID(application["id"])) == 1


async def test_traces_of_signing_in_go_after_a_day_and_invitations_after_a_year(copied: World) -> None:
    email, association = new_address("trace"), await copied.association()
    await sign_in(copied, email)
    await invite(copied, association.owner, association, email, "coordinator")
    links = "SELECT count(*) FROM magic_link WHERE email = $1"
    invitations = "SELECT count(*) FROM invitation WHERE email = $1"

    await purge_after(hours=23)
    assert (await count(links, email), await count(invitations, email)) == (1, 1)
    await purge_after(hours=25)
    assert (await count(links, email), await count(invitations, email)) == (0, 1)
    await purge_after(days=7 + 366)
    assert await count(invitations, email) == 0


async def test_an_export_goes_after_a_week(copied: World) -> None:
    one = await guest(copied)
    asked = await copied.ok(one.token, "POST", "/v1/me/export")
    await purge_after(days=6)
    assert await count("SELECT count(*) FROM export WHERE id = $1", UUID(asked["id"])) == 1
    await purge_after(days=8)
    assert await count("SELECT count(*) FROM export WHERE id = $1", UUID(asked["id"])) == 0


async def test_an_inactive_person_is_warned_then_erased(copied: World) -> None:
    one, association = await guest(copied), await copied.association()
    member = await join(copied, association)
    working = await copied.ok(copied.employee(await copied.company()), "GET", "/v1/me")
    owner = await copied.ok(association.owner, "GET", "/v1/me")
    erased = "SELECT count(*) FROM person WHERE id = $1 AND erased_at IS NOT NULL"
    told = "SELECT count(*) FROM mail WHERE person_id = $1 AND kind = 'erasure_near' AND to_address = $2"

    await purge_after(days=1095 - 31)
    assert await count(told, UUID(one.id), one.email) == 0
    await purge_after(days=1095 - 29)
    await purge_after(days=1095 - 28)
    assert await count(told, UUID(one.id), one.email) == 1
    assert await count(erased, UUID(one.id)) == 0
    await purge_after(days=1095)
    assert await count(erased, UUID(one.id)) == 0
    await purge_after(days=1095 + 2)

    assert await count(erased, UUID(one.id)) == 1
    assert await count(erased, UUID(member.id)) == 1
    for kept in (owner["id"], working["id"]):
        assert await count(erased, UUID(kept)) == 0
    assert await count("SELECT count(*) FROM person_email WHERE email = $1", one.email) == 0


async def test_whoever_signs_in_after_the_warning_stays(copied: World) -> None:
    one = await guest(copied)
    await purge_after(days=1095 - 29)
    with clock.at(clock.now() + timedelta(days=1095 - 10)):
        await sign_in(copied, one.email)

    await purge_after(days=1095 + 40)

    assert await count("SELECT count(*) FROM person WHERE id = $1 AND erased_at IS NULL", UUID(one.id)) == 1


async def test_a_rule_applies_from_its_day_and_the_past_is_not_rewritten(copied: World) -> None:
    today = clock.now().date()
    await retention.set_rule("notice", 30, today + 10 * DAY)
    await retention.set_rule("notice", 60, today + 10 * DAY)
    one = await guest(copied)
    await run(
        """INSERT INTO notification (id, person_id, kind, title, text, about_type, about_id, unique_key, created_at)
           VALUES (uuidv7(), $1, 'hours_approved', 't', 't', 'hours', $1, 'k', now() - interval '55 days')""",
        UUID(one.id),
    )
    left = "SELECT count(*) FROM notification WHERE person_id = $1"

    await purge_after(days=9)
    assert await count(left, UUID(one.id)) == 1
    await purge_after(days=10)
    assert await count(left, UUID(one.id)) == 0

    rules = [
        (rule.effective_from, rule.days) for rule in await retention.list_rules() if rule.kind == "notice"
    ]
    assert rules == [(datetime(2000, 1, 1, tzinfo=UTC).date(), 365), (today + 10 * DAY, 60)]
    with pytest.raises(asyncpg.CheckViolationError):
        await retention.set_rule("notice", 1, today)
    with pytest.raises(asyncpg.CheckViolationError):
        await run("UPDATE retention_rule SET days = 1 WHERE kind = 'inactive'")
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await run("DELETE FROM retention_rule")


async def test_what_a_purge_looks_for_is_found_by_an_index(copied: World) -> None:
    queries = [query for purges in retention._PURGES.values() for query in purges] + [
        retention._PURGE_EXPORTS
    ]
    assert len(queries) > 7
    async with operations() as connection:
        await connection.execute("SET LOCAL enable_seqscan = off")
        for query in queries:
            plan = await connection.fetch("EXPLAIN " + query, clock.now(), 1000)
            scans = [row[0].strip() for row in plan if "Seq Scan" in row[0]]
            assert scans == [], (query, plan)
        people = await connection.fetch(
            f"EXPLAIN {retention._TO_ERASE}", *(clock.now(),) * 2, 10, clock.now()
        )
        assert any("person_waiting" in row[0] for row in people), people


def test_the_command_sets_a_rule_from_tomorrow_at_the_earliest(environment: dict[str, str]) -> None:
    listed = maillon(environment, "retention", "list")
    assert listed.exit_code == 0, listed.output
    assert '"kind":"inactive"' in listed.output
    refused = maillon(environment, "retention", "set", "notice", "30", "--from", "2026-01-01")
    assert refused.exit_code == 1
    assert "from tomorrow on" in refused.output

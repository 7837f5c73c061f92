"""A person's own calendar at a secret address: what it shows, to whom, and until when."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from icalendar import Calendar
from structlog.testing import capture_logs

from api.applications import queries_calendar
from api.applications.policy import SETTLED
from api.core import clock
from api.core.actor import Actor
from api.core.database import operations, transaction
from api.core.problems import NotFound
from api.identity.api_keys import revoke_secret, write_key
from api.identity.calendar_feeds import PREFIX
from tests.api.core.asking import assert_problem
from tests.make.world import World

PARIS = ZoneInfo("Europe/Paris")
FEED = "/v1/me/calendar-feed"


async def address(world: World, token: str) -> str:
    """Make a feed; gives its path."""
    url: str = (await world.ok(token, "POST", FEED))["url"]
    return "/" + url.split("/", 3)[3]


async def shown(world: World, path: str) -> list[Any]:
    """Read a feed as a calendar does, and give its events."""
    answer = await world.client.get(path)
    assert answer.status_code == 200
    assert_strict(answer.content)
    return list(Calendar.from_ical(answer.content).walk("VEVENT"))


def assert_strict(body: bytes) -> None:
    """Lines end by CRLF and hold 75 octets at most (RFC 5545, 3.1)."""
    assert body.endswith(b"END:VCALENDAR\r\n")
    assert body.count(b"\r\n") == body.count(b"\n") == body.count(b"\r")
    assert max(map(len, body.split(b"\r\n"))) <= 75


async def test_a_feed_shows_what_was_agreed_with_whom_to_write_to(world: World) -> None:
    association = await world.association()
    company = await world.company()
    contact = {"name": "Zoé Lac", "email": "zoe@lac.example", "phone": None}
    day = clock.today("Europe/Paris") + timedelta(days=20)
    sessions = [
        {"starts_at": f"{day}T10:00:00+00:00", "ends_at": f"{day}T11:00:00+00:00"},
        {"starts_at": f"{day}T15:00:00+00:00", "ends_at": f"{day}T16:00:00+00:00"},
    ]
    mission = await world.mission(
        association,
        starts_on=str(day),
        sessions=sessions,
        contact=contact,
        location={"label": "Maison, des associations; Lyon", "postal_code": "69007"},
    )
    employee = world.employee(company)
    application = await world.application(employee, mission)
    feed = await address(world, employee)
    assert await shown(world, feed) == []
    path = f"/v1/applications/{application['id']}"
    await world.ok(association.owner, "POST", f"{path}/accept")
    assert await shown(world, feed) == [], "the employer has not agreed yet"

    await world.ok(company.admin, "POST", f"{path}/approve")
    first, second = await shown(world, feed)
    assert first["UID"] != second["UID"]
    assert first.start == datetime.fromisoformat(sessions[0]["starts_at"])
    assert str(first["DTSTART"].params["TZID"]) == "Europe/Paris"
    assert first["LOCATION"] == "Maison, des associations; Lyon, 69007"
    assert "Zoé Lac, zoe@lac.example" in first["DESCRIPTION"]
    assert mission["title"] in first["SUMMARY"]
    assert (first["STATUS"], first["TRANSP"]) == ("CONFIRMED", "OPAQUE")
    again = await shown(world, feed)
    assert [str(each["UID"]) for each in again] == [str(first["UID"]), str(second["UID"])]


async def test_a_mission_without_sessions_is_its_days_the_last_one_too(world: World) -> None:
    association = await world.association()
    employee, application = await world.engagement(association, await world.company(), "personal_time")
    feed = await address(world, employee)
    (event,) = await shown(world, feed)
    agreed = application["agreed"]
    assert str(event.start) == agreed["starts_on"]
    assert event.end - timedelta(days=1) == datetime.fromisoformat(agreed["ends_on"]).date()
    assert event["TRANSP"] == "TRANSPARENT"
    assert event["UID"] == application["id"]


async def test_what_ended_is_shown_cancelled_for_a_month_what_was_done_for_three(world: World) -> None:
    association, company = await world.association(), await world.company()
    employee, application = await world.engagement(association, company)
    feed = await address(world, employee)
    (before,) = await shown(world, feed)
    path = f"/v1/applications/{application['id']}"
    await world.ok(association.owner, "POST", f"{path}/cancel", {"reason": "Le local est fermé."})
    (event,) = await shown(world, feed)
    assert (event["STATUS"], event["UID"]) == ("CANCELLED", before["UID"])
    assert event["SEQUENCE"] > before["SEQUENCE"]
    assert "DESCRIPTION" not in event
    with clock.at(clock.now() + timedelta(days=32)):
        assert await shown(world, feed) == []

    other, application = await world.engagement(association, company)
    feed = await address(world, other)
    await world.ok(association.owner, "POST", f"/v1/applications/{application['id']}/complete")
    assert len(await shown(world, feed)) == 1
    with clock.at(clock.now() + timedelta(days=93)):
        assert await shown(world, feed) == []


async def test_a_withdrawn_wish_was_never_in_the_calendar(world: World) -> None:
    employee = world.employee(await world.company())
    application = await world.application(employee, await world.mission(await world.association()))
    feed = await address(world, employee)
    await world.ok(
        employee, "POST", f"/v1/applications/{application['id']}/withdraw", {"reason": "not_available"}
    )
    assert await shown(world, feed) == []


async def test_a_new_address_ends_the_former_and_its_secret_is_nowhere(
    world: World,
) -> None:
    employee, _ = await world.engagement(await world.association(), await world.company())
    first = await address(world, employee)
    answers = [await world.call(employee, "POST", FEED, idempotency_key="same") for _ in range(2)]
    assert [answer.status_code for answer in answers] == [201, 201]
    second, third = ("/" + answer.json()["url"].split("/", 3)[3] for answer in answers)
    assert second != third
    with capture_logs() as logged:
        for dead in (first, second):
            assert_problem(await world.client.get(dead), 404, "not-found")
        assert (await world.client.get(third)).status_code == 200
    secret = third.rpartition("/")[2].removesuffix(".ics")
    assert [line["path"] for line in logged] == ["/v1/calendars/{file}"] * 3
    assert secret not in str(logged)
    assert secret.removeprefix(PREFIX) not in await dumped()


async def dumped() -> str:
    """Give every row that a dump would hold of feeds, answers kept, facts and acts."""
    tables = ("calendar_feed", "idempotency_key", "outbox", "audit_event", "calendar_invitation", "mail")
    async with operations() as connection:
        rows = [
            str(row["row"])
            for table in tables
            for row in await connection.fetch(f"SELECT to_jsonb(t)::text AS row FROM {table} t")
        ]
        kept = await connection.fetch("SELECT body FROM idempotency_key")
    return "\n".join(rows) + "".join(str(row["body"]) for row in kept)


async def test_a_feed_is_read_again_only_where_it_changed(world: World) -> None:
    employee, application = await world.engagement(await world.association(), await world.company())
    feed = await address(world, employee)
    first = await world.client.get(feed)
    assert first.headers["content-type"] == "text/calendar; charset=utf-8"
    assert first.headers["cache-control"].startswith("private")
    held = {"If-None-Match": first.headers["etag"]}
    second = await world.client.get(feed, headers=held)
    assert (second.status_code, second.content) == (304, b"")
    await world.ok(
        employee, "POST", f"/v1/applications/{application['id']}/withdraw", {"reason": "not_available"}
    )
    assert (await world.client.get(feed, headers=held)).status_code == 200
    head = await world.client.head(feed)
    assert (head.status_code, head.content) == (200, b"")


async def test_an_address_that_is_none_tells_nothing(world: World) -> None:
    employee, _ = await world.engagement(await world.association(), await world.company())
    feed = await address(world, employee)
    other = "1" if feed[-5] == "0" else "0"
    hostile = (
        *(feed.removesuffix(".ics"), feed.upper(), feed + ".ics", f"{feed[:-5]}{other}.ics"),
        *(
            f"/v1/calendars/{name}"
            for name in (".ics", "%00.ics", "..%2f.ics", "%F0%9F%92%A9.ics", "x" * 1900)
        ),
        *(f"/v1/calendars/{write_key(prefix)}.ics" for prefix in (PREFIX, "mln_", "mls_")),
        f"/v1/calendars/{'%27%20OR%201=1--'}.ics",
    )
    answers = {path: await world.client.get(path) for path in hostile}
    assert {path: answer.status_code for path, answer in answers.items() if answer.status_code != 404} == {}
    assert len({answer.content for answer in answers.values()}) == 1
    spoken = await world.client.get(feed, headers={"Accept-Language": "en"})
    assert spoken.status_code == 200


async def test_the_feed_of_one_shows_nothing_of_another(world: World) -> None:
    association, company = await world.association(), await world.company()
    _, application = await world.engagement(association, company)
    for stranger in (association.owner, company.admin, world.employee(company), await world.person()):
        assert await shown(world, await address(world, stranger)) == []
    other = await world.association()
    assert await shown(world, await address(world, other.owner)) == []
    assert application["state"] == "accepted"


async def test_a_leaver_reads_no_feed_that_their_company_may_keep(world: World) -> None:
    association, company = await world.association(), await world.company()
    employee, _ = await world.engagement(association, company)
    feed = await address(world, employee)
    me = await world.ok(employee, "GET", "/v1/me")
    job = me["employments"][0]["employee_id"]
    path = f"/v1/companies/{company.id}/employees/{job}"
    await world.ok(company.admin, "POST", f"{path}/deactivate")
    assert_problem(await world.client.get(feed), 404, "not-found")

    # A row that came in between opens nothing either, until they have a door of their own.
    async with operations() as connection:
        await connection.execute(
            "INSERT INTO calendar_feed (id, person_id, digest, created_at) VALUES (uuidv7(), $1, sha256($2), now())",
            UUID(me["id"]),
            feed.rpartition("/")[2].removesuffix(".ics").encode(),
        )
    assert_problem(await world.client.get(feed), 404, "not-found")
    async with operations() as connection:
        await connection.execute(
            "INSERT INTO person_email (id, person_id, email, proved_at) VALUES (uuidv7(), $1, $2, now())",
            UUID(me["id"]),
            f"{me['id']}@exemple.example",
        )
    (event,) = await shown(world, feed)
    assert event["STATUS"] == "CANCELLED"


async def test_an_operator_and_an_erasure_end_a_feed(world: World) -> None:
    employee, _ = await world.engagement(await world.association(), await world.company())
    url = (await world.ok(employee, "POST", FEED))["url"]
    await revoke_secret(url)
    assert (await world.client.get("/" + url.split("/", 3)[3])).status_code == 404
    with pytest.raises(NotFound):
        await revoke_secret(url)

    feed = await address(world, employee)
    assert (await world.call(employee, "DELETE", "/v1/me")).status_code == 204
    assert_problem(await world.client.get(feed), 404, "not-found")
    async with operations() as connection:
        assert (
            await connection.fetchval(
                "SELECT count(*) FROM calendar_feed f JOIN person p ON p.id = person_id "
                "WHERE p.erased_at IS NOT NULL"
            )
            == 0
        )


async def test_a_feed_is_read_by_indexes_alone(world: World) -> None:
    employee, application = await world.engagement(await world.association(), await world.company())
    assert employee
    async with transaction(Actor(person_id=UUID(application["person"]["id"]))) as connection:
        await connection.execute("SET LOCAL enable_seqscan = off")
        asked = (UUID(application["person"]["id"]), clock.now(), list(SETTLED))
        plan = "\n".join(
            row[0] for row in await connection.fetch(f"EXPLAIN {queries_calendar._FEED}", *asked)
        )
    assert "Seq Scan" not in plan, plan
    assert "application_of_person" in plan

"""Invitations to one's days, as they arrive at a real SMTP server: sent, moved, called off."""

import asyncio
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID

import msgspec
import pytest
from icalendar import Calendar

from api.applications import invitations
from api.applications.invitations import news_for_calendar
from api.core import clock
from api.core.actor import system
from api.core.database import operations, transaction
from api.core.settings import Settings
from api.dev.folders import FOLDER_VARIABLE
from api.notifications.delivery import requeue
from tests.api.test_calendar_feed import assert_strict
from tests.api.test_changes import day, session
from tests.make.world import Association, Company, World
from tests.reactions.world import catch_up

TWO = [session(1), session(8)]


class Told(NamedTuple):
    """What a calendar in a mail says."""

    method: str
    uid: str
    sequence: int
    starts: date
    status: str


class Mailbox:
    """What arrived for one person since it was last looked at."""

    def __init__(self, folder: Path, settings: Settings) -> None:
        self.folder = folder / "mail"
        self.settings = msgspec.structs.replace(settings, mail_domain_interval_ms=0)
        self.read: set[Path] = set()

    async def arrived(self, address: str) -> list[EmailMessage]:
        """Run every reaction owed, then open what came for an address."""
        for _ in range(2):  # facts, then the mails that they queued
            await catch_up(self.settings)
        new = sorted(set(self.folder.glob("*.eml")) - self.read)
        self.read |= set(new)
        mails = [message_from_bytes(path.read_bytes(), policy=policy.default) for path in new]
        return [mail for mail in mails if mail["X-RcptTo"] == address]

    async def calendars(self, address: str) -> list[Told]:
        """Give what the calendars in the mails for an address say."""
        return [_told(part, address) for mail in await self.arrived(address) for part in _parts(mail)]


def _parts(mail: EmailMessage) -> Iterator[EmailMessage]:
    for part in mail.walk():
        if part.get_content_type() == "text/calendar":
            assert isinstance(part, EmailMessage)
            yield part


def _told(part: EmailMessage, address: str) -> Told:
    body = part.get_payload(decode=True)
    assert isinstance(body, bytes)
    assert_strict(body)
    calendar = Calendar.from_ical(body)
    assert part.get_param("method") == calendar["METHOD"]
    assert part.get_content_charset() == "utf-8"
    (event,) = calendar.events  # an object names one event: RFC 5546, 3.2.2
    assert event["ATTENDEE"] == f"mailto:{address}"
    assert event["ATTENDEE"].params["PARTSTAT"] == "ACCEPTED"
    assert event["ORGANIZER"] == "mailto:maillon@localhost"
    return Told(str(calendar["METHOD"]), str(event["UID"]), event.sequence, event.start, str(event["STATUS"]))


@pytest.fixture
def mailbox(environment: dict[str, str], settings: Settings) -> Mailbox:
    return Mailbox(Path(environment[FOLDER_VARIABLE]), settings)


class Engaged(NamedTuple):
    """Somebody who applied, and what to."""

    token: str
    address: str
    person: str
    mission: dict[str, Any]
    path: str

    @property
    def id(self) -> UUID:
        """The application."""
        return UUID(self.path.rpartition("/")[2])


async def applicant(
    world: World,
    association: Association,
    company: Company,
    regime: str = "working_time",
    own_address: str | None = None,
    **fields: Any,
) -> Engaged:
    """Have somebody apply to a mission with two sessions."""
    fields = {"starts_on": day(0), "ends_on": day(30), "apply_by": None, "sessions": TWO} | fields
    mission = await world.mission(association, **fields)
    token = world.employee(company)
    application = await world.application(token, mission, regime)
    person = application["person"]
    address = person["email"]
    if own_address:
        address = f"{person['id']}@exemple.example"
        async with operations() as connection:
            await connection.execute(
                "INSERT INTO person_email (id, person_id, email, proved_at) VALUES (uuidv7(), $1, $2, now())",
                *(UUID(person["id"]), address),
            )
    return Engaged(token, address, person["id"], mission, f"/v1/applications/{application['id']}")


def starts(*sessions: dict[str, str]) -> list[datetime]:
    return [datetime.fromisoformat(each["starts_at"]) for each in sessions]


async def edit(world: World, association: Association, mission: dict[str, Any], **fields: Any) -> None:
    path = f"/v1/missions/{mission['id']}"
    version = (await world.call(association.owner, "GET", path)).headers["etag"]
    await world.ok(association.owner, "PATCH", path, fields, if_match=version)


async def test_an_invitation_is_sent_moved_and_called_off(world: World, mailbox: Mailbox) -> None:
    association, company = await world.association(), await world.company(approval="hr")
    contact = {"name": "Zoé Lac", "email": "zoe@lac.example", "phone": None}
    it = await applicant(world, association, company, contact=contact)
    await world.ok(association.owner, "POST", f"{it.path}/accept")
    assert await mailbox.calendars(it.address) == [], "the employer has not agreed yet"

    await world.ok(company.admin, "POST", f"{it.path}/approve")
    (mail,) = await mailbox.arrived(it.address)
    assert mail.get_content_type() == "multipart/mixed"
    (alternative,) = [part for part in mail.walk() if part.get_content_type() == "multipart/alternative"]
    kinds = [part.get_content_type() for part in alternative.iter_parts()]
    assert kinds == ["text/plain", "text/html", "text/calendar"]
    first = [_told(part, it.address) for part in _parts(mail)]
    assert {told.method for told in first} == {"REQUEST"}
    assert [told.starts for told in first] == starts(*TWO)
    assert "zoe@lac.example" in str(next(_parts(mail)).get_content())

    moved = [{"id": it.mission["sessions"][0]["id"]} | session(2), it.mission["sessions"][1]]
    await edit(world, association, it.mission, sessions=moved)
    (second,) = await mailbox.calendars(it.address)
    assert (second.method, second.uid, second.starts) == ("REQUEST", first[0].uid, *starts(session(2)))
    assert second.sequence > first[0].sequence

    await world.ok(association.owner, "POST", f"{it.path}/cancel", {"reason": "Le local est fermé."})
    gone = await mailbox.calendars(it.address)
    assert {(told.method, told.status) for told in gone} == {("CANCEL", "CANCELLED")}
    assert {told.uid for told in gone} == {told.uid for told in first}
    assert min(told.sequence for told in gone) > second.sequence
    async with operations() as connection:
        left = await connection.fetchval(
            "SELECT count(*) FROM mail WHERE to_address = $1 AND calendars <> '{}'", it.address
        )
    assert left == 0, "what was sent is not kept"


async def test_what_one_agrees_to_moves_the_calendar_whoever_proposed(world: World, mailbox: Mailbox) -> None:
    association, company = await world.association(), await world.company(approval="automatic")
    it = await applicant(world, association, company, sessions=[])
    await world.ok(association.owner, "POST", f"{it.path}/accept")
    (invited,) = await mailbox.calendars(it.address)
    assert (str(invited.starts), invited.uid) == (day(0), str(it.id))
    sequence = invited.sequence
    for proposer, answerer, first in ((it.token, association.owner, 3), (association.owner, it.token, 4)):
        change = await world.ok(proposer, "POST", f"{it.path}/changes", {"starts_on": day(first)})
        assert await mailbox.calendars(it.address) == []
        await world.ok(answerer, "POST", f"/v1/changes/{change['id']}/accept")
        (told,) = await mailbox.calendars(it.address)
        assert (told.method, told.uid, str(told.starts)) == ("REQUEST", invited.uid, day(first))
        assert told.sequence > sequence
        sequence = told.sequence

    change = await world.ok(it.token, "POST", f"{it.path}/changes", {"sessions": [session(5)]})
    await world.ok(association.owner, "POST", f"/v1/changes/{change['id']}/accept")
    by_method = {each.method: each for each in await mailbox.calendars(it.address)}
    assert by_method["CANCEL"].uid == invited.uid, "the days as a whole make place for a session"
    assert by_method["REQUEST"].starts == starts(session(5))[0]


async def test_a_longer_effort_waits_for_the_employer_whose_refusal_calls_it_off(
    world: World, mailbox: Mailbox
) -> None:
    association, company = await world.association(), await world.company(approval="hr")
    it = await applicant(world, association, company)
    await world.ok(association.owner, "POST", f"{it.path}/accept")
    await world.ok(company.admin, "POST", f"{it.path}/approve")
    invited = await mailbox.calendars(it.address)
    longer = {"effort_minutes": it.mission["effort_minutes"] + 60, "sessions": [session(3)]}
    change = await world.ok(it.token, "POST", f"{it.path}/changes", longer)
    await world.ok(association.owner, "POST", f"/v1/changes/{change['id']}/accept")
    assert await mailbox.calendars(it.address) == [], "it waits for the employer"
    await world.ok(company.admin, "POST", f"{it.path}/refuse", {"reason": "Trop long."})
    gone = await mailbox.calendars(it.address)
    assert {(told.method, told.uid) for told in gone} == {("CANCEL", told.uid) for told in invited}


async def test_only_who_was_invited_is_told_that_it_is_off(world: World, mailbox: Mailbox) -> None:
    association, company = await world.association(), await world.company(approval="automatic")
    never, invited = [await applicant(world, association, company) for _ in range(2)]
    await world.ok(association.owner, "POST", f"{invited.path}/accept")
    assert len(await mailbox.calendars(invited.address)) == 2
    for it in (never, invited):
        await world.ok(it.token, "POST", f"{it.path}/withdraw", {"reason": "not_available"})
    await catch_up(mailbox.settings)
    assert {told.method for told in await mailbox.calendars(invited.address)} == {"CANCEL"}
    async with operations() as connection:
        mails = await connection.fetchval("SELECT count(*) FROM mail WHERE to_address = $1", never.address)
    assert mails == 0


async def test_a_cancelled_mission_is_called_off_in_the_same_mail(world: World, mailbox: Mailbox) -> None:
    association, company = await world.association(), await world.company(approval="automatic")
    it = await applicant(world, association, company)
    await world.ok(association.owner, "POST", f"{it.path}/accept")
    await mailbox.arrived(it.address)
    await world.ok(
        association.owner, "POST", f"/v1/missions/{it.mission['id']}/cancel", {"reason": "Plus de local."}
    )
    (mail,) = await mailbox.arrived(it.address)
    assert [_told(part, it.address).method for part in _parts(mail)] == ["CANCEL", "CANCEL"]
    assert "Plus de local." in str(mail.get_body(("plain",)))


async def test_a_taken_offer_is_an_invitation(world: World, mailbox: Mailbox) -> None:
    association, company = await world.association(), await world.company(approval="automatic")
    it = await applicant(world, association, company)
    waiting = await world.application(token := world.employee(company), it.mission)
    path, address = f"/v1/applications/{waiting['id']}", waiting["person"]["email"]
    await world.ok(association.owner, "POST", f"{it.path}/accept")
    await world.ok(association.owner, "POST", f"{path}/waitlist")
    await world.ok(it.token, "POST", f"{it.path}/withdraw", {"reason": "not_available"})
    assert await mailbox.calendars(address) == []
    await world.ok(token, "POST", f"{path}/accept-offer")
    assert [told.method for told in await mailbox.calendars(address)] == ["REQUEST", "REQUEST"]


async def test_an_employers_mailbox_reads_nothing_of_personal_time(world: World, mailbox: Mailbox) -> None:
    association, company = await world.association(), await world.company(approval="automatic")
    at_work = await applicant(world, association, company, "personal_time", title="Accueillir des réfugiés")
    at_home = await applicant(world, association, company, "personal_time", own_address="yes")
    for it in (at_work, at_home):
        await world.ok(association.owner, "POST", f"{it.path}/accept")
    (mail,) = await mailbox.arrived(at_work.address)
    assert list(_parts(mail)) == []
    assert "réfugiés" not in str(mail.get_body(("plain",)))
    async with operations() as connection:
        sent = await connection.fetchval("SELECT count(*) FROM mail WHERE to_address = $1", at_home.address)
        told = await connection.fetch("SELECT application_id FROM calendar_invitation")
    assert sent == 1
    assert at_work.id not in {row["application_id"] for row in told}
    assert at_home.id in {row["application_id"] for row in told}


async def test_a_leaver_hears_of_it_at_their_own_address_alone(world: World, mailbox: Mailbox) -> None:
    association, company = await world.association(), await world.company(approval="automatic")
    at_work = await applicant(world, association, company)
    at_home = await applicant(world, association, company, own_address="yes")
    for it in (at_work, at_home):
        await world.ok(association.owner, "POST", f"{it.path}/accept")
    await mailbox.arrived("")
    for it in (at_work, at_home):
        me = await world.ok(it.token, "GET", "/v1/me")
        job = me["employments"][0]["employee_id"]
        await world.ok(company.admin, "POST", f"/v1/companies/{company.id}/employees/{job}/deactivate")
    assert [told.method for told in await mailbox.calendars(at_home.address)] == ["CANCEL", "CANCEL"]
    async with operations() as connection:
        last = await connection.fetchval(
            "SELECT bool_or(kind = 'calendar_cancelled') FROM mail WHERE to_address = $1", at_work.address
        )
    assert last is False


async def test_what_took_place_stays_in_the_calendar(world: World, mailbox: Mailbox) -> None:
    association, company = await world.association(), await world.company(approval="automatic")
    it = await applicant(world, association, company)
    await world.ok(association.owner, "POST", f"{it.path}/accept")
    first, second = await mailbox.calendars(it.address)
    inside = system(UUID(company.id), UUID(association.id))
    await world.ok(association.owner, "POST", f"{it.path}/cancel", {"reason": "Le local est fermé."})
    with clock.at(starts(TWO[0])[0] + timedelta(days=1)):
        async with transaction(inside):
            (calendar,) = await news_for_calendar(it.id)
    assert f"UID:{second.uid}" in calendar
    assert first.uid not in calendar

    done = await applicant(world, association, company)
    await world.ok(association.owner, "POST", f"{done.path}/accept")
    await mailbox.arrived(done.address)
    await world.ok(association.owner, "POST", f"{done.path}/complete")
    assert await mailbox.calendars(done.address) == []


async def test_a_mail_in_doubt_that_is_sent_again_carries_the_same_calendar(
    world: World, mailbox: Mailbox
) -> None:
    association, company = await world.association(), await world.company(approval="automatic")
    it = await applicant(world, association, company, sessions=[])
    await world.ok(association.owner, "POST", f"{it.path}/accept")
    await catch_up(mailbox.settings)
    async with transaction(system()) as connection:
        row = await connection.fetchrow(
            """UPDATE mail SET state = 'unknown', finished_at = now() WHERE to_address = $1
               RETURNING id, calendars""",
            it.address,
        )
    (written,) = row["calendars"]
    async with transaction(system()):
        assert await requeue(row["id"], "unknown")
    (mail,) = await mailbox.arrived(it.address)
    (part,) = _parts(mail)
    sent = Calendar.from_ical(part.get_content()).events[0]
    meant = Calendar.from_ical(written).events[0]
    assert (sent["UID"], sent.sequence, sent.stamp) == (meant["UID"], meant.sequence, meant.stamp)


async def two_at_once(world: World) -> tuple[list[str], list[str]]:
    """Have two reactions to one acceptance look at the calendar, the first to end only when the other has begun."""
    association, company = await world.association(), await world.company(approval="automatic")
    it = await applicant(world, association, company)
    await world.ok(association.owner, "POST", f"{it.path}/accept")
    inside = system(UUID(company.id), UUID(association.id))
    held, answers = asyncio.Event(), []

    async def second() -> list[str]:
        await held.wait()
        async with transaction(inside):
            return await news_for_calendar(it.id)

    other = asyncio.create_task(second())
    async with transaction(inside) as connection:
        answers.append(await news_for_calendar(it.id))
        held.set()
        await _until_it_waits(connection, other)
    return answers[0], await other


async def _until_it_waits(connection: Any, other: asyncio.Task[list[str]]) -> None:
    """Wait until the other session waits for a lock of this one."""
    waits = (
        "SELECT count(*) FROM pg_locks WHERE NOT granted AND pg_backend_pid() = ANY (pg_blocking_pids(pid))"
    )
    for _ in range(500):
        if other.done() or await connection.fetchval(waits):
            return
        await asyncio.sleep(0.01)
    raise TimeoutError


async def test_two_reactions_invite_once(world: World) -> None:
    first, second = await two_at_once(world)
    assert (len(first), second) == (2, [])


async def test_without_the_lock_two_reactions_invite_twice(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(invitations, "_LOCK", "SELECT $1::uuid")
    first, second = await two_at_once(world)
    assert (len(first), len(second)) == (2, 2)

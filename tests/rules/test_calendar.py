"""Calendars byte for byte, and their clocks hour by hour."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from icalendar import Calendar

from api.applications.calendar import Agreed, Slot, Telling, _zone, slots, write_feed, write_message
from api.applications.schemas import ReachableContact
from api.missions.schemas import Session

ENGAGEMENT = UUID("01890000-0000-7000-8000-000000000001")
STAMP = datetime(2026, 9, 1, 8, 30, 15, 999, tzinfo=UTC)
TOLD = Telling(3, STAMP, "fr")


def session(day: str, hour: int, zone: str = "Europe/Paris") -> Session:
    starts_at = datetime.fromisoformat(f"{day}T{hour:02}:00:00").replace(tzinfo=ZoneInfo(zone))
    at = starts_at.astimezone(UTC)
    return Session(id=uuid4(), starts_at=at, ends_at=at + timedelta(hours=2))


def agreed(*sessions: Session, **fields: Any) -> Agreed:
    usual: dict[str, Any] = {
        "id": ENGAGEMENT,
        "title": "Refaire le site",
        "association": "Les Amis du Lac",
        "zone": "Europe/Paris",
        "remote": "no",
        "place": "Lyon, 69007",
        "starts_on": date(2026, 10, 20),
        "ends_on": date(2026, 11, 20),
    }
    return Agreed(**(usual | fields), sessions=list(sessions))


def feed(*found: Slot) -> str:
    return write_feed([(slot, TOLD) for slot in found], "fr")


def test_an_event_is_these_bytes() -> None:
    (slot,) = slots(agreed(place="12, rue du Lac; Lyon"))
    said = TOLD._replace(
        contact=ReachableContact(name="Zoé, du Lac", email="zoe@lac.example", phone="0400000000")
    )
    assert write_message("REQUEST", slot, said).split("\r\n") == [
        "BEGIN:VCALENDAR",
        "PRODID:-//Maillon//Maillon//EN",
        "VERSION:2.0",
        "METHOD:REQUEST",
        "BEGIN:VEVENT",
        f"UID:{ENGAGEMENT}",
        "SEQUENCE:3",
        "DTSTAMP:20260901T083015Z",
        "DTSTART;VALUE=DATE:20261020",
        "DTEND;VALUE=DATE:20261121",
        "SUMMARY:Refaire le site (Les Amis du Lac)",
        "LOCATION:12\\, rue du Lac\\; Lyon",
        "DESCRIPTION:Contact : Zoé\\, du Lac\\, zoe@lac.example\\, 0400000000",
        "STATUS:CONFIRMED",
        "TRANSP:TRANSPARENT",
        "END:VEVENT",
        "END:VCALENDAR",
        "",
    ]


def test_hours_stay_those_of_the_clock_on_the_wall_when_it_changes() -> None:
    before, after = session("2026-10-24", 10), session("2026-10-31", 10)
    spring, summer = session("2027-03-27", 10), session("2027-04-03", 10)
    written = feed(*slots(agreed(before, after, spring, summer)))
    assert [line for line in written.split("\r\n") if line.startswith("DTSTART;")] == [
        f"DTSTART;TZID=Europe/Paris:{day}T100000" for day in ("20261024", "20261031", "20270327", "20270403")
    ]
    read = [event.start for event in Calendar.from_ical(written).events]
    assert read == [each.starts_at for each in (before, after, spring, summer)]
    assert written.count("BEGIN:VTIMEZONE") == 1


@pytest.mark.parametrize(
    "zone",
    [
        *("Europe/Paris", "Indian/Reunion", "America/Guadeloupe", "Pacific/Noumea", "America/Miquelon"),
        *("Europe/Dublin", "Australia/Lord_Howe", "Africa/Casablanca", "UTC"),
    ],
)
def test_a_described_zone_is_the_zone_hour_by_hour(zone: str) -> None:
    described = _zone(zone, 2026, 2027).to_tz(lookup_tzid=False)
    at = datetime(2026, 1, 1, tzinfo=UTC)
    while at < datetime(2028, 1, 1, tzinfo=UTC):
        local = at.astimezone(ZoneInfo(zone))
        wall = local.replace(tzinfo=None)
        if wall.replace(tzinfo=ZoneInfo(zone)).utcoffset() == local.utcoffset() and not _repeated(local):
            assert wall.replace(tzinfo=described).utcoffset() == local.utcoffset(), at
        at += timedelta(hours=1)


def _repeated(local: datetime) -> bool:
    """Tell whether the clock shows this hour twice: which of them a wall time means is not the zone's to say."""
    return local.replace(fold=0).utcoffset() != local.replace(fold=1).utcoffset()


def test_the_day_of_a_change_is_told_by_the_clock_of_before_it() -> None:
    written = _zone("Europe/Paris", 2027, 2027).to_ical().decode()
    assert "DTSTART:20270328T020000\r\nTZNAME:CEST\r\nTZOFFSETFROM:+0100\r\nTZOFFSETTO:+0200" in written
    assert "DTSTART:20271031T030000\r\nTZNAME:CET\r\nTZOFFSETFROM:+0200\r\nTZOFFSETTO:+0100" in written


def test_a_session_keeps_its_id_and_two_people_have_two() -> None:
    one = session("2026-10-24", 10)
    later = Session(id=one.id, starts_at=one.ends_at, ends_at=one.ends_at + timedelta(hours=1))
    (first,), (moved,) = slots(agreed(one)), slots(agreed(later))
    assert first.uid == moved.uid
    assert slots(agreed(one, id=uuid4()))[0].uid != first.uid


def test_what_is_remote_says_so_in_the_language_of_its_reader() -> None:
    (slot,) = slots(agreed(remote="full"))
    assert "LOCATION:À distance" in write_message("REQUEST", slot, TOLD)
    assert "LOCATION:Remote" in write_message("REQUEST", slot, TOLD._replace(language="en"))
    (nowhere,) = slots(agreed(place=""))
    assert "LOCATION" not in write_message("REQUEST", nowhere, TOLD)


def test_an_empty_calendar_is_a_calendar() -> None:
    assert Calendar.from_ical(feed()).walk("VEVENT") == []
    assert "BEGIN:VTIMEZONE\r\nTZID:UTC" in feed()


_LINES = st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1, max_size=200)
_MARK = "\ufeff"
"""A byte order mark: the library takes one off the beginning of a text, where nobody sees it."""


@example(title="a", place=_MARK, association="b")
@given(title=_LINES, place=_LINES, association=_LINES)
def test_whatever_people_wrote_comes_back_in_short_lines(title: str, place: str, association: str) -> None:
    (slot,) = slots(agreed(session("2026-10-24", 10), title=title, place=place, association=association))
    written = write_message("REQUEST", slot, TOLD).encode()
    assert max(map(len, written.split(b"\r\n"))) <= 75
    assert written.count(b"\n") == written.count(b"\r") == written.count(b"\r\n")
    (event,) = Calendar.from_ical(written).walk("VEVENT")
    assert event["SUMMARY"] == f"{title} ({association})".removeprefix(_MARK)
    assert event["LOCATION"] == place.removeprefix(_MARK)

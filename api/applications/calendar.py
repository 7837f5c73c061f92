"""Engagements as calendars read them (RFC 5545): pure, rows in, iCalendar text out."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from typing import NamedTuple
from uuid import UUID, uuid5
from zoneinfo import ZoneInfo

import msgspec
from icalendar import Calendar, Component, Event, Timezone, TimezoneDaylight, TimezoneStandard

from api.applications.schemas import ReachableContact
from api.core.language import Language, Words
from api.missions.schemas import Session

PRODUCT = "-//Maillon//Maillon//EN"
_REMOTE = Words("Remote", "À distance")
_CONTACT = Words("Contact: ", "Contact : ")
_FEED = Words("Maillon: my engagements", "Maillon : mes engagements")
_REFRESHED = timedelta(hours=6)


class Slot(msgspec.Struct, frozen=True, kw_only=True):
    """What a calendar shows: hours in a zone, or whole days, the last one included; without `place` it is remote."""

    uid: UUID
    title: str
    zone: str
    place: str | None
    hours: tuple[datetime, datetime] | None = None
    days: tuple[date, date] | None = None

    @property
    def ends_at(self) -> datetime:
        """Give the instant at which it is over."""
        if self.hours:
            return self.hours[1]
        last = self.days[1] if self.days else date.min
        return datetime.combine(last + timedelta(days=1), time.min, ZoneInfo(self.zone))


class Telling(NamedTuple):
    """How slots are told: as `sequence` says, `stamp` being when what they say was last changed."""

    sequence: int
    stamp: datetime
    language: Language
    contact: ReachableContact | None = None
    cancelled: bool = False


class Agreed(msgspec.Struct, frozen=True, kw_only=True):
    """What both sides of an engagement agreed on, and where."""

    id: UUID
    title: str
    association: str
    zone: str
    remote: str
    place: str
    starts_on: date
    ends_on: date | None
    sessions: list[Session]


def slots(agreed: Agreed) -> list[Slot]:
    """Give a slot a session, or where there is none one for all the days; their ids last as long as they do."""
    whole = Slot(
        uid=agreed.id,
        title=f"{agreed.title} ({agreed.association})",
        zone=agreed.zone,
        place=None if agreed.remote == "full" else agreed.place,
        days=(agreed.starts_on, agreed.ends_on or agreed.starts_on),
    )
    return [
        msgspec.structs.replace(
            whole,
            uid=uuid5(agreed.id, session.id.hex),
            hours=(session.starts_at, session.ends_at),
            days=None,
        )
        for session in agreed.sessions
    ] or [whole]


def write_message(method: str, slot: Slot, telling: Telling) -> str:
    """Write what one slot's mail carries, `REQUEST` or `CANCEL` (RFC 5546): an object names one event."""
    calendar = _calendar([(slot, telling)])
    calendar.add("method", method)
    return _text(calendar)


def write_feed(told: list[tuple[Slot, Telling]], language: Language) -> str:
    """Write all of a person's slots, to be read again from time to time (RFC 7986)."""
    calendar = _calendar(told)
    calendar.add("name", _FEED.read(language))
    calendar.add("x-wr-calname", _FEED.read(language))
    calendar.add("refresh-interval", _REFRESHED, parameters={"VALUE": "DURATION"})
    if not told:
        calendar.add_component(
            _zone("UTC", 2000, 2000)
        )  # an object holds a component at least (RFC 5545, 3.4)
    return _text(calendar)


def _calendar(told: list[tuple[Slot, Telling]]) -> Calendar:
    calendar = Calendar()
    calendar.add("prodid", PRODUCT)
    calendar.add("version", "2.0")
    years: dict[str, set[int]] = {}
    for slot, _ in told:
        if slot.hours:
            years.setdefault(slot.zone, set()).update(each.year for each in slot.hours)
    for zone in sorted(years):
        calendar.add_component(_zone(zone, min(years[zone]), max(years[zone])))
    for slot, telling in told:
        calendar.add_component(_event(slot, telling))
    return calendar


def _event(slot: Slot, telling: Telling) -> Event:
    event = Event()
    event.add("uid", str(slot.uid))
    event.add("sequence", telling.sequence)
    event.add("dtstamp", telling.stamp.astimezone(UTC).replace(microsecond=0))
    starts, ends = _span(slot)
    event.add("dtstart", starts)
    event.add("dtend", ends)
    event.add("summary", slot.title)
    if place := _REMOTE.read(telling.language) if slot.place is None else slot.place:
        event.add("location", place)
    if contact := _contact(telling):
        event.add("description", contact)
    event.add("status", "CANCELLED" if telling.cancelled else "CONFIRMED")
    # Weeks of a project part time leave the rest of each day free.
    event.add("transp", "OPAQUE" if slot.hours else "TRANSPARENT")
    return event


def _span(slot: Slot) -> tuple[date, date]:
    if slot.hours:
        zone = ZoneInfo(slot.zone)
        return slot.hours[0].astimezone(zone), slot.hours[1].astimezone(zone)
    first, last = slot.days or (date.min, date.min)
    return first, last + timedelta(days=1)


def _contact(telling: Telling) -> str:
    who = telling.contact
    said = [text for text in (who.name, who.email, who.phone) if text] if who else []
    return _CONTACT.read(telling.language) + ", ".join(said) if said else ""


def _text(calendar: Calendar) -> str:
    return str(calendar.to_ical(sorted=False), "utf-8")


@cache
def _zone(name: str, first: int, last: int) -> Timezone:
    """Describe a zone over some years, a part for each time its clocks are changed (RFC 5545, 3.6.5)."""
    zone, written = ZoneInfo(name), Timezone()
    written.add("tzid", name)
    begins = datetime(first - 1, 12, 1, tzinfo=UTC)
    written.add_component(_observance(zone, begins, begins))
    for change in _changes(zone, begins, datetime(last + 1, 2, 1, tzinfo=UTC)):
        written.add_component(_observance(zone, change - timedelta(seconds=1), change))
    return written


def _observance(zone: ZoneInfo, before: datetime, at: datetime) -> Component:
    """Describe what holds from an instant on, which is told by the clock of before it."""
    former, now = before.astimezone(zone), at.astimezone(zone)
    offset = former.utcoffset() or timedelta()
    part: Component = TimezoneDaylight() if now.dst() else TimezoneStandard()
    part.add("dtstart", (at + offset).replace(tzinfo=None))
    part.add("tzoffsetfrom", offset)
    part.add("tzoffsetto", now.utcoffset())
    part.add("tzname", now.tzname())
    return part


def _changes(zone: ZoneInfo, begins: datetime, ends: datetime) -> Iterator[datetime]:
    """Give the instants at which the clocks of a zone are changed."""
    day = begins
    while day < ends:
        after, before = day + timedelta(days=1), day
        if _offset(zone, before) != _offset(zone, after):
            while after - before > timedelta(seconds=1):
                middle = (before + (after - before) / 2).replace(microsecond=0)
                changed = _offset(zone, middle) != _offset(zone, before)
                before, after = (before, middle) if changed else (middle, after)
            yield after
        day += timedelta(days=1)


def _offset(zone: ZoneInfo, at: datetime) -> timedelta | None:
    return at.astimezone(zone).utcoffset()

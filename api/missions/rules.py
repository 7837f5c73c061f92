"""The rules a mission obeys before anyone else reads it: each says what is wrong, and all are said at once."""

from collections.abc import Collection, Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from operator import itemgetter
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from api.core.language import Words
from api.core.problems import Fault, repeated
from api.missions.wording import broken_wording, visible


class Bounds(NamedTuple):
    """What a format allows: least and most minutes for one place, least and most places, most days."""

    effort: tuple[int, int]
    places: tuple[int, int]
    days: int


FORMATS = {
    "consultation": Bounds((30, 120), (1, 20), 92),
    "short": Bounds((60, 1_440), (1, 100), 92),
    "project": Bounds((600, 24_000), (1, 50), 184),
    "mentoring": Bounds((60, 12_000), (1, 100), 366),
    "team_day": Bounds((180, 720), (2, 500), 1),
}
"""An hour; up to three days; up to six months part time; over a year; a group, a day."""

SESSION_LASTS = timedelta(hours=24)
"""How long a session lasts at most."""
HORIZON = timedelta(days=731)
"""How far ahead a mission may start: two years."""

INSTANT = timedelta(microseconds=1)
"""The least there is: a session that ends at midnight ends on the day before."""

_LONGEST = {
    False: Words("This format lasts a single day.", "Ce format dure un seul jour."),
    True: Words("This format lasts {most} days at most.", "Ce format dure au plus {most} jours."),
}

REQUIRED = {
    "format": Words("Choose a format.", "Choisissez un format."),
    "effort_minutes": Words("Say how many minutes it takes.", "Indiquez le temps nécessaire, en minutes."),
    "starts_on": Words("Say when it starts.", "Indiquez le premier jour."),
    "regimes": Words(
        "Say on whose time: working or personal.", "Indiquez le cadre : temps de travail ou personnel."
    ),
    "description": Words("Describe the need.", "Décrivez le besoin."),
}


def broken_rules(mission: dict[str, Any], now: datetime) -> list[Fault]:
    """Name every rule that a mission breaks, all at once; an empty list lets it go further."""
    today = now.astimezone(ZoneInfo(mission["time_zone"])).date()
    return [
        *_missing(mission),
        *_repeated(mission),
        *broken_wording(mission),
        *_readiness(mission),
        *_dates(mission, today),
        *_sessions(mission),
        *_begun(mission, now),
        *_bounds(mission),
    ]


def broken_terms(terms: dict[str, Any], mission: dict[str, Any], named: Collection[str]) -> list[Fault]:
    """Name every rule that terms agreed by one person break: they lie within the mission's days and its format.

    `named`: those that change, which the faults point at.
    """
    last = last_day(mission)
    outside = Words("Outside of the mission’s days.", "En dehors des jours de la mission.")
    days = [
        Fault(f"/{name}", "outside", outside)
        for name in ("starts_on", "ends_on")
        if terms[name] and not mission["starts_on"] <= terms[name] <= last
    ] or list(_order(terms, "ends_on" if "ends_on" in named else "starts_on"))
    after = mission | terms
    until = after | {
        "starts_on": terms["starts_on"] or mission["starts_on"],
        "ends_on": terms["ends_on"] or last,
    }
    sessions = [*_repeated_sessions(after), *_sessions(until)] if "sessions" in named else _left_out(until)
    faults = [*sessions, *_bounds(after)]
    # What is measured by days that are wrong is no fault of its own.
    return days + [
        fault for fault in faults if not days or (fault.code != "outside" and fault.pointer != "/ends_on")
    ]


def _left_out(terms: dict[str, Any]) -> Iterator[Fault]:
    """Name the ends of the days that leave out a session which stays as it is."""
    words = Words("A session that was agreed lies outside.", "Une session convenue serait en dehors.")
    zone, spans = ZoneInfo(terms["time_zone"]), [_span(session) for session in terms["sessions"] or []]
    if any(start.astimezone(zone).date() < terms["starts_on"] for start, _ in spans):
        yield Fault("/starts_on", "outside", words)
    if any((end - INSTANT).astimezone(zone).date() > terms["ends_on"] for _, end in spans):
        yield Fault("/ends_on", "outside", words)


def _span(session: dict[str, str]) -> tuple[datetime, datetime]:
    return datetime.fromisoformat(session["starts_at"]), datetime.fromisoformat(session["ends_at"])


def last_day(mission: Mapping[str, Any]) -> date:
    """Give the last day of a mission, by its format's length where it does not say."""
    first: date = mission["starts_on"]
    longest = min(timedelta(days=FORMATS[mission["format"]].days - 1), date.max - first)
    return mission["ends_on"] or first + longest


def _known_end(mission: Mapping[str, Any]) -> date | None:
    """Give the last day of a mission, None where it does not say enough to have one."""
    return last_day(mission) if mission["starts_on"] and mission["format"] else mission["ends_on"]


def _missing(mission: dict[str, Any]) -> Iterator[Fault]:
    shown = mission | {"description": visible(mission["description"])}
    for field, words in REQUIRED.items():
        if not shown[field]:
            yield Fault(f"/{field}", "required", words)


def _repeated(mission: dict[str, Any]) -> Iterator[Fault]:
    for name in ("causes", "regimes", "languages", "managers", "reserved_to"):
        yield from repeated(f"/{name}/{{}}", mission[name])
    yield from repeated("/skills/{}", [each["skill"] for each in mission["skills"]])
    yield from _repeated_sessions(mission)


def _repeated_sessions(mission: dict[str, Any]) -> list[Fault]:
    return repeated("/sessions/{}/id", [each["id"] for each in mission["sessions"]])


def _readiness(mission: dict[str, Any]) -> Iterator[Fault]:
    for place, item in enumerate(mission["prerequisites"]):
        if not item["ready"]:
            words = Words(
                "Tick it once it is ready: the mission starts from there.",
                "Cochez ce préalable une fois prêt : la mission part de là.",
            )
            yield Fault(f"/prerequisites/{place}/ready", "not-ready", words)


def _dates(mission: dict[str, Any], today: date) -> Iterator[Fault]:
    for field in ("starts_on", "ends_on", "apply_by"):
        if mission[field] and mission[field] < today:
            yield Fault(f"/{field}", "in-the-past", Words("This day is past.", "Ce jour est passé."))
    if mission["starts_on"] and mission["starts_on"] > today + HORIZON:
        words = Words("It starts within two years.", "Elle commence dans les deux ans.")
        yield Fault("/starts_on", "too-far", words)
    last = _known_end(mission)
    if mission["apply_by"] and last and mission["apply_by"] > last:
        words = Words("People apply before its last day.", "On candidate avant son dernier jour.")
        yield Fault("/apply_by", "after-end", words)
    yield from _order(mission)


def _order(days: Mapping[str, Any], wrong: str = "ends_on") -> Iterator[Fault]:
    if days["starts_on"] and days["ends_on"] and days["ends_on"] < days["starts_on"]:
        yield Fault(
            f"/{wrong}", "before-start", Words("It ends before it starts.", "La fin précède le début.")
        )


def _sessions(mission: dict[str, Any]) -> Iterator[Fault]:
    """Sessions lie within the mission's days, one after the other, and none is longer than a day."""
    zone = ZoneInfo(mission["time_zone"])
    last = _known_end(mission)
    spans = [(place, *_span(session)) for place, session in enumerate(mission["sessions"])]
    for place, start, end in spans:
        if end <= start:
            words = Words("It ends before it starts.", "La fin précède le début.")
            yield Fault(f"/sessions/{place}/ends_at", "before-start", words)
        if end - start > SESSION_LASTS:
            words = Words("A session lasts 24 hours at most.", "Une session dure au plus 24 heures.")
            yield Fault(f"/sessions/{place}/ends_at", "too-long", words)
        first_of, last_of = (at.astimezone(zone).date() for at in (start, end - INSTANT))
        if mission["starts_on"] and (first_of < mission["starts_on"] or (last and last_of > last)):
            words = Words("Outside of the mission’s days.", "En dehors des jours de la mission.")
            yield Fault(f"/sessions/{place}/starts_at", "outside", words)
    latest = datetime.min.replace(tzinfo=UTC)
    for place, start, end in sorted(spans, key=itemgetter(1)):
        if start < latest:
            words = Words("It overlaps another session.", "Elle chevauche une autre session.")
            yield Fault(f"/sessions/{place}/starts_at", "overlap", words)
        latest = max(latest, end)


def _begun(mission: dict[str, Any], now: datetime) -> Iterator[Fault]:
    words = Words("This session has begun already.", "Cette session a déjà commencé.")
    for place, session in enumerate(mission["sessions"]):
        start, _ = _span(session)
        if start < now:
            excerpt = start.astimezone(UTC).isoformat()
            yield Fault(f"/sessions/{place}/starts_at", "in-the-past", words, (excerpt,))


def _bounds(mission: dict[str, Any]) -> Iterator[Fault]:
    if not mission["format"]:
        return
    bounds = FORMATS[mission["format"]]
    (least, most), (fewest, greatest) = bounds.effort, bounds.places
    if mission["effort_minutes"] and not least <= mission["effort_minutes"] <= most:
        words = Words(
            "This format takes {least} to {most} minutes.", "Ce format demande de {least} à {most} minutes."
        ).format(least=least, most=most)
        yield Fault("/effort_minutes", "out-of-bounds", words)
    if not fewest <= mission["places"] <= greatest:
        words = Words(
            "This format takes {least} to {most} people.",
            "Ce format accueille de {least} à {most} personnes.",
        ).format(least=fewest, most=greatest)
        yield Fault("/places", "out-of-bounds", words)
    if mission["starts_on"] and mission["ends_on"]:
        days = (mission["ends_on"] - mission["starts_on"]).days + 1
        if days > bounds.days:
            yield Fault("/ends_on", "out-of-bounds", _LONGEST[bounds.days > 1].format(most=bounds.days))

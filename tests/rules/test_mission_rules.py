"""What a mission must say before anyone else reads it."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.core.language import Words
from api.missions.rules import FORMATS, HORIZON, REQUIRED, broken_rules, broken_terms

TODAY = date(2026, 3, 10)
NOW = datetime(2026, 3, 9, 23, tzinfo=UTC)
"""Midnight in Paris."""
GOOD: dict[str, Any] = {
    "title": "Refondre notre site",
    "summary": "Un site lisible sur un téléphone.",
    "description": "Notre site date de 2014 et ne se lit pas sur un téléphone.",
    "deliverable": "Un site en ligne.",
    "format": "project",
    "causes": ["education", "sante"],
    "languages": ["fr", "en"],
    "skills": [{"skill": "accounting", "level": 2}, {"skill": "legal-advice", "level": 2}],
    "effort_minutes": 1800,
    "regimes": ["working_time"],
    "starts_on": TODAY,
    "ends_on": TODAY,
    "apply_by": None,
    "places": 2,
    "prerequisites": [],
    "steps": [],
    "sessions": [],
    "managers": [],
    "reserved_to": [],
    "time_zone": "Europe/Paris",
    "location_label": None,
    "website": None,
}


TEXTS = {name: f"/{name}" for name in ("title", "summary", "description", "deliverable")} | {
    "location_label": "/location/label"
}
"""Where a text of a mission stands in a request."""


def broken(**changes: Any) -> set[tuple[str, str]]:
    """Give the rules that the good mission breaks once changed."""
    return {(fault.pointer, fault.code) for fault in broken_rules(GOOD | changes, NOW)}


def test_a_good_mission_breaks_none() -> None:
    assert broken() == set()


@pytest.mark.parametrize("field", sorted(REQUIRED))
def test_what_is_required_is_missed(field: str) -> None:
    empty = {"regimes": [], "description": ""}.get(field)
    assert broken(**{field: empty}) == {(f"/{field}", "required")}


@pytest.mark.parametrize(
    ("title", "fine"),
    [
        ("", False),
        ("Graphisme !", False),
        ("— Site", False),
        ("Site n° 2", True),
        ("Site", False),
        ("  Site  ", False),
        ("Un site", True),
        ("Site\u00a0web", True),
    ],
)
def test_a_title_has_two_words(title: str, fine: bool) -> None:
    assert broken(title=title) == (set() if fine else {("/title", "title-too-short")})


@pytest.mark.parametrize(("length", "fine"), [(1, False), (29, False), (30, True), (5000, True)])
def test_a_description_has_thirty_characters(length: int, fine: bool) -> None:
    assert broken(description="x" * length) == (set() if fine else {("/description", "too-short")})


@pytest.mark.parametrize("blank", [" ", "\n", "\u200b", "\u00a0"])
def test_what_shows_nothing_is_not_written(blank: str) -> None:
    assert broken(description=blank * 60) == {("/description", "required")}
    assert broken(description="Trop court" + blank * 60) == {("/description", "too-short")}
    assert broken(title=f"Site {blank * 5}") == {("/title", "title-too-short")}


@pytest.mark.parametrize("field", ["causes", "languages", "skills", "regimes", "managers", "reserved_to"])
def test_nothing_is_given_twice(field: str) -> None:
    once = GOOD[field] or ["somebody"]
    assert broken(**{field: [*once, once[0]]}) == {(f"/{field}/{len(once)}", "repeated")}


def test_one_applies_before_the_last_day() -> None:
    day = timedelta(days=1)
    assert broken(apply_by=TODAY) == set()
    assert broken(apply_by=TODAY + day) == {("/apply_by", "after-end")}
    assert broken(ends_on=None, apply_by=TODAY + 183 * day) == set()
    assert broken(ends_on=None, apply_by=TODAY + 184 * day) == {("/apply_by", "after-end")}
    assert broken(ends_on=None, apply_by=TODAY + 184 * day, format=None) == {("/format", "required")}
    assert broken(starts_on=None, apply_by=TODAY + day) == {
        ("/starts_on", "required"),
        ("/apply_by", "after-end"),
    }


def test_it_starts_within_two_years() -> None:
    far = TODAY + HORIZON
    assert broken(starts_on=far, ends_on=None) == set()
    assert broken(starts_on=far + timedelta(days=1), ends_on=None) == {("/starts_on", "too-far")}
    assert broken(starts_on=date.max, ends_on=None, apply_by=date.max) == {("/starts_on", "too-far")}
    late = far + timedelta(days=185)
    assert broken(starts_on=far + timedelta(days=1), ends_on=None, apply_by=late) == {
        ("/starts_on", "too-far"),
        ("/apply_by", "after-end"),
    }


def test_a_session_lies_before_the_last_day_that_the_format_gives() -> None:
    last = TODAY + timedelta(days=183)
    outside = {("/sessions/0/starts_at", "outside")}
    assert broken(ends_on=None, sessions=[slot(f"{last}T10:00:00Z")]) == set()
    assert broken(ends_on=None, sessions=[slot(f"{last + timedelta(days=1)}T10:00:00Z")]) == outside
    assert ("/sessions/0/starts_at", "outside") not in broken(
        ends_on=None, format=None, sessions=[slot(f"{last + timedelta(days=1)}T10:00:00Z")]
    )


def slot(starts_at: str, ends_at: str | None = None) -> dict[str, str]:
    """Give a session of two hours, or until then."""
    end = ends_at or (datetime.fromisoformat(starts_at) + timedelta(hours=2)).isoformat()
    return {"id": str(uuid4()), "starts_at": starts_at, "ends_at": end}


def test_a_session_that_has_begun_is_past() -> None:
    past = ("/sessions/0/starts_at", "in-the-past")
    assert broken(sessions=[slot(NOW.isoformat())]) == set()
    assert past in broken(sessions=[slot((NOW - timedelta(minutes=1)).isoformat())])


def test_a_session_that_ends_at_midnight_lies_within_its_day() -> None:
    zone = "+01:00"
    midnight = f"{TODAY + timedelta(days=1)}T00:00:00{zone}"
    assert broken(sessions=[slot(f"{TODAY}T22:00:00{zone}", midnight)]) == set()
    later = midnight.replace("00:00:00", "00:00:01")
    assert broken(sessions=[slot(f"{TODAY}T22:00:00{zone}", later)]) == {("/sessions/0/starts_at", "outside")}


def test_every_session_that_overlaps_another_is_said() -> None:
    spans = [("08", "18"), ("09", "10"), ("15", "16"), ("18", "19")]
    sessions = [slot(f"{TODAY}T{first}:00:00Z", f"{TODAY}T{last}:00:00Z") for first, last in spans]
    assert broken(sessions=sessions) == {
        ("/sessions/1/starts_at", "overlap"),
        ("/sessions/2/starts_at", "overlap"),
    }


def test_sessions_are_one_after_the_other_while_clocks_go_back() -> None:
    day = date(2026, 10, 25)
    sessions = [
        slot(f"{day}T02:30:00+02:00", f"{day}T02:15:00+01:00"),
        slot(f"{day}T02:15:00+01:00", f"{day}T02:45:00+01:00"),
    ]
    assert broken(starts_on=day, ends_on=day, sessions=sessions) == set()


def test_no_two_sessions_bear_the_same_id() -> None:
    same = [slot(f"{TODAY}T{hour}:00:00Z") | {"id": "same"} for hour in ("08", "14")]
    terms = {"starts_on": None, "ends_on": None, "effort_minutes": 1800, "sessions": same}
    assert broken(sessions=same) == {("/sessions/1/id", "repeated")}
    assert [(fault.pointer, fault.code) for fault in broken_terms(terms, GOOD, terms)] == [
        ("/sessions/1/id", "repeated")
    ]


def test_a_format_of_a_day_says_so() -> None:
    (fault,) = broken_rules(
        GOOD | {"format": "team_day", "effort_minutes": 200, "ends_on": TODAY + timedelta(days=1)}, NOW
    )
    assert fault.words == Words("This format lasts a single day.", "Ce format dure un seul jour.")


def test_the_terms_of_one_person_end_with_the_mission() -> None:
    later = TODAY + timedelta(days=2)
    mission = GOOD | {"format": "team_day", "ends_on": None, "effort_minutes": 200}
    session = slot(f"{later}T10:00:00Z")
    terms = {"starts_on": TODAY, "ends_on": None, "effort_minutes": 200, "sessions": [session]}
    assert [fault.pointer for fault in broken_terms(terms, mission, terms)] == ["/sessions/0/starts_at"]


@pytest.mark.parametrize("field", TEXTS)
@pytest.mark.parametrize(
    "contact",
    [
        "ecrire@asso.fr",
        "prenom.nom+liste@sous.domaine.asso.example",
        "ecrire @ asso.fr",
        "ecrire(at)asso.fr",
        "ecrire [at] asso [dot] fr",
        "ecrire arobase asso point fr",
        "Ecrire Arobase asso.fr",
        "06 12 34 56 78",
        "0612345678",
        "06.12.34.56.78",
        "06-12-34-56-78",
        "+33 6 12 34 56 78",
        "+33612345678",
        "+33 (0)6 12 34 56 78",
        "0033 6 12 34 56 78",
        "06/12/34/56/78",
        "(06) 12 34 56 78",
        "0612 345 678",
        "+262 692 12 34 56",
        "06\u200b12\u200b34\u200b56\u200b78",
        "０６ １２ ３４ ５６ ７８",
    ],
)
def test_nobody_is_written_to_or_called_before_acceptance(field: str, contact: str) -> None:
    assert broken(**{field: f"{GOOD[field]} {contact}"}) == {(TEXTS[field], "contact-details")}


@pytest.mark.parametrize("field", TEXTS)
@pytest.mark.parametrize(
    "link",
    [
        "https://exemple.example",
        "HTTP://EXEMPLE.EXAMPLE",
        "www.exemple.example",
        "forms.gle/abc",
        "docs.google.com/forms/d/e",
        "framaforms.org",
        "forms.office.com/r/abc",
        "forms.gle",
        "papyrus.typeform.com/to/abc",
        "Tally.so/r/abc",
        "helloasso.com/associations/papyrus",
        "airtable.com/shr1",
        "bit.ly/3x",
        "lnk.bio/papyrus",
    ],
)
def test_nobody_applies_elsewhere(field: str, link: str) -> None:
    assert broken(**{field: f"{GOOD[field]} {link}"}) == {(TEXTS[field], "link")}


@pytest.mark.parametrize(
    "link", ["https://papyrus.example/nous", "www.papyrus.example", "(HTTP://Papyrus.example)."]
)
def test_an_association_links_to_its_own_pages(link: str) -> None:
    description = f"Tout est dit ici : {link}"
    assert broken(description=description, website="https://www.papyrus.example/accueil") == set()
    for other in (None, "https://autre.example"):
        assert broken(description=description, website=other) == {("/description", "link")}


@pytest.mark.parametrize(
    "link",
    [
        "https://papyrus.example.autre.example",
        "https://papyrus.example@autre.example",
        "https://autre.example/papyrus.example",
        "https://[",
        "https://",
        "tally.so/r/1",
    ],
)
def test_what_resembles_its_own_pages_is_a_link(link: str) -> None:
    description = f"Tout est dit de ce besoin ici : {link}"
    for website in ("https://papyrus.example", "https://tally.so/r/1"):
        assert ("/description", "link") in broken(description=description, website=website)


@pytest.mark.parametrize(
    "text",
    [
        "Le budget est de 12 000 € par an et de 3 000 € par mois.",
        "Rendez-vous le 10/03/2026 à 18h30, au 12 rue du Port.",
        "Notre SIRET est 356 000 000 00048 depuis 1991.",
        "Nous suivons 1 234 567 890 personnes @ Lyon, ou presque.",
        "La réunion a lieu le 01.12.2026 10:30, dans nos locaux.",
        "Nous travaillons du 01-12-2026 31-12-2026, week-ends compris.",
        "Permanence le 01/12/2026 09:30 ou le 2026-12-02 10:30, au choix.",
        "De 09h30 à 12h30, puis de 14h00 à 17h00, du 01/12/2026-31/12/2026.",
        "Nous visons +10 000 000 € de dons, par habit.ly et par tous.",
        "Rendez-vous @ la mairie. Venez tôt, l’arobase et le point final sont à corriger.",
    ],
)
def test_figures_are_no_telephone_numbers(text: str) -> None:
    assert broken(description=text) == set()


@pytest.mark.parametrize("field", ["starts_on", "ends_on", "apply_by"])
def test_a_past_day_is_refused_and_today_is_not(field: str) -> None:
    yesterday = TODAY - timedelta(days=1)
    assert (f"/{field}", "in-the-past") in broken(**{field: yesterday})
    assert ("/starts_on", "in-the-past") not in broken(**{field: TODAY})


def test_it_ends_on_its_first_day_or_later() -> None:
    tomorrow = TODAY + timedelta(days=1)
    assert broken(starts_on=tomorrow, ends_on=TODAY) == {("/ends_on", "before-start")}
    assert broken(starts_on=tomorrow, ends_on=tomorrow) == set()
    assert broken(starts_on=tomorrow, ends_on=None) == set()


@pytest.mark.parametrize("format_", sorted(FORMATS))
def test_the_effort_is_within_the_bounds_of_the_format(format_: str) -> None:
    least, most = FORMATS[format_].effort
    for minutes in (least, most):
        assert broken(format=format_, effort_minutes=minutes) == set()
    for minutes in (least - 1, most + 1):
        assert broken(format=format_, effort_minutes=minutes) == {("/effort_minutes", "out-of-bounds")}


def test_every_rule_is_said_at_once() -> None:
    everything = broken(
        title="Site",
        summary="06 12 34 56 78",
        description="www.x.fr",
        format=None,
        effort_minutes=None,
        regimes=[],
        starts_on=None,
        ends_on=date(2020, 1, 1),
    )
    assert everything == {
        ("/title", "title-too-short"),
        ("/summary", "contact-details"),
        ("/description", "too-short"),
        ("/description", "link"),
        ("/format", "required"),
        ("/effort_minutes", "required"),
        ("/regimes", "required"),
        ("/starts_on", "required"),
        ("/ends_on", "in-the-past"),
    }


DAYS = st.none() | st.dates()


@given(
    title=st.text(max_size=150),
    summary=st.text(max_size=300),
    description=st.text(max_size=500),
    format_=st.none() | st.sampled_from(sorted(FORMATS)),
    minutes=st.none() | st.integers(1, 1_000_000),
    days=st.tuples(DAYS, DAYS, DAYS),
)
def test_any_mission_is_judged_and_each_fault_names_a_field_in_both_languages(
    title: str,
    summary: str,
    description: str,
    format_: str | None,
    minutes: int | None,
    days: tuple[date | None, date | None, date | None],
) -> None:
    mission = GOOD | {"title": title, "summary": summary, "description": description, "format": format_}
    mission |= {"effort_minutes": minutes} | dict(
        zip(("starts_on", "ends_on", "apply_by"), days, strict=True)
    )
    for fault in broken_rules(mission, NOW):
        assert fault.pointer[1:] in mission
        assert fault.words.en != fault.words.fr
        assert "{" not in fault.words.en + fault.words.fr

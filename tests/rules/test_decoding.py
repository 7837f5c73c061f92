"""What the decoder finds wrong is said in the reader's language, and names the values that are known."""

from typing import Any

import pytest

from api.core.decoding import said
from api.core.problems import Invalid
from api.core.requests import decode
from api.core.schemas import Reasoned, ReasonsIn
from api.missions.schemas import MissionPatch
from api.organisations.schemas import AssociationPatch, CompanyPatch

SAID = [
    (MissionPatch, b'{"format": "projet"}', "/format", "One of: consultation, mentoring, project, short, team_day."),
    (MissionPatch, b'{"regimes": ["paid"]}', "/regimes/0", "One of: personal_time, working_time."),
    (CompanyPatch, b'{"group_roles": {"RH": "rh"}}', "/group_roles", "One of: company_admin, employee, hr, manager."),
    (MissionPatch, b'{"title": 3}', "/title", "Give a text."),
    (MissionPatch, b'{"effort_minutes": 1.5}', "/effort_minutes", "Give a whole number or null."),
    (Reasoned, b'{"reason": ""}', "/reason", "It is empty."),
    (MissionPatch, b'{"title": "a\\nb"}', "/title", "One line, without control characters."),
    (MissionPatch, b'{"places": 501}', "/places", "500 at the most."),
    (MissionPatch, b'{"skills": [{"skill": "a", "level": 0}]}', "/skills/0/level", "1 at the least."),
    (MissionPatch, b'{"starts_on": "2026-02-30"}', "/starts_on", "Give a day that exists, as YYYY-MM-DD."),
    (MissionPatch, b'{"reserved_to": ["x"]}', "/reserved_to/0", "Give a UUID."),
    (Reasoned, b'{"reason": " \\n "}', "/reason", "Words, without control characters."),
    (ReasonsIn, b'{"reasons": ["\\u00a0"]}', "/reasons/0", "A line of words, without control characters."),
    (ReasonsIn, b'{"reasons": ["\\u200b"]}', "/reasons/0", "A line of words, without control characters."),
    (AssociationPatch, b'{"name": "   "}', "/name", "A line of words, without control characters."),
    (AssociationPatch, b'{"name": "\\u200b \\u2800"}', "/name", "A line of words, without control characters."),
    (AssociationPatch, b'{"name": ""}', "/name", "It is empty."),
    (AssociationPatch, b'{"purpose": " \\n"}', "/purpose", "Words, without control characters."),
    (MissionPatch, b'{"steps": [" "]}', "/steps/0", "A line of words, without control characters."),
    (MissionPatch, b'{"prerequisites": [{"text": " "}]}', "/prerequisites/0/text",
     "A line of words, without control characters."),
    (MissionPatch, b'{"location": {"label": " "}}', "/location/label",
     "A line of words, without control characters."),
    (MissionPatch, b'{"contact": {"name": " "}}', "/contact/name",
     "A line of words, without control characters."),
    (AssociationPatch, b'{"contact_email": "x"}', "/contact_email", "Give a mail address."),
    (MissionPatch, b'{"nobody": 1}', "/nobody", "Unknown field."),
]  # fmt: skip


@pytest.mark.parametrize(("shape", "body", "pointer", "words"), SAID)
def test_a_fault_is_said_in_the_language_of_its_reader(
    shape: Any, body: bytes, pointer: str, words: str
) -> None:
    with pytest.raises(Invalid) as refused:
        decode(body, shape)
    (english,), (french,) = (refused.value.document(language)["errors"] for language in ("en", "fr"))

    assert (english["pointer"], english["detail"]) == (pointer, words)
    assert english["code"] == french["code"]
    assert french["detail"] != words
    assert "`" not in french["detail"]


def test_what_nobody_translated_is_told_as_the_decoder_says_it() -> None:
    assert said("Invalid base64 encoded string", bytes, []).fr == "Invalid base64 encoded string"


def test_a_text_may_come_from_windows() -> None:
    assert (
        decode(b'{"description": "Une ligne.\\r\\nUne autre."}', MissionPatch).description.count("\r\n") == 1
    )

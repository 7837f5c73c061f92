"""The language of an answer: French or English for people, one code for programs."""

import pytest

from tests.api.core.asking import assert_problem
from tests.make.world import World

FRENCH, ENGLISH = "Rien ici", "Nothing here"
NOWHERE = "/v1/missions/00000000-0000-7000-8000-000000000000"


@pytest.mark.parametrize(
    ("header", "title"),
    [
        (None, ENGLISH),
        ("", ENGLISH),
        ("fr", FRENCH),
        ("FR-ca", FRENCH),
        ("en", ENGLISH),
        ("fr;q=0.4, en;q=0.5", ENGLISH),
        ("fr;q=0.5, en;q=0.4", FRENCH),
        ("fr; q=0.4, en; q=0.5", ENGLISH),
        ("en;q=0.4 , fr ; q=0.5", FRENCH),
        ("de, fr;q=0.1", FRENCH),
        ("fr;q=0, en;q=0.1", ENGLISH),
        ("fr;q=0", ENGLISH),
        ("de", ENGLISH),
        ("*", ENGLISH),
        ("fr;q=garbage", ENGLISH),
        ("fr;q=NaN, en;q=0.1", ENGLISH),
        ("fr;q=inf", ENGLISH),
        ("é" * 50, ENGLISH),
        ("x," * 5_000 + "fr", ENGLISH),
        (",,,;;;q=q=,", ENGLISH),
    ],
)
async def test_accept_language_chooses(world: World, header: str | None, title: str) -> None:
    headers = [] if header is None else [(b"Accept-Language", header.encode("latin-1"))]
    answer = await world.client.get(NOWHERE, headers=headers)
    assert assert_problem(answer, 404, "not-found")["title"] == title


async def test_a_person_is_answered_in_their_own_language_unless_they_ask_for_another(world: World) -> None:
    person = await world.person()
    french = await world.call(person, "GET", NOWHERE)
    await world.ok(person, "PATCH", "/v1/me", {"language": "en"})
    english = await world.call(person, "GET", NOWHERE)
    asked = await world.call(person, "GET", NOWHERE, accept_language="fr")
    assert [answer.json()["title"] for answer in (french, english, asked)] == [FRENCH, ENGLISH, FRENCH]


async def test_codes_and_types_are_never_translated(world: World) -> None:
    association = await world.association()
    draft = await world.mission(
        association,
        publish=False,
        title="Site",
        description="Court",
        effort_minutes=1,
        starts_on="2020-01-01",
    )
    told = {
        language: (
            await world.call(
                association.owner, "POST", f"/v1/missions/{draft['id']}/submit", accept_language=language
            )
        ).json()
        for language in ("fr", "en")
    }
    french, english = told["fr"], told["en"]
    assert french["type"] == english["type"] == "/problems/invalid"
    assert french["title"] != english["title"]
    for one, other in zip(french["errors"], english["errors"], strict=True):
        assert (one["pointer"], one["code"]) == (other["pointer"], other["code"])
        assert one["detail"] != other["detail"]


async def test_an_answer_says_that_it_depends_on_the_language(world: World) -> None:
    answer = await world.client.get(NOWHERE)
    assert "Accept-Language" in answer.headers["vary"]

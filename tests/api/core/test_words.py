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


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("skill=Web%20design", "L’id d’une compétence, comme listSkills le donne"),
        ("language=english", "Les deux lettres d’une langue"),
        ("postal_code=6900", "Un code postal de cinq chiffres"),
    ],
)
async def test_what_is_not_written_as_it_should_is_told_how_in_a_query(
    world: World, query: str, said: str
) -> None:
    answer = await world.call(None, "GET", f"/v1/missions?{query}", accept_language="fr")
    (error,) = assert_problem(answer, 422, "invalid")["errors"]
    assert error["detail"].startswith(said)


@pytest.mark.parametrize(
    ("fields", "pointer", "said"),
    [
        ({"rna": "W-69-123-4567"}, "/rna", "W et neuf chiffres pour un RNA"),
        ({"rna": "W12345678"}, "/rna", "un RNA est W suivi de neuf chiffres"),
        ({"siren": "123456789"}, "/siren", "un SIREN compte neuf chiffres"),
    ],
)
async def test_what_is_not_written_as_it_should_is_told_how_in_a_body(
    world: World, fields: dict[str, str], pointer: str, said: str
) -> None:
    association = await world.association()
    present = await world.call(association.owner, "GET", f"/v1/associations/{association.id}")
    answer = await world.call(
        association.owner,
        "PATCH",
        f"/v1/associations/{association.id}",
        fields,
        if_match=present.headers["etag"],
    )
    (error,) = assert_problem(answer, 422, "invalid", pointer)["errors"]
    assert said in error["detail"]


@pytest.mark.parametrize("name", ["", "   ", "\u202e\u200b", "a\nb"])
async def test_a_person_has_a_name_of_words(world: World, name: str) -> None:
    person = await world.person()
    for field in ("given_name", "family_name"):
        answer = await world.call(person, "PATCH", "/v1/me", {field: name})
        assert_problem(answer, 422, "invalid", f"/{field}")
    assert (await world.ok(person, "PATCH", "/v1/me", {"given_name": "Zoé"}))["given_name"] == "Zoé"

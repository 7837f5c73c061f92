"""Which of the two languages a reader gets."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.core.language import Language, Words, preferred


@pytest.mark.parametrize(
    ("header", "fallback", "chosen"),
    [
        ("", "en", "en"),
        ("", "fr", "fr"),
        ("fr", "en", "fr"),
        ("en-GB,en;q=0.9", "fr", "en"),
        ("fr-FR,fr;q=0.9,en-US;q=0.8,en;q=0.7", "en", "fr"),
        ("de-DE,de;q=0.9", "fr", "fr"),
        ("de, en;q=0.2, fr;q=0.1", "fr", "en"),
        ("fr;q=0, en;q=0", "fr", "fr"),
        ("fr;q=0", "en", "en"),
        ("fr, en", "en", "fr"),
        ("en, fr", "fr", "en"),
        ("fr;q=1.5, en;q=0.1", "fr", "en"),
        ("fr;q=inf, en;q=0.1", "fr", "en"),
        ("fr;q=-1, en;q=0.001", "fr", "en"),
        ("fra, english", "fr", "fr"),
        ("EN ; q=0.5 , FR ; q=0.4", "fr", "en"),
    ],
)
def test_the_reader_is_given_what_they_prefer(header: str, fallback: Language, chosen: Language) -> None:
    assert preferred(header, fallback) == chosen


@given(st.text(max_size=200), st.sampled_from(["fr", "en"]))
def test_any_header_chooses_one_of_the_two(header: str, fallback: Language) -> None:
    assert preferred(header, fallback) in ("fr", "en")


def test_words_are_filled_in_both_languages() -> None:
    words = Words("{least} to {most}", "de {least} à {most}").format(least=1, most=2)
    assert (words.read("en"), words.read("fr")) == ("1 to 2", "de 1 à 2")

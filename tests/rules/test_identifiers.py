"""SIREN, SIRET and RNA: what cannot exist is refused, what can is kept in one form."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stdnum import luhn

from api.core.problems import Invalid
from api.organisations.policy import check_identifiers, check_time_zone
from tests.make.world import siren as made_siren


def exists(kind: str, text: str) -> bool:
    """Tell whether an identifier is taken."""
    faults = []
    try:
        check_identifiers(**{kind: text})
    except Invalid as refusal:
        faults = [(fault.pointer, fault.code) for fault in refusal.faults or []]
    assert faults in ([], [(f"/{kind}", "identifier")])
    return not faults


@pytest.mark.parametrize("text", ["732829320", "732 829 320", " 404833048 ", "552100554"])
def test_a_siren_that_passes_luhn_is_taken(text: str) -> None:
    assert exists("siren", text)


@pytest.mark.parametrize(
    "text", ["732829321", "73282932", "7328293200", "73282932A", "73282932O", "000-00000"]
)
def test_a_siren_that_does_not_is_not(text: str) -> None:
    assert not exists("siren", text)


@pytest.mark.parametrize("text", ["73282932000074", "732 829 320 00074", "40483304800022"])
def test_a_siret_that_passes_luhn_is_taken(text: str) -> None:
    assert exists("siret", text)


@pytest.mark.parametrize("text", ["73282932000075", "7328293200007", "732829320000740", "7328293200007A"])
def test_a_siret_that_does_not_is_not(text: str) -> None:
    assert not exists("siret", text)


def test_the_establishments_of_la_poste_sum_to_a_multiple_of_five() -> None:
    assert exists("siret", "35600000000048")  # its head office passes Luhn
    assert exists("siret", "35600000049837")  # 3+5+6+4+9+8+3+7 = 45
    assert not exists("siret", "35600000049838")
    assert not exists("siret", "3560000004983")
    assert not exists("siret", "3560000004983A")
    assert exists("siren", "356000000")


@pytest.mark.parametrize(
    "text",
    ["W691012345", "w691 012 345", "W9R1011072", "W9C4000001", "W2A1000001", "W2B2000001", "W751234567"],
)
def test_an_rna_is_w_a_department_and_seven_digits(text: str) -> None:
    assert exists("rna", text)


@pytest.mark.parametrize(
    "text", ["691012345", "W69101234", "W6910123456", "X691012345", "WA91012345", "W69101234A", "W2A100000B"]
)
def test_an_rna_of_another_form_cannot_exist(text: str) -> None:
    assert not exists("rna", text)


def test_an_association_may_have_none() -> None:
    assert check_identifiers(rna=None, siren=None, siret=None) == {"rna": None, "siren": None, "siret": None}
    assert check_identifiers(rna="") == {"rna": None}


def test_identifiers_are_kept_in_one_form() -> None:
    assert check_identifiers(rna="w691 012 345", siren="732 829 320") == {
        "rna": "W691012345",
        "siren": "732829320",
    }


def test_every_impossible_identifier_is_named_at_once() -> None:
    with pytest.raises(Invalid) as refused:
        check_identifiers(rna="X", siren="1", siret="73282932000074")
    assert [fault.pointer for fault in refused.value.faults or []] == ["/rna", "/siren"]


@given(st.from_regex(r"[0-9]{9}", fullmatch=True))
def test_a_siren_exists_when_luhn_says_so(text: str) -> None:
    assert exists("siren", text) == luhn.is_valid(text)


@given(st.text(max_size=30), st.sampled_from(["rna", "siren", "siret"]))
def test_any_text_is_taken_or_refused(text: str, kind: str) -> None:
    assert exists(kind, text) in (True, False)  # and nothing is raised


@given(st.integers(0, 9_999_999))
def test_the_sirens_of_the_tests_exist(number: int) -> None:
    assert exists("siren", made_siren(number))


def test_time_zones_are_of_iana() -> None:
    assert check_time_zone("Indian/Reunion").key == "Indian/Reunion"
    for name in ("Europe/Lyon", "", "../../etc/passwd", "/etc/localtime", "europe/paris", "Europe/Paris\x00"):
        with pytest.raises(Invalid):
            check_time_zone(name)

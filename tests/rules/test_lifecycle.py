"""Acts on a state: done, done already, not now, not this version."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.core.lifecycle import move, starts
from api.core.problems import VersionChanged, WrongState

ACT = move("accepted", "submitted", "waitlisted")
STATES = st.sampled_from(["submitted", "waitlisted", "accepted", "declined"])


@pytest.mark.parametrize("state", ["submitted", "waitlisted"])
def test_an_act_starts_from_its_sources(state: str) -> None:
    assert starts(ACT, state)
    assert starts(ACT, state, version=3, asked=3)


def test_asked_again_it_has_nothing_to_do_whatever_the_version() -> None:
    assert not starts(ACT, "accepted")
    assert not starts(ACT, "accepted", version=4, asked=3)


def test_from_any_other_state_it_is_refused_with_what_would_do() -> None:
    with pytest.raises(WrongState) as refused:
        starts(ACT, "declined")
    assert refused.value.document("en") == {
        "type": "/problems/wrong-state",
        "title": "Its state does not allow it",
        "status": 409,
        "state": "declined",
        "allowed": ["submitted", "waitlisted"],
    }


@pytest.mark.parametrize("state", ["submitted", "declined"])
def test_another_version_is_refused_before_the_state(state: str) -> None:
    with pytest.raises(VersionChanged):
        starts(ACT, state, version=4, asked=3)


@given(STATES, st.integers(1, 5), st.none() | st.integers(1, 5))
def test_an_act_starts_exactly_from_its_sources_in_the_version_asked(
    state: str, version: int, asked: int | None
) -> None:
    try:
        begun = starts(ACT, state, version=version, asked=asked)
    except VersionChanged:
        assert asked not in (None, version)
        assert state != ACT.target
    except WrongState:
        assert state not in ACT.sources | {ACT.target}
    else:
        assert begun == (state in ACT.sources)

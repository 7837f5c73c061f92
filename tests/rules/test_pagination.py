"""Cursors: what was signed comes back, for the same question and the same secrets alone."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import NamedTuple
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.core import signing
from api.core.pagination import page, read_cursor
from api.core.problems import Malformed
from api.core.signing import trust

QUESTION = ("missions", ["education", "None"])


class Row(NamedTuple):
    """A row of a list."""

    at: datetime
    id: UUID


ROWS = st.lists(
    st.builds(
        Row,
        st.datetimes(timezones=st.just(UTC)),
        st.uuids(),
    ),
    min_size=2,
    max_size=5,
)


@pytest.fixture(autouse=True)
def secrets() -> Iterator[None]:
    before = signing._secrets
    trust(("a" * 32,))
    yield
    trust(before)


def cursor_of(*rows: Row, limit: int = 1) -> str:
    """Give the cursor after a page."""
    text = page(list(rows), limit, QUESTION, "at", "id").next
    assert text
    return text


def refused(text: str, question: object = QUESTION) -> bool:
    """Tell whether a cursor is refused, at its parameter."""
    pointer = None
    try:
        read_cursor(text, question, datetime, UUID)
    except Malformed as problem:
        pointer = problem.document("en")["pointer"]
    assert pointer in (None, "/cursor")
    return pointer is not None


@given(ROWS)
def test_a_page_continues_after_its_last_row(rows: list[Row]) -> None:
    limit = len(rows) - 1
    found = page(rows, limit, QUESTION, "at", "id")
    assert found.items == rows[:limit]
    assert read_cursor(found.next, QUESTION, datetime, UUID) == tuple(rows[limit - 1])


@given(ROWS)
def test_the_last_page_has_no_next(rows: list[Row]) -> None:
    assert page(rows, len(rows), QUESTION, "at", "id").next is None
    assert page([], 1, QUESTION, "at", "id").next is None


def test_no_cursor_is_the_beginning() -> None:
    assert read_cursor(None, QUESTION, datetime, UUID) is None


@given(ROWS, st.data())
def test_a_changed_byte_is_noticed(rows: list[Row], data: st.DataObject) -> None:
    text = cursor_of(*rows)
    raw = bytearray(urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    raw[data.draw(st.integers(0, len(raw) - 1))] ^= data.draw(st.integers(1, 255))
    assert refused(urlsafe_b64encode(bytes(raw)).decode())


@given(st.text(max_size=200) | st.binary(max_size=200).map(lambda raw: urlsafe_b64encode(raw).decode()))
def test_what_was_never_signed_is_refused(text: str) -> None:
    assert refused(text)


def test_a_cursor_answers_the_question_it_was_given_for() -> None:
    rows = [Row(datetime(2026, 1, 1, tzinfo=UTC), UUID(int=number)) for number in range(2)]
    text = cursor_of(*rows)
    assert not refused(text)
    assert not refused(text + "==")
    for other in (
        ("missions", ["emploi", "None"]),
        ("associations", ["education", "None"]),
        ("missions",),
        None,
    ):
        assert refused(text, other)
    with pytest.raises(Malformed):
        read_cursor(text, QUESTION, int)
    with pytest.raises(Malformed):
        read_cursor(text, QUESTION, datetime)


def test_an_older_secret_verifies_until_it_is_dropped() -> None:
    rows = [Row(datetime(2026, 1, 1, tzinfo=UTC), UUID(int=number)) for number in range(2)]
    text = cursor_of(*rows)
    trust(("b" * 32, "a" * 32))
    assert not refused(text)
    assert cursor_of(*rows) != text
    trust(("b" * 32,))
    assert refused(text)

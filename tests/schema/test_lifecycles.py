"""The lifecycles in code and in the database are the same."""

from collections.abc import Iterator

import asyncpg
import pytest

from api.applications import changes
from api.applications import policy as applications
from api.core.lifecycle import Move
from api.hours import policy as hours
from api.missions import policy as missions
from api.organisations import policy as organisations

OBJECTS = {
    "application": applications,
    "change_proposal": changes,
    "hours_entry": hours,
    "mission": missions,
    "association": organisations,
}
ELSEWHERE = {
    ("application", "APPROVE"): "moves the employer's word, not the state",
}
"""Moves of something else than the state in the database."""
UNREACHED = {
    ("mission", "submitted", "draft"): "an edit takes a submission back",
    ("mission", "rejected", "draft"): "an edit answers a rejection",
    ("mission", "draft", "published"): "SUBMIT of a verified association",
    ("mission", "rejected", "published"): "SUBMIT of a verified association",
    ("association", "refused", "unverified"): "an edit asks again",
    ("change_proposal", "proposed", "expired"): "when the engagement ends",
    ("application", "waitlisted", "offered"): "by a place that is freed",
    ("application", "waitlisted", "expired"): "by its mission's end",
    **{
        ("application", state, "cancelled"): "with its mission"
        for state in ("submitted", "shortlisted", "waitlisted", "offered")
    },
}
"""Edges that no Move of a policy names, and what walks them."""


def moves() -> Iterator[tuple[str, str, Move]]:
    """Give the Moves of each object by their names."""
    for name, policy in OBJECTS.items():
        for constant, value in vars(policy).items():
            if isinstance(value, Move) and (name, constant) not in ELSEWHERE:
                yield name, constant, value


@pytest.fixture
async def edges(catalogue: asyncpg.Connection) -> set[tuple[str, str, str]]:
    rows = await catalogue.fetch("SELECT object, from_state, to_state FROM state_edge")
    return {tuple(row) for row in rows}


async def test_every_move_follows_edges_of_the_database(edges: set[tuple[str, str, str]]) -> None:
    walked = {(name, source, act.target) for name, _, act in moves() for source in act.sources}
    assert walked - edges == set()
    assert len(walked) > 12


async def test_every_edge_is_walked_by_somebody(edges: set[tuple[str, str, str]]) -> None:
    walked = {(name, source, act.target) for name, _, act in moves() for source in act.sources}
    births = {edge for edge in edges if edge[1] == ""}
    assert {edge[0] for edge in births} == OBJECTS.keys()
    assert edges - births - walked == UNREACHED.keys()


async def test_every_state_of_an_edge_is_allowed_by_its_table(
    edges: set[tuple[str, str, str]], catalogue: asyncpg.Connection
) -> None:
    for name in OBJECTS:
        states = {state for edge in edges if edge[0] == name for state in edge[1:]} - {""}
        text = await catalogue.fetchval(
            "SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = $1", f"{name}_state_known"
        )
        assert {state for state in states if f"'{state}'" not in text} == set()


async def test_every_object_with_a_state_writes_its_history(catalogue: asyncpg.Connection) -> None:
    rows = await catalogue.fetch(
        """SELECT t.tgrelid::regclass::text AS "table", t.tgtype & 4 <> 0 AS inserts, t.tgtype & 16 <> 0 AS updates
           FROM pg_trigger t WHERE t.tgfoid = 'record_state'::regproc"""
    )
    assert {row["table"] for row in rows if row["inserts"]} == OBJECTS.keys()
    assert {row["table"] for row in rows if row["updates"]} == OBJECTS.keys()
    stateful = await catalogue.fetch(
        """SELECT attrelid::regclass::text AS "table" FROM pg_attribute a JOIN pg_class c ON c.oid = attrelid
           WHERE attname = 'state' AND relkind = 'r' AND relnamespace = 'public'::regnamespace"""
    )
    # A mail's states are its delivery's own.
    assert {row["table"] for row in stateful} - OBJECTS.keys() == {"mail"}

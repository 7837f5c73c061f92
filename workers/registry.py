"""Which reactions are owed to which facts; `workers.reactions` fills it: take both tables from there."""

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any, NamedTuple

from api.core.outbox import Fact
from api.core.settings import Settings

Inside = Callable[[Any, str], Awaitable[None]]
"""Takes the fact and the key that makes its effects unique; runs in one transaction with its completion."""
Outside = Callable[[Any, Settings], Awaitable[datetime | None]]
"""Takes the fact and the settings, opens its own transactions; None when done, or when to be called again."""


class Reaction(NamedTuple):
    """A reaction: one of the two, by its name."""

    name: str
    inside: Inside | None = None
    outside: Outside | None = None


REACTIONS: dict[str, Reaction] = {}
OWED: dict[str, list[str]] = {}
"""The names of the reactions owed to a fact, by the fact's name."""


def reacts_to(*facts: type[Fact]) -> Callable[[Inside], Inside]:
    """Register a reaction that runs within the walls of the fact's tenant, exactly once."""

    def register(function: Inside) -> Inside:
        _add(Reaction(function.__name__, inside=function), facts)
        return function

    return register


def reacts_outside_to(*facts: type[Fact]) -> Callable[[Outside], Outside]:
    """Register a reaction that speaks to other machines: run at least once, without a transaction."""

    def register(function: Outside) -> Outside:
        _add(Reaction(function.__name__, outside=function), facts)
        return function

    return register


def _add(reaction: Reaction, facts: tuple[type[Fact], ...]) -> None:
    if reaction.name in REACTIONS:
        raise ValueError(f"Two reactions are named {reaction.name}.")
    REACTIONS[reaction.name] = reaction
    for fact in facts:
        OWED.setdefault(fact.name, []).append(reaction.name)

"""Moves of a lifecycle: which states an act starts from, and the one it leads to."""

from typing import NamedTuple

from api.core.problems import VersionChanged, WrongState


class Move(NamedTuple):
    """An act: from any of the sources to the target."""

    sources: frozenset[str]
    target: str


def move(target: str, *sources: str) -> Move:
    """Name an act by where it leads and where it may start."""
    return Move(frozenset(sources), target)


def starts(act: Move, state: str, *, version: int | None = None, asked: int | None = None) -> bool:
    """Tell whether there is something to do: False where the act was done already.

    `asked` is the version named by If-Match, `version` the present one.
    Raises WrongState with the present and the allowed states, VersionChanged.
    """
    if state == act.target:
        return False
    if asked is not None and asked != version:
        raise VersionChanged
    if state not in act.sources:
        raise WrongState(state=state, allowed=sorted(act.sources))
    return True

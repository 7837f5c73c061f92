"""The commands of `maillon`, run in this process."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

import structlog
from click.testing import CliRunner, Result

from api.cli import main


def maillon(environment: dict[str, str], *words: str) -> Result:
    """Run a command to its end."""
    with logs_restored():
        return CliRunner(env=environment).invoke(main, words)


@contextmanager
def logs_restored() -> Iterator[None]:
    """Let what is run configure its logs: the tests that come after it read theirs where they did before."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    try:
        yield
    finally:
        structlog.reset_defaults()
        root.handlers[:] = handlers
        root.setLevel(level)

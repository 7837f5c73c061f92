"""How far the demo's loading is: a bar on a terminal, a line elsewhere."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import click
from rich import progress as rich
from rich.console import Console

Progress = Callable[[str, int], Callable[[], None]]
"""Begins a stage of so many steps; gives what to call after each of them."""


@contextmanager
def progress() -> Iterator[Progress]:
    """Show stages on standard error."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield _plain
        return
    columns = (rich.TextColumn("{task.description}"), rich.BarColumn(), rich.MofNCompleteColumn())
    with rich.Progress(*columns, console=console) as bars:

        def stage(name: str, steps: int) -> Callable[[], None]:
            task = bars.add_task(name, total=steps)
            return lambda: bars.advance(task)

        yield stage


def _plain(name: str, steps: int) -> Callable[[], None]:
    click.echo(f"Loading the demo: {name} ({steps})…", err=True)
    return lambda: None

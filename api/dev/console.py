"""The one log of `maillon dev`: the lines of every child, each behind a short coloured name."""

import os
from collections.abc import Iterator
from pathlib import Path

import click

_COLOURS = {
    "api": "green",
    "worker": "cyan",
    "postgres": "blue",
    "valkey": "red",
    "mail": "magenta",
}


def say(name: str, line: str) -> None:
    """Print a line behind a name, in colours on a terminal unless NO_COLOR is set; the demo's as it is.

    What the demo prints is there to be pasted.
    """
    if name == "demo":
        click.echo(line)
        return
    prefix = click.style(f"{name:<8} |", fg=_COLOURS.get(name, "yellow"))
    click.echo(f"{prefix} {line}", color=False if os.environ.get("NO_COLOR") else None)


def follow(log: Path) -> Iterator[list[str]]:
    """Return an endless iterator: each step gives the whole lines that a log got since the last one."""
    unfinished = b""
    with log.open("rb") as file:
        while True:
            *lines, unfinished = (unfinished + file.read()).split(b"\n")
            yield [line.decode(errors="replace").rstrip("\r") for line in lines]

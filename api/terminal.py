"""What every command shares: which Maillon it speaks to, its database, how it tells a refusal."""

import os
from collections.abc import Awaitable, Callable
from functools import wraps
from pathlib import Path
from typing import ParamSpec, TypeVar

import click
import uvloop

from api.core.database import close_pools, open_pools
from api.core.problems import Problem
from api.core.settings import PREFIX, BadSettings, Settings, read_settings

T = TypeVar("T")
P = ParamSpec("P")
FOLDER = Path(".maillon")


def _reach(_: click.Context, __: click.Parameter, data: Path | None) -> None:
    """Take the settings of the `maillon dev` that runs on a folder; the environment's own come first."""
    if data is None and (f"{PREFIX}DATABASE_URL" in os.environ or not FOLDER.exists()):
        return
    from api.dev.stack import running  # only where the dev extra is installed

    environment = running(data or FOLDER)
    if environment is None:
        where = data or FOLDER
        raise click.ClickException(f"Nothing runs in {where}: start it with `maillon dev --data {where}`.")
    os.environ.update(environment)


def reachable(group: click.Group) -> None:
    """Let every command but `dev` name the folder of the `maillon dev` it speaks to."""
    for command in group.commands.values():
        if isinstance(command, click.Group):
            reachable(command)
        elif command.name not in ("dev", "openapi"):
            command.params.append(
                click.Option(
                    ["--data"],
                    type=click.Path(path_type=Path),
                    expose_value=False,
                    callback=_reach,
                    help="Speak to the `maillon dev` of this folder (.maillon).",
                )
            )


def settings() -> Settings:
    """Read the settings of the environment; a wrong one is told in one line."""
    try:
        return read_settings(os.environ)
    except BadSettings as error:
        raise click.ClickException(str(error)) from None


def with_database(command: Callable[P, Awaitable[T]]) -> Callable[P, T]:
    """Run an async command with the pools open; a Problem is told in one line."""

    @wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> T:
        return uvloop.run(_run(command(*args, **kwargs)))

    return run


async def _run(work: Awaitable[T]) -> T:
    await open_pools(settings())
    try:
        return await work
    except Problem as problem:
        faults = "; ".join(f"{fault.pointer}: {fault.words.en}" for fault in problem.faults or [])
        raise click.ClickException(" ".join(filter(None, [problem.detail, faults]))) from None
    finally:
        await close_pools()


def of_development(variable: str) -> str:
    """Give what `maillon dev` told in its environment; fails with a sentence where it does not run."""
    if variable not in os.environ:
        raise click.ClickException(
            "Nothing runs here: start it with `make dev`, or name its folder with --data."
        )
    return os.environ[variable]


def said(done: bool, otherwise: str) -> None:
    """Fail with a sentence when there was nothing to do."""
    if not done:
        raise click.ClickException(otherwise)

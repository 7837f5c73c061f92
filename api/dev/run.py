"""`maillon dev`: every server, the API and the worker in one command, with one log."""

import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

import httpx

from api.dev import mail
from api.dev.account import CALLER
from api.dev.console import follow, say
from api.dev.folders import give
from api.dev.processes import child, ended, fail, free_port, how, require_free_port
from api.dev.stack import Stack, stack

MAILLON = [sys.executable, "-m", "api.cli"]
MIGRATIONS = [sys.executable, "-m", "migrations"]
_TURN = 0.1
_READY_SECONDS = 60
_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@dataclass
class Watch:
    """What is looked after: the children that must not end, and the logs of all."""

    folder: Path
    env: dict[str, str]
    children: dict[str, subprocess.Popen[bytes]]
    logs: dict[str, Iterator[list[str]]]


def run(data: Path, port: int, demo: bool) -> None:
    """Run everything until Ctrl-C or SIGTERM; raise DevServerError, all stopped, when a part fails."""
    require_free_port(port, "The API")
    try:
        port = port or free_port()
        address = f"http://127.0.0.1:{port}"
        with _stopped_by_signals(), stack(data, public_url=address) as servers, _watched(servers) as watch:
            _run(servers, watch, port, demo)
    except KeyboardInterrupt:
        say("maillon", "stopped")


def _run(servers: Stack, watch: Watch, port: int, demo: bool) -> None:
    address = servers.environment["MAILLON_PUBLIC_URL"]
    with ExitStack() as parts:
        _finish(watch, "migrate", MIGRATIONS)
        for name, command in (("api", ["serve", "--port", str(port)]), ("worker", ["worker"])):
            watch.children[name] = parts.enter_context(_child(watch, name, [*MAILLON, *command]))
        _wait_ready(watch, f"{address}/readyz")
        _announce(servers, address)
        if demo:
            _finish(watch, "demo", [*MAILLON, "demo"])
        while True:
            _turn(watch)


@contextmanager
def _stopped_by_signals() -> Iterator[None]:
    """Turn the first signal to stop into KeyboardInterrupt, and let none disturb the stopping."""

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        for number in _SIGNALS:
            signal.signal(number, signal.SIG_IGN)
        raise KeyboardInterrupt

    before = {number: signal.getsignal(number) for number in _SIGNALS}
    for number in _SIGNALS:
        if number != signal.SIGHUP or before[number] != signal.SIG_IGN:  # nohup stays
            signal.signal(number, interrupt)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def _watched(servers: Stack) -> Iterator[Watch]:
    with _mail_log(give(servers.data / "log", CALLER) / "mail.log") as mails:
        watch = Watch(
            folder=mails.parent,
            env=os.environ | servers.environment | {"PYTHONUNBUFFERED": "1"},
            children={"postgres": servers.postgres.process, "valkey": servers.valkey.process},
            logs={
                "postgres": follow(servers.postgres.log),
                "valkey": follow(servers.valkey.log),
                "mail": follow(mails),
            },
        )
        try:
            yield watch
        finally:
            _print(watch)


@contextmanager
def _mail_log(log: Path) -> Iterator[Path]:
    handler = logging.FileHandler(log, mode="w")
    level = mail.logger.level
    mail.logger.addHandler(handler)
    mail.logger.setLevel(logging.INFO)
    try:
        yield log
    finally:
        mail.logger.setLevel(level)
        mail.logger.removeHandler(handler)
        handler.close()


@contextmanager
def _child(watch: Watch, name: str, argv: list[str]) -> Iterator[subprocess.Popen[bytes]]:
    log = watch.folder / f"{name}.log"
    # SIGTERM should the owner be killed: an API of several processes has its own to stop.
    with child(argv, log, die_with=signal.SIGTERM, env=watch.env) as process:
        watch.logs[name] = follow(log)
        yield process


def _turn(watch: Watch) -> None:
    """Print what is new and sleep a little; raise when a child ended."""
    _print(watch)
    for name, process in watch.children.items():
        code = ended(process)
        if code is not None:
            fail(f"Everything was stopped because {name} ended ({how(code)}): its log is above.")
    time.sleep(_TURN)


def _print(watch: Watch) -> None:
    for name, log in watch.logs.items():
        for line in next(log, []):  # a signal may have closed the iterator
            say(name, line)


def _finish(watch: Watch, name: str, argv: list[str]) -> None:
    """Run a command to its end, watching the others; raise when it fails."""
    with _child(watch, name, argv) as process:
        while (code := ended(process)) is None:
            _turn(watch)
    _print(watch)
    if code:
        fail(f"Everything was stopped because {name} failed ({how(code)}): its log is above.")


def _wait_ready(watch: Watch, url: str) -> None:
    deadline = time.monotonic() + _READY_SECONDS
    with httpx.Client(trust_env=False, timeout=1) as client:
        while not _is_ready(client, url):
            if time.monotonic() > deadline:
                fail(f"{url} did not answer 200 within {_READY_SECONDS} s: the log above should say why.")
            _turn(watch)
    _print(watch)


def _is_ready(client: httpx.Client, url: str) -> bool:
    try:
        return client.get(url).status_code == httpx.codes.OK
    except httpx.TransportError:
        return False


def _announce(servers: Stack, address: str) -> None:
    database = servers.postgres
    say("maillon", f"Maillon answers at {address}")
    say("maillon", f"mails   {servers.mail.folder} (sent to {servers.mail.url})")
    say("maillon", f"psql    {database.bin / 'psql'} '{database.url('maillon_owner')}'")
    say("maillon", f"data    {servers.data} (the cluster: {database.cluster})")
    say("maillon", "stop    Ctrl-C")

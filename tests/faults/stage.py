"""The servers, worker processes, people and SMTP misbehaviours of the tests of reactions and faults."""

import asyncio
import json
import os
import shutil
import sys
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from signal import SIGKILL, SIGTERM
from subprocess import DEVNULL, PIPE, Popen
from typing import Any, NamedTuple
from uuid import UUID

from redis.asyncio import Redis

from api.core import clock
from api.core.actor import system
from api.core.check import violations
from api.core.database import close_pools, open_pools, operations, transaction
from api.core.ids import new_id
from api.core.settings import Settings, read_settings
from api.dev.postgres import PostgresServer, postgres
from api.dev.processes import spawn, stop, wait_until
from api.dev.valkey import ValkeyServer
from api.notifications.service import News, notify

ROOT = Path(__file__).parents[2]
QUICK = {
    "MAILLON_MAIL_DOMAIN_INTERVAL_MS": "0",
    "MAILLON_MAIL_TIMEOUT_SECONDS": "0.5",
    "MAILLON_MAIL_RETRY_SECONDS": "0.2",
    "MAILLON_JOB_TIMEOUT_SECONDS": "5",
    "MAILLON_RELAY_INTERVAL_SECONDS": "0.05",
    "MAILLON_SWEEP_AFTER_SECONDS": "0.8",
    "MAILLON_SECRETS": "a secret of the tests that is long enough",
}
NEWS = News(kind="mission_published", about_type="mission", about_id=new_id(), values={"mission": "Le site"})


class Place(NamedTuple):
    """A PostgreSQL, migrated, and a folder for other servers."""

    folder: Path
    postgres: PostgresServer

    def environment(self, redis_url: str, smtp_url: str, **more: str) -> dict[str, str]:
        """Give the variables of a worker, with every wait cut short."""
        return {
            **QUICK,
            "MAILLON_DATABASE_URL": self.postgres.url("maillon_app"),
            "MAILLON_DATABASE_OPS_URL": self.postgres.url("maillon_ops"),
            "MAILLON_REDIS_URL": redis_url,
            "MAILLON_SMTP_URL": smtp_url,
            **{f"MAILLON_{name}".upper(): value for name, value in more.items()},
        }


@contextmanager
def made_place() -> Iterator[Place]:
    """Make a migrated PostgreSQL in a folder of its own."""
    folder = Path(tempfile.mkdtemp(prefix="maillon-test-"))
    folder.chmod(0o711)  # `nobody` must be able to cross it
    try:
        with postgres(folder / "postgres", fsync=False) as server:
            owner = {"MAILLON_DATABASE_OWNER_URL": server.url("maillon_owner")}
            assert python("-m", "migrations", environment=owner).wait(60) == 0
            yield Place(folder, server)
    finally:
        shutil.rmtree(folder)


def python(*words: str, environment: dict[str, str], **options: Any) -> Popen[bytes]:
    """Start a Python of this repository, which dies with the tests."""
    env = {"PATH": os.environ["PATH"], "PYTHONDONTWRITEBYTECODE": "1", **environment}
    return spawn([sys.executable, *words], env=env, cwd=ROOT, stderr=DEVNULL, **options)


_NURSERY = """
import json, os, signal, sys
from workers.main import main
signal.signal(signal.SIGCHLD, signal.SIG_IGN)
sys.argv[1:] = ["--supervisor", str(os.getpid())]
for line in sys.stdin:
    pid = os.fork()
    if pid == 0:
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        os.environ.update(json.loads(line))
        main()
        os._exit(0)
    print(pid, flush=True)
"""


class Nursery:
    """Forks worker processes that start at once, for it has imported everything; they die with it."""

    def __init__(self) -> None:
        self.process = python("-c", _NURSERY, environment={}, stdin=PIPE, stdout=PIPE)

    def start(self, environment: dict[str, str]) -> int:
        """Start a worker; gives its pid."""
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.write(json.dumps(environment).encode() + b"\n")
        self.process.stdin.flush()
        return int(self.process.stdout.readline())

    def end(self) -> None:
        """End it, and the workers with it."""
        stop(self.process, SIGKILL, 5)
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe:
                pipe.close()


class Workers:
    """Worker processes, all with the same settings."""

    def __init__(self, nursery: Nursery, environment: dict[str, str]) -> None:
        self.nursery = nursery
        self.environment = environment
        self.running: list[int] = []

    def start(self) -> int:
        """Start one more; gives its pid."""
        self.running.append(self.nursery.start(self.environment))
        return self.running[-1]

    def kill_the_oldest(self) -> None:
        """End one by SIGKILL, in the middle of whatever it does."""
        os.kill(self.running.pop(0), SIGKILL)

    def end(self) -> None:
        """Ask all of them to stop, and wait for it."""
        for pid in self.running:
            with suppress(ProcessLookupError):
                os.kill(pid, SIGTERM)
        assert wait_until(lambda: not any(map(is_alive, self.running)), 10)


def supervised(environment: dict[str, str]) -> Popen[bytes]:
    """Start a worker as `maillon worker` does."""
    code = "import sys; from workers.supervise import supervise; sys.exit(supervise())"
    return python("-c", code, environment=environment)


def is_alive(pid: int) -> bool:
    """Tell whether a process is there."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


class Drop(Exception):
    """The server hangs up without a word."""


Behaviour = Callable[[str, str, int], Awaitable[str]]
"""Answers a stage (greet, mail, rcpt, data, end) for a recipient, the n-th time that it tries."""


async def well(stage: str, recipient: str, attempt: int) -> str:
    """Answer as a server without any trouble."""
    return {"greet": "220 hello", "data": "354 go on"}.get(stage, "250 fine")


class SmtpServer:
    """An SMTP server that keeps what it was given and answers as it is told to."""

    def __init__(self) -> None:
        self.behaviour: Behaviour = well
        self.received: list[EmailMessage] = []
        self.tries: dict[str, int] = {}
        self.url = ""

    @property
    def ids(self) -> list[str]:
        """The Message-ID of each mail received, as often as it was."""
        return [message["Message-ID"] for message in self.received]

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Talk with one client until it, or the behaviour, hangs up."""
        try:
            await self._talk(reader, writer)
        except (Drop, ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        recipient = ""
        await self._say(writer, "greet", recipient)
        while line := (await reader.readline()).decode().strip():
            verb = line.partition(" ")[0].upper()
            if verb == "RCPT":
                recipient = line.partition("<")[2].rstrip(">")
                self.tries[recipient] = self.tries.get(recipient, 0) + 1
            if verb == "DATA":
                if await self._say(writer, "data", recipient):
                    raw = await reader.readuntil(b"\r\n.\r\n")
                    self.received.append(message_from_bytes(raw[:-3], policy=policy.default))
                    await self._say(writer, "end", recipient)
            else:
                await self._say(writer, verb.lower(), recipient)

    async def _say(self, writer: asyncio.StreamWriter, stage: str, recipient: str) -> bool:
        answer = await self.behaviour(stage, recipient, self.tries.get(recipient, 0))
        writer.write(f"{answer}\r\n".encode())
        await writer.drain()
        return answer[0] in "23"


@asynccontextmanager
async def smtp_server() -> AsyncIterator[SmtpServer]:
    """Run an SMTP server in this loop."""
    smtp = SmtpServer()
    server = await asyncio.start_server(smtp.serve, "127.0.0.1", 0)
    smtp.url = f"smtp://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield smtp
    finally:
        server.close()


@asynccontextmanager
async def connected(environment: dict[str, str]) -> AsyncIterator[Settings]:
    """Open the pools of this process on a place, and give the settings; the invariants hold when the block ends."""
    settings = read_settings(environment)
    await open_pools(settings)
    try:
        yield settings
        broken = await violations()
    finally:
        await close_pools()
    assert broken == [], broken


async def make_people(number: int, language: str = "fr", domain: str = "") -> list[UUID]:
    """Make people who each proved an address, in a domain or each in their own."""
    people = [new_id() for _ in range(number)]
    async with operations() as connection:
        await connection.executemany(
            "INSERT INTO person (id, language, created_at) VALUES ($1, $2, $3)",
            [(person, language, clock.now()) for person in people],
        )
        await connection.executemany(
            "INSERT INTO person_email (id, person_id, email, proved_at) VALUES ($1, $2, $3, $4)",
            [
                (new_id(), person, f"{person}@{domain or person}.example.org", clock.now())
                for person in people
            ],
        )
    return people


async def tell(people: list[UUID], news: News = NEWS) -> list[UUID]:
    """Tell people something; gives the ids of the mails queued."""
    async with transaction(system()) as connection:
        await notify(people, news, str(new_id()))
        rows = await connection.fetch("SELECT id FROM mail WHERE person_id = ANY ($1) ORDER BY id", people)
    return [row["id"] for row in rows]


async def row_of(table_sql: str, *args: object) -> dict[str, Any]:
    """Read one row over the walls."""
    async with operations() as connection:
        row = await connection.fetchrow(table_sql, *args)
    assert row is not None
    return dict(row)


async def mail_row(mail_id: UUID) -> dict[str, Any]:
    """Read a mail."""
    return await row_of("SELECT * FROM mail WHERE id = $1", mail_id)


async def count(sql: str, *args: object) -> int:
    """Count over the walls."""
    async with operations() as connection:
        return int(await connection.fetchval(sql, *args))


async def until(condition: Callable[[], Awaitable[bool]], seconds: float) -> None:
    """Wait for a condition; fail when it does not hold in time."""
    for _ in range(int(seconds * 20)):
        if await condition():
            return
        await asyncio.sleep(0.05)
    raise TimeoutError(f"not so within {seconds} s")


async def forget(cache: ValkeyServer) -> None:
    """Flush Redis."""
    redis = Redis.from_url(cache.url)
    await redis.flushall()
    await redis.aclose()

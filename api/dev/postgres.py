"""PostgreSQL for development and tests: one server, on a private socket, that dies with its owner."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from urllib.parse import quote

from api.dev.account import server_account
from api.dev.cluster import (
    FAST,
    IMMEDIATE,
    PORT,
    cluster_in,
    is_ready,
    server_command,
    socket_folder,
)
from api.dev.folders import locked, make_folder
from api.dev.processes import child, fail, finished, wait_ready
from api.dev.programs import home_of, postgres_bin, postgres_major

_CREATE = r"""
SELECT 'CREATE DATABASE maillon OWNER maillon_owner'
 WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = 'maillon') \gexec
"""


@dataclass(frozen=True)
class PostgresServer:
    """A running PostgreSQL: its socket, its programs, its files and its process."""

    socket_dir: Path
    port: int
    bin: Path
    cluster: Path
    log: Path
    process: subprocess.Popen[bytes]

    @property
    def pid(self) -> int:
        """The pid of the postmaster."""
        return self.process.pid

    def url(self, role: str, database: str = "maillon") -> str:
        """Return the URL of a database for a role, as asyncpg, psql and pg_dump take it."""
        return f"postgresql://{role}@/{database}?host={quote(str(self.socket_dir))}&port={self.port}"


@contextmanager
def postgres(data: Path, *, fsync: bool = True) -> Iterator[PostgresServer]:
    """Run PostgreSQL on a folder, with the roles and the database `maillon`; raise DevServerError.

    To be called from a thread that outlives the block: the server dies with the thread that started it.
    """
    data = make_folder(data)
    with locked(data):
        account = server_account()
        home = home_of(data, account)
        programs = postgres_bin(home, account)
        cluster = cluster_in(home, programs, postgres_major(programs, account), account)
        with socket_folder(home, account) as sockets:
            command = server_command(cluster, sockets, programs, fsync=fsync)
            log = data / "postgres.log"
            with child(command, log, account=account, stop_with=FAST, die_with=IMMEDIATE) as process:
                wait_ready("PostgreSQL", process, lambda: is_ready(cluster, process.pid), log)
                server = PostgresServer(sockets, PORT, programs, cluster, log, process)
                _prepare(server)
                yield server


def _prepare(server: PostgresServer) -> None:
    """Create what a new server lacks: the roles of `migrations/roles.sql`, then the database."""
    roles = str(files("migrations") / "roles.sql")
    code, output = finished(
        [
            server.bin / "psql",
            *("-X", "-q", "-v", "ON_ERROR_STOP=1", "-d", server.url("postgres", "postgres")),
            *("-f", roles, "-f", "-"),
        ],
        text=_CREATE,
    )
    if code:
        fail(
            "PostgreSQL started, but its roles and database could not be created:", output, server.log.parent
        )

"""Valkey for development and tests: in memory, on a loopback port, it dies with its owner."""

import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from api.dev.account import server_account
from api.dev.folders import give, locked, make_folder
from api.dev.processes import child, free_port, require_free_port, wait_ready
from api.dev.programs import home_of, valkey_binary


@dataclass(frozen=True)
class ValkeyServer:
    """A running Valkey: its port, its log and its process."""

    port: int
    log: Path
    process: subprocess.Popen[bytes]

    @property
    def pid(self) -> int:
        """The pid of the server."""
        return self.process.pid

    @property
    def url(self) -> str:
        """The URL of its first database, as redis-py and arq take it."""
        return f"redis://127.0.0.1:{self.port}/0"


@contextmanager
def valkey(data: Path, port: int = 0) -> Iterator[ValkeyServer]:
    """Run Valkey, which keeps nothing on disk, on a port (0: a free one); raise DevServerError.

    To be called from a thread that outlives the block: the server dies with the thread that started it.
    """
    data = make_folder(data)
    with locked(data):
        require_free_port(port, "Valkey")
        port = port or free_port()
        account = server_account()
        home = home_of(data, account)
        program = valkey_binary(home, account)
        command: list[str | Path] = [program, *_settings(give(home / "files", account), port)]
        log = data / "valkey.log"
        with child(command, log, account=account, stop_with=signal.SIGTERM) as process:
            wait_ready("Valkey", process, lambda: _answers(port), log)
            yield ValkeyServer(port, log, process)


def _settings(folder: Path, port: int) -> list[str]:
    settings = {
        "port": str(port),
        "bind": "127.0.0.1",
        "protected-mode": "yes",
        "appendonly": "no",
        "save": "",
        "loglevel": "warning",
        "dir": str(folder),
    }
    return [word for name, value in settings.items() for word in (f"--{name}", value)]


def _answers(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1) as connection:
            connection.sendall(b"PING\r\n")
            return connection.recv(16).startswith(b"+PONG")
    except OSError:
        return False

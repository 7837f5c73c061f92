import os
import signal
import socket
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from arq import create_pool
from arq.connections import RedisSettings

from api.dev.account import server_account
from api.dev.processes import DevServerError, wait_until
from api.dev.valkey import valkey

Start = Callable[..., subprocess.Popen[bytes]]

OWNER = """
import sys, time
from pathlib import Path
from api.dev.valkey import valkey
with valkey(Path(sys.argv[1])) as server:
    print(server.pid, flush=True)
    time.sleep(60)
"""


async def test_arq_reaches_the_server_by_its_url(folder: Path) -> None:
    with valkey(folder) as server:
        pool = await create_pool(RedisSettings.from_dsn(server.url))
        try:
            assert await pool.set("key", "value")
            assert await pool.get("key") == b"value"
        finally:
            await pool.aclose()


def test_a_server_starts_again_on_its_port(folder: Path, alive: Callable[[int], bool]) -> None:
    with valkey(folder) as first:
        owner = Path(f"/proc/{first.pid}").stat().st_uid
        assert owner == (server_account().user or os.getuid())
    assert not alive(first.pid)
    with valkey(folder, first.port) as again:
        assert again.url == first.url


def test_a_port_in_use_is_refused(folder: Path) -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as taken,
        pytest.raises(DevServerError, match="Address already in use"),
        valkey(folder, taken.getsockname()[1]),
    ):
        pass


def test_a_folder_in_use_is_refused(folder: Path) -> None:
    with valkey(folder), pytest.raises(DevServerError, match="in use by process"), valkey(folder):
        pass


def test_a_server_dies_with_its_killed_owner(
    folder: Path, start: Start, alive: Callable[[int], bool]
) -> None:
    owner = start(OWNER, folder)
    assert owner.stdout
    pid = int(owner.stdout.readline())
    assert alive(pid)
    os.kill(owner.pid, signal.SIGKILL)
    assert wait_until(lambda: not alive(pid), 5)

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from api.core.settings import read_settings
from api.dev.processes import DevServerError, finished, wait_until
from api.dev.stack import running, stack

Start = Callable[..., subprocess.Popen[bytes]]

OWNER = """
import sys, time
from pathlib import Path
from api.dev.stack import stack
with stack(Path(sys.argv[1])) as servers:
    print(servers.postgres.pid, servers.valkey.pid, flush=True)
    time.sleep(60)
"""


def test_the_settings_reach_the_servers_while_they_run(data: Path) -> None:
    assert running(data) is None
    with stack(data) as servers:
        assert running(data) == servers.environment
        settings = read_settings(servers.environment)
        for url in (settings.database_url, settings.database_owner_url, settings.database_ops_url):
            code, output = finished([servers.postgres.bin / "psql", "-XAtc", "SELECT 1", "-d", str(url)])
            assert (code, output) == (0, "1\n")
        assert (data / "environment").stat().st_mode & 0o777 == 0o600
        assert (data / "secrets").stat().st_mode & 0o777 == 0o600
        assert servers.mail.folder == data / "mail"
    assert running(data) is None
    assert not (data / "environment").exists()


def test_the_secrets_survive_a_restart(data: Path) -> None:
    with stack(data) as servers:
        first = servers.environment["MAILLON_SECRETS"]
    with stack(data) as servers:
        assert servers.environment["MAILLON_SECRETS"] == first


def test_the_provider_keeps_its_port_and_says_who_must_leave_it(data: Path) -> None:
    with stack(data) as servers:
        address = servers.environment["MAILLON_DEV_ISSUER"]
    port = int(address.rpartition(":")[2])
    assert port < 32_768, "a connection going out may take it before the next start"
    with socket.create_server(("127.0.0.1", port)):
        refused = f"identity provider cannot listen on 127.0.0.1:{port}: .* Stop what uses this port"
        with pytest.raises(DevServerError, match=refused), stack(data):
            pass
    with stack(data) as servers:
        assert servers.environment["MAILLON_DEV_ISSUER"] == address


def test_a_rotated_secret_signs_from_the_next_start_and_the_former_is_still_believed(data: Path) -> None:
    with stack(data) as servers:
        former = servers.environment["MAILLON_SECRETS"]
        code, said = finished([sys.executable, "-m", "api.cli", "secret", "rotate", "--data", data])
        assert code == 0, said
        assert former not in said
    with stack(data) as servers:
        new, rest = servers.environment["MAILLON_SECRETS"].split(",", 1)
        assert rest == former
        assert len(new) >= 32
        assert new not in said
        assert (data / "secrets").stat().st_mode & 0o777 == 0o600
        assert read_settings(servers.environment).secrets == (new, *former.split(","))


def test_a_second_stack_on_the_same_folder_is_refused(data: Path) -> None:
    with stack(data) as servers:
        with pytest.raises(DevServerError, match=f"in use by process {os.getpid()}"), stack(data):
            pass
        assert running(data) == servers.environment


def test_nothing_is_left_of_a_killed_stack(data: Path, start: Start, alive: Callable[[int], bool]) -> None:
    owner = start(OWNER, data)
    assert owner.stdout
    pids = [int(word) for word in owner.stdout.readline().split()]
    assert running(data)
    os.kill(owner.pid, signal.SIGKILL)
    assert wait_until(lambda: not any(alive(pid) for pid in pids), 10)
    assert wait_until(lambda: running(data) is None, 10)  # they may be gone before it has let go of its files

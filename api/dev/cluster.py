"""The data folder of PostgreSQL: made whole or not at all, and checked before it is used again."""

import shutil
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import mkdtemp

from api.dev.account import Account
from api.dev.folders import give
from api.dev.processes import fail, finished, wait_until_left

PORT = 5432
# sockaddr_un holds 108 bytes on Linux, 104 elsewhere, the last one a NUL.
_LONGEST_SOCKET = 103
_LEAVING_SECONDS = 20


def cluster_in(home: Path, programs: Path, major: int, account: Account) -> Path:
    """Return the cluster of a home, ready to be started; made if it is not there yet."""
    cluster = home / "cluster"
    if not cluster.exists():
        _make(cluster, programs, account)
        return cluster
    _check_version(cluster, major)
    _clear_the_dead(cluster)
    return cluster


def _make(cluster: Path, programs: Path, account: Account) -> None:
    # Under a name of its own until it is whole: an initdb that was killed leaves nothing to be trusted.
    draft = cluster.with_name("cluster.new")
    wait_until_left(draft, _LEAVING_SECONDS)
    shutil.rmtree(draft, ignore_errors=True)
    try:
        give(draft, account)
        _initdb(draft, programs, account)
        draft.rename(cluster)
    except OSError as error:
        fail(f"Cannot make the folder {cluster}: {error.strerror}.", folder=cluster.parent)
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _initdb(folder: Path, programs: Path, account: Account) -> None:
    code, output = finished(
        [
            programs / "initdb",
            *("--no-sync", "--no-instructions"),
            *("--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--encoding=UTF8"),
            *("--auth=trust", "--username=postgres"),
            *("-D", folder),
        ],
        account,
    )
    if code:
        end = "\n".join(output.splitlines()[-6:])
        fail(f"PostgreSQL could not make its data folder in {folder.parent}:", end, folder.parent)


def _check_version(cluster: Path, major: int) -> None:
    mark = cluster / "PG_VERSION"
    found = mark.read_text().strip() if mark.exists() else ""
    if not found:
        fail(
            f"{cluster} is not a whole PostgreSQL data folder: delete it, or choose another one with --data."
        )
    if found != str(major):
        fail(
            f"{cluster} was made by PostgreSQL {found} and the programs are of PostgreSQL {major}: "
            "delete it, or choose another folder with --data."
        )


def _clear_the_dead(cluster: Path) -> None:
    """Remove what a killed server left, once nothing of it lives: its pid may be another's by now."""
    pidfile = cluster / "postmaster.pid"
    if not pidfile.exists() or not Path("/proc/self").exists():
        return
    left = wait_until_left(cluster, _LEAVING_SECONDS)
    if left:
        pids = ", ".join(map(str, left))
        fail(f"A PostgreSQL server still works in {cluster} (processes {pids}): stop it first.")
    pidfile.unlink(missing_ok=True)


@contextmanager
def socket_folder(home: Path, account: Account) -> Iterator[Path]:
    """Lend a private folder whose socket has a path short enough: in `home`, or a temporary one."""
    usual = home / "socket"
    if _fits(usual):
        shutil.rmtree(usual, ignore_errors=True)
        yield give(usual, account)
        return
    short = Path(mkdtemp(prefix="maillon-"))
    try:
        if not _fits(short):
            fail(
                f"The path of the socket would be too long in {home} and in {short}: "
                "choose a shorter folder with --data or TMPDIR."
            )
        yield give(short, account)
    finally:
        shutil.rmtree(short, ignore_errors=True)


def _fits(folder: Path) -> bool:
    path = str(folder / f".s.PGSQL.{PORT}")
    # A comma separates hosts in a PostgreSQL URL.
    return len(path.encode()) <= _LONGEST_SOCKET and "," not in path


def server_command(cluster: Path, sockets: Path, programs: Path, *, fsync: bool) -> list[str | Path]:
    """Return the command of a server on a socket only, with the settings of development."""
    quoted = str(sockets).replace('"', '""')
    settings = {
        "port": str(PORT),
        "listen_addresses": "",
        "unix_socket_directories": f'"{quoted}"',
        "max_connections": "200",
        "shared_buffers": "128MB",
        "log_min_messages": "warning",
        "jit": "off",
        "fsync": "on" if fsync else "off",
    }
    options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
    return [programs / "postgres", "-D", cluster, *options]


def is_ready(cluster: Path, pid: int) -> bool:
    """Tell whether the server of this pid takes connections, as it writes in its postmaster.pid."""
    try:
        lines = (cluster / "postmaster.pid").read_text().splitlines()
    except OSError:
        return False
    return len(lines) >= 8 and lines[0] == str(pid) and lines[7].strip() == "ready"


# Fast shutdown: sessions are cut, the data folder is left clean. When its owner dies, immediate
# shutdown: SIGKILL would leave busy backends running.
FAST, IMMEDIATE = signal.SIGINT, signal.SIGQUIT

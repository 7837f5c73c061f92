"""What the embedded servers share: their one error, children tied to their owner, readiness, ports."""

import ctypes
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from random import SystemRandom
from typing import Any, BinaryIO, NoReturn

from api.dev.account import CALLER, Account

_PR_SET_PDEATHSIG = 1
_PRCTL = ctypes.CDLL(None).prctl if sys.platform == "linux" else None
_POLL = 0.01
_LOW_DISK = 64 * 1024 * 1024

# Nothing of the caller's: PGHOST or LC_ALL would change the servers' behaviour, and secrets would be lent
# to `nobody`. A character type of UTF-8 is needed by the French search: with LC_ALL=C the full-text parser
# of PostgreSQL takes ’ « » for letters.
SERVER_ENVIRONMENT = {"PATH": os.defpath, "LC_ALL": "C.UTF-8", "TZ": "UTC"}


class DevServerError(Exception):
    """An embedded server cannot do what was asked: the message says what happened and what to do."""


def fail(what: str, detail: str = "", folder: Path | None = None) -> NoReturn:
    """Raise DevServerError with `what`, then the detail, then a hint when the disk of `folder` is full."""
    raise DevServerError("\n".join(part for part in (what, detail.strip(), _room(folder)) if part))


def _room(folder: Path | None) -> str:
    try:
        free = shutil.disk_usage(folder).free if folder else _LOW_DISK
    except OSError:
        return ""
    if free >= _LOW_DISK:
        return ""
    return (
        f"Only {free // 2**20} MiB are left on the disk of {folder}: "
        "free some space or choose another folder with --data."
    )


def _leash(owner: int, death: signal.Signals) -> Callable[[], None]:
    def tie() -> None:
        if _PRCTL is not None:
            _PRCTL(_PR_SET_PDEATHSIG, int(death), 0, 0, 0)
        if os.getppid() != owner:  # the owner died before the leash held
            os._exit(1)

    return tie


def spawn(
    argv: Sequence[str | Path],
    account: Account = CALLER,
    death: signal.Signals = signal.SIGKILL,
    **options: Any,
) -> subprocess.Popen[bytes]:
    """Start a child in its own session that gets `death` when the calling thread, its owner, dies."""
    # In keywords, for preexec_fn: nothing else runs between the change of user, which clears the
    # parent-death signal, and exec.
    settings: dict[str, Any] = {
        "args": [str(word) for word in argv],
        "stdin": subprocess.DEVNULL,
        "start_new_session": True,
        "preexec_fn": _leash(os.getpid(), death),
        **account._asdict(),
        **options,
    }
    try:
        return subprocess.Popen(**settings)
    except (OSError, subprocess.SubprocessError) as error:
        raise DevServerError(f"Cannot start {argv[0]}: {error}") from error


def ended(process: subprocess.Popen[bytes]) -> int | None:
    """Return the exit code (minus the signal) of a child that ended, without reaping it, or None."""
    if process.returncode is not None:
        return process.returncode
    try:
        end = os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        return process.poll()
    if end is None:
        return None
    return end.si_status if end.si_code == os.CLD_EXITED else -end.si_status


def stop(process: subprocess.Popen[bytes], with_signal: signal.Signals, seconds: float) -> None:
    """Stop a child by the signal; after the deadline, or if it left some of its group behind, by SIGKILL."""
    if process.returncode is not None:
        return
    try:
        if ended(process) is None:
            os.kill(process.pid, with_signal)
            wait_until(lambda: ended(process) is not None, seconds)
    finally:
        # Not reaped yet, so that the group's number cannot be another's by now.
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def wait_until(ready: Callable[[], bool], seconds: float) -> bool:
    """Poll until `ready()`; return False when it still is not at the deadline."""
    deadline = time.monotonic() + seconds
    while not ready():
        if time.monotonic() > deadline:
            return False
        time.sleep(_POLL)
    return True


def wait_until_left(folder: Path, seconds: float) -> list[int]:
    """Wait until no process works in a folder; return the pids of those still there at the deadline."""
    wait_until(lambda: not occupants(folder), seconds)
    return occupants(folder)


def occupants(folder: Path) -> list[int]:
    """Return the pids of the processes whose working folder is this one (none outside Linux)."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if (entry / "cwd").readlink() == folder:
                found.append(int(entry.name))
    return found


def _new(log: Path) -> BinaryIO:
    try:
        log.unlink(missing_ok=True)
        return os.fdopen(os.open(log, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o600), "ab")
    except OSError as error:
        fail(f"Cannot write {log}: {error.strerror}.", folder=log.parent)


@contextmanager
def child(
    argv: Sequence[str | Path],
    log: Path,
    *,
    account: Account = CALLER,
    stop_with: signal.Signals = signal.SIGTERM,
    die_with: signal.Signals = signal.SIGKILL,
    seconds: float = 20,
    env: Mapping[str, str] = SERVER_ENVIRONMENT,
    cwd: Path | None = None,
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a child during the block, its output in a new log; it gets `die_with` if its owner dies."""
    with _new(log) as output:
        process = spawn(argv, account, die_with, stdout=output, stderr=subprocess.STDOUT, env=env, cwd=cwd)
    try:
        yield process
    finally:
        stop(process, stop_with, seconds)


def finished(
    argv: Sequence[str | Path], account: Account = CALLER, text: str = "", seconds: float = 120
) -> tuple[int, str]:
    """Run a tool to its end with `text` as its input; return its exit code and its output."""
    process = spawn(
        argv,
        account,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env=SERVER_ENVIRONMENT,
        cwd="/",
    )
    try:
        output, _ = process.communicate(text.encode(), timeout=seconds)
    except subprocess.TimeoutExpired as error:
        raise DevServerError(f"{argv[0]} had not finished after {seconds:.0f} s.") from error
    finally:
        stop(process, signal.SIGKILL, 0)
    return process.returncode, output.decode(errors="replace")


def wait_ready(
    name: str,
    process: subprocess.Popen[bytes],
    ready: Callable[[], bool],
    log: Path,
    seconds: float = 60,
) -> None:
    """Return once `ready()`; raise with the end of the log when the server ended or is still not ready."""
    if not wait_until(lambda: ended(process) is not None or ready(), seconds):
        fail(f"{name} was not ready after {seconds:.0f} s. The end of {log}:", tail(log), log.parent)
    code = ended(process)
    if code is not None:
        fail(f"{name} stopped at its start ({how(code)}). The end of {log}:", tail(log), log.parent)


def how(code: int) -> str:
    """Say in words how a process ended."""
    return f"exit code {code}" if code >= 0 else f"killed by {signal.Signals(-code).name}"


def tail(log: Path, lines: int = 12) -> str:
    """Return the last lines of a log, or nothing when it cannot be read."""
    try:
        with log.open("rb") as file:
            file.seek(max(0, log.stat().st_size - 8192))
            end = file.read()
    except OSError:
        return ""
    return "\n".join(end.decode(errors="replace").splitlines()[-lines:])


def free_port() -> int:
    """Return a loopback port that can be listened on, also later: no system lends it to connections going out.

    Linux takes those from 32 768 up, and others from 49 152 (RFC 6335), each time that one is opened.
    """
    for port in SystemRandom().sample(range(20_000, 32_768), 100):
        with suppress(OSError):
            socket.create_server(("127.0.0.1", port)).close()
            return port
    fail("No loopback port from 20000 to 32767 seems free to listen on.")


def require_free_port(port: int, what: str) -> None:
    """Raise when the loopback port cannot be listened on."""
    try:
        socket.create_server(("127.0.0.1", port)).close()
    except OSError as error:
        raise DevServerError(
            f"{what} cannot listen on 127.0.0.1:{port}: {error.strerror}. "
            "Stop what uses this port or choose another one."
        ) from error

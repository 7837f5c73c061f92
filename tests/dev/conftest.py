import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from signal import SIGKILL

import pytest

from api.dev.account import CALLER, Account, server_account
from api.dev.postgres import postgres
from api.dev.processes import DevServerError, finished, spawn, stop

ROOT = Path(__file__).parents[2]
Start = Callable[..., subprocess.Popen[bytes]]


def _folder() -> Path:
    # Not tmp_path: when root, `nobody` could not enter it.
    folder = Path(tempfile.mkdtemp(prefix="maillon-test-"))
    folder.chmod(0o711)
    return folder


@pytest.fixture
def folder() -> Iterator[Path]:
    made = _folder()
    yield made
    shutil.rmtree(made)


@pytest.fixture(scope="session")
def data() -> Iterator[Path]:
    """The data folder of a stack, shared by the tests which do not spoil it."""
    made = _folder()
    with postgres(made / "postgres", fsync=False):
        pass
    yield made
    shutil.rmtree(made)


@pytest.fixture
def used(data: Path) -> Path:
    """The data folder of a PostgreSQL that ran and was stopped or killed."""
    return data / "postgres"


@pytest.fixture
def alive() -> Callable[[int], bool]:
    def is_alive(pid: int) -> bool:
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            return False
        return state != "Z"

    return is_alive


@pytest.fixture
def start() -> Iterator[Start]:
    """Start Python code in a process of its own; what it prints is read from its stdout."""
    started = []

    def begin(
        code: str, *words: str | Path, account: Account = CALLER, python: str = sys.executable
    ) -> subprocess.Popen[bytes]:
        paths = [str(ROOT), *(path for path in sys.path if path.endswith("site-packages"))]
        env = {"PATH": os.environ["PATH"], "PYTHONPATH": ":".join(paths), "PYTHONDONTWRITEBYTECODE": "1"}
        argv = [python, "-c", code, *words]
        process = spawn(argv, account, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=env, cwd=ROOT)
        started.append(process)
        return process

    yield begin
    for process in started:
        stop(process, SIGKILL, 1)
        if process.stdout:
            process.stdout.close()


@pytest.fixture
def ordinary_python() -> str:
    """A Python that `nobody` can run: the one of a virtual environment may be out of its reach."""
    check = f"import sys; sys.exit(sys.version_info[:2] != {sys.version_info[:2]})"
    for python in (sys.executable, "/usr/bin/python3"):
        with suppress(DevServerError):
            if finished([python, "-c", check], server_account())[0] == 0:
                return python
    pytest.skip("no Python that an ordinary user can run")

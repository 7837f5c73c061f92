"""The README's story, executed as it stands against a whole `maillon dev`."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from email import message_from_bytes
from email.policy import default
from pathlib import Path

import httpx
import pytest

from api.dev.processes import free_port

ROOT = Path(__file__).parents[1]
STORY = re.compile(r"<!-- story -->\n```sh\n(.*?)```", re.DOTALL)


@pytest.fixture
def folder() -> Iterator[Path]:
    made = Path(tempfile.mkdtemp(prefix="maillon-story-"))
    made.chmod(0o711)
    yield made
    shutil.rmtree(made)


@pytest.fixture
def address(folder: Path) -> Iterator[str]:
    """A whole `maillon dev` in a process of its own, ended by Ctrl-C."""
    port = free_port()
    command = [
        sys.executable,
        "-m",
        "api.cli",
        "dev",
        "--port",
        str(port),
        "--data",
        str(folder / ".maillon"),
    ]
    with (
        (folder / "log").open("wb") as log,
        subprocess.Popen(
            command, cwd=ROOT, stdout=log, stderr=subprocess.STDOUT, start_new_session=True
        ) as dev,
    ):
        try:
            _wait(lambda: _ready(f"http://127.0.0.1:{port}"), 60)
            yield f"http://127.0.0.1:{port}"
        finally:
            dev.send_signal(signal.SIGINT)
            assert dev.wait(timeout=30) == 0


def _ready(address: str) -> bool:
    try:
        return bool(httpx.get(f"{address}/readyz", timeout=1, trust_env=False).json()["status"] == "ready")
    except httpx.TransportError:
        return False


def _wait(condition: Callable[[], bool], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it took too long"
        time.sleep(0.1)


def test_the_story_of_the_readme_runs_as_it_is_written(address: str, folder: Path) -> None:
    found = STORY.search((ROOT / "README.md").read_text())
    assert found
    script = (
        found[1].replace("http://127.0.0.1:8000", address).replace("$PWD/.venv/bin", str(ROOT / ".venv/bin"))
    )
    told = subprocess.run(
        ["bash", "-c", script],
        cwd=folder,
        env={name: text for name, text in os.environ.items() if not name.startswith("MAILLON_")},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )

    assert told.returncode == 0, told.stdout + told.stderr
    (report,) = re.findall(r'\{"company_id".*?"as_of":"[^"]*"\}', told.stdout)
    assert [(row["regime"], row["minutes"], row["people"]) for row in json.loads(report)["rows"]] == [
        ("working_time", 120, 1)
    ]
    assert "invariants hold" in told.stdout
    _wait(lambda: sum(map(len, _subjects(folder).values())) >= 6, 20)
    subjects = _subjects(folder)
    assert any("Nouvelle candidature" in subject for subject in subjects["ines@papyrus.example"])
    assert any("acceptée" in subject for subject in subjects["camille.roux@garonne.example"])


def _subjects(folder: Path) -> dict[str, list[str]]:
    """Give the subjects of the mails received, by recipient."""
    subjects: dict[str, list[str]] = {}
    for file in sorted((folder / ".maillon" / "mail").glob("*.eml")):
        message = message_from_bytes(file.read_bytes(), policy=default)
        subjects.setdefault(str(message["X-RcptTo"]), []).append(str(message["Subject"]))
    return subjects

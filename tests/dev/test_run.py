import os
import signal
import socket
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from api.dev.processes import free_port, occupants, wait_until

Start = Callable[..., subprocess.Popen[bytes]]

# Stands for `maillon`: says its pid, answers /readyz, sends a mail for the demo, says that it stops.
MAILLON = """
import os, signal, smtplib, sys, time
from http.server import BaseHTTPRequestHandler, HTTPServer
name = sys.argv[1]
def stopped(*_):
    print(name, "stops at", time.monotonic())
    sys.exit()
signal.signal(signal.SIGTERM, stopped)
print(name, "pid", os.getpid(), os.environ["MAILLON_DATABASE_OWNER_URL"][:10])
if name == "migrations":
    sys.exit()
if name == "demo":
    port = int(os.environ["MAILLON_SMTP_URL"].rpartition(":")[2])
    smtplib.SMTP("127.0.0.1", port).sendmail("a@example.org", ["b@example.org"], "Subject: hello")
    sys.exit()
class Ready(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200 if self.path == "/readyz" else 404)
        self.end_headers()
if name == "serve":
    HTTPServer(("127.0.0.1", int(sys.argv[3])), Ready).serve_forever()
time.sleep(60)
"""

RUN = """
import sys
from pathlib import Path
from api.dev import run
from api.dev.processes import DevServerError
data, fake, port, demo = sys.argv[1:]
run.MAILLON = [sys.executable, fake]
run.MIGRATIONS = [sys.executable, fake, "migrations"]
try:
    run.run(Path(data), int(port), bool(demo))
except DevServerError as error:
    print(error, flush=True)
    sys.exit(1)
"""


class Running:
    """`maillon dev` in a process of its own, and what it printed."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self.process = process
        self.lines: list[str] = []

    def read_until(self, text: str) -> str:
        for line in self.lines:
            if text in line:
                return line
        assert self.process.stdout
        for raw in self.process.stdout:
            self.lines.append(raw.decode().rstrip())
            if text in self.lines[-1]:
                return self.lines[-1]
        raise AssertionError("\n".join(self.lines))

    def end(self, number: signal.Signals | None = None) -> int:
        if number:
            os.kill(self.process.pid, number)
        assert self.process.stdout
        self.lines += self.process.stdout.read().decode().splitlines()
        return self.process.wait()

    def pid_of(self, name: str) -> int:
        return int(self.read_until(f"{name} pid").split(" pid ")[1].split()[0])


@pytest.fixture
def run(data: Path, folder: Path, start: Start) -> Callable[..., Running]:
    fake = folder / "fake.py"
    fake.write_text(MAILLON)

    def begin(port: int, demo: str = "") -> Running:
        return Running(start(RUN, data, fake, str(port), demo))

    return begin


def test_everything_runs_then_stops_in_order_on_ctrl_c(run: Callable[..., Running], data: Path) -> None:
    port = free_port()
    dev = run(port, "demo")
    dev.read_until(f"Maillon answers at http://127.0.0.1:{port}")
    assert dev.read_until("kept").startswith("mail ")
    dev.read_until("worker pid")  # it would be stopped before it could say so
    assert dev.end(signal.SIGINT) == 0
    stops = [line.split(" stops at ") for line in dev.lines if " stops at " in line]
    names = [name.split()[0] for name, _ in sorted(stops, key=lambda stop: float(stop[1]))]
    assert names == ["worker", "api"]
    assert next(line for line in dev.lines if line.startswith("migrate ")).endswith("postgresql")
    assert occupants(data / "postgres" / "cluster") == []


def test_sigterm_stops_everything_cleanly(
    run: Callable[..., Running], data: Path, alive: Callable[[int], bool]
) -> None:
    dev = run(free_port())
    pid = dev.pid_of("serve")
    dev.read_until("Maillon answers")
    assert dev.end(signal.SIGTERM) == 0
    assert not alive(pid)
    assert occupants(data / "postgres" / "cluster") == []


def test_a_port_in_use_is_said_before_anything_starts(run: Callable[..., Running]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        dev = run(taken.getsockname()[1])
        assert dev.end() == 1
    assert len(dev.lines) == 1
    assert "Address already in use" in dev.lines[0]


def test_a_child_that_dies_stops_everything(
    run: Callable[..., Running], data: Path, alive: Callable[[int], bool]
) -> None:
    dev = run(free_port())
    api, worker = dev.pid_of("serve"), dev.pid_of("worker")
    os.kill(worker, signal.SIGKILL)
    assert dev.end() == 1
    assert dev.lines[-1] == (
        "Everything was stopped because worker ended (killed by SIGKILL): its log is above."
    )
    assert not alive(api)
    assert occupants(data / "postgres" / "cluster") == []


def test_migrations_that_fail_stop_everything(run: Callable[..., Running], data: Path, folder: Path) -> None:
    (folder / "fake.py").write_text("import sys; sys.exit('the migrations are wrong')")
    dev = run(free_port(), "")
    assert dev.end() == 1
    assert "migrate failed (exit code 1)" in dev.lines[-1]
    assert occupants(data / "postgres" / "cluster") == []


def test_nothing_is_left_when_it_is_killed(
    run: Callable[..., Running], data: Path, alive: Callable[[int], bool]
) -> None:
    dev = run(free_port())
    pids = [dev.pid_of("serve"), dev.pid_of("worker")]
    os.kill(dev.process.pid, signal.SIGKILL)
    assert wait_until(lambda: not any(alive(pid) for pid in pids), 5)
    assert wait_until(lambda: not occupants(data / "postgres" / "cluster"), 5)

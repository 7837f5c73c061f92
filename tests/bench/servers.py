"""The servers that are compared: one process each, of the same program, on the same database."""

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import msgspec

from api.dev.processes import free_port

PEER = Path(".venv/bench/bin/python")
GRANIAN = ["-m", "granian", "--interface", "asgi", "--loop", "uvloop", "--no-log", "--workers", "1"]


@contextmanager
def compared(environment: dict[str, str], token: str, paths: list[str]) -> Iterator[dict[str, int]]:
    """Serve Maillon, the floor and the peer; give the port of each by its name."""
    asked = {"BENCH_TOKEN": token, "BENCH_PATHS": msgspec.json.encode(paths).decode()}
    floor = [sys.executable, *GRANIAN, "--factory", "tests.bench.floor:create"]
    peer = [str(PEER), *GRANIAN, "tests.bench.peer.app:app"]
    with (
        serving([sys.executable, "-m", "api.cli", "serve"], environment) as of_maillon,
        serving(floor, environment | asked) as of_floor,
        serving(peer, environment) as of_peer,
    ):
        ports = {"maillon": of_maillon, "floor": of_floor, "peer": of_peer}
        check_answers(ports, token, paths)
        yield ports


def check_answers(ports: dict[str, int], token: str, paths: list[str]) -> None:
    """Raise SystemExit unless all answer the same to every path, their cursors aside."""
    headers = {"Authorization": f"Bearer {token}"}
    with httpx.Client(trust_env=False, headers=headers, timeout=30) as client:
        for path in paths:
            answers = {
                name: _answer(client.get(f"http://127.0.0.1:{port}{path}")) for name, port in ports.items()
            }
            for name, answer in answers.items():
                if answer != answers["maillon"]:
                    raise SystemExit(f"{name} answers otherwise to {path}:\n{answer}\n{answers['maillon']}")


def _answer(response: httpx.Response) -> dict[str, Any]:
    if not response.is_success:
        return {"status": response.status_code, "text": response.text}
    body: dict[str, Any] = response.json()
    return body | {"next": "a cursor"} if body.get("next") else body


@contextmanager
def serving(command: list[str], environment: dict[str, str]) -> Iterator[int]:
    """Run a server until the block ends; give its port."""
    port = free_port()
    log = subprocess.DEVNULL
    with subprocess.Popen([*command, "--port", str(port)], env=environment, stdout=log, stderr=log) as server:
        try:
            _wait(port)
            yield port
        finally:
            server.terminate()


def _wait(port: int) -> None:
    deadline = time.monotonic() + 60
    headers = {"Authorization": "Bearer mls_nobody"}
    with httpx.Client(trust_env=False, timeout=30) as client:
        while time.monotonic() < deadline:
            try:
                client.get(f"http://127.0.0.1:{port}/v1/missions", headers=headers)
            except httpx.TransportError:
                time.sleep(0.1)
            else:
                return
    raise SystemExit(f"Nothing answers on port {port}.")

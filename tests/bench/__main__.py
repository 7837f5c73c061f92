"""`make bench`: Maillon and the floor in turn, on one database, in one run; prints a table of ratios."""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from statistics import median

import asyncpg
import httpx
import uvloop
from rich.console import Console
from rich.progress import track
from rich.table import Table

from api.core.database import close_pools, open_pools
from api.core.settings import read_settings
from api.dev.processes import free_port
from api.dev.stack import stack
from api.identity.service import issue_token
from tests.bench.load import Round, load
from tests.make.clone import superuser_url

MISSIONS = 20_000
ROUNDS = 5
UNLIMITED = {"MAILLON_CALLER_LIMIT": "99999/second", "MAILLON_NETWORK_LIMIT": "99999/second"}
SECONDS = 3.0
CONNECTIONS = 16
PATH = "/v1/missions"
_SEED = """
    INSERT INTO mission_search
    SELECT uuidv7(), 1, uuidv7(), 'Association ' || n % 500, 'Refondre notre site web ' || n,
           'Un site lisible sur un téléphone, pour les bénévoles et le public.', 'project', '{education}', 3, 2, 1800,
           '{working_time,personal_time}', 'possible', 'Lyon 7e', '69007', current_date, NULL, NULL, '{fr}',
           now() - n * interval '1 minute'
    FROM generate_series(1, $1::int) n
"""


def main() -> None:
    """Run the benchmark and print its table."""
    folder = Path(tempfile.mkdtemp(prefix="maillon-bench-"))
    folder.chmod(0o711)
    try:
        with stack(folder) as servers:
            _run(os.environ | servers.environment | UNLIMITED)
    finally:
        shutil.rmtree(folder)


def _run(environment: dict[str, str]) -> None:
    subprocess.run([sys.executable, "-m", "migrations"], env=environment, check=True)
    token = uvloop.run(_prepare(environment))
    granian = [sys.executable, "-m", "granian", "--interface", "asgi", "--loop", "uvloop", "--no-log"]
    with (
        _serving([sys.executable, "-m", "api.cli", "serve"], environment) as maillon,
        _serving([*granian, "tests.bench.floor:app"], environment) as floor,
    ):
        rounds: dict[str, list[Round]] = {"maillon": [], "floor": []}
        for _ in track(range(ROUNDS), "Rounds, each in turn…", console=Console(stderr=True)):
            for name, port in (("maillon", maillon), ("floor", floor)):
                rounds[name].append(
                    uvloop.run(load(port, PATH, token, connections=CONNECTIONS, seconds=SECONDS))
                )
    _print(rounds)


async def _prepare(environment: dict[str, str]) -> str:
    connection = await asyncpg.connect(superuser_url(environment, "maillon"))
    await connection.execute(_SEED, MISSIONS)
    await connection.execute("ANALYZE")
    await connection.close()
    await open_pools(read_settings(environment))
    try:
        return await issue_token("bench@maillon.example", timedelta(hours=1))
    finally:
        await close_pools()


@contextmanager
def _serving(command: list[str], environment: dict[str, str]) -> Iterator[int]:
    port = free_port()
    log = subprocess.DEVNULL
    with subprocess.Popen([*command, "--port", str(port)], env=environment, stdout=log, stderr=log) as server:
        try:
            _wait(port)
            yield port
        finally:
            server.terminate()


def _wait(port: int) -> None:
    deadline = time.monotonic() + 30
    headers = {"Authorization": "Bearer mls_nobody"}
    with httpx.Client(trust_env=False) as client:
        while time.monotonic() < deadline:
            try:
                client.get(f"http://127.0.0.1:{port}{PATH}", headers=headers)
            except httpx.TransportError:
                time.sleep(0.1)
            else:
                return
    raise SystemExit(f"Nothing answers on port {port}.")


def _print(rounds: dict[str, list[Round]]) -> None:
    ratios = [ours.per_second / theirs.per_second for ours, theirs in zip(*rounds.values(), strict=True)]
    table = Table("row", "Maillon /s", "floor /s", "time against the floor, median", "least", "most")
    table.add_row(
        f"mission list, {MISSIONS} missions, {CONNECTIONS} clients",
        *(f"{median(each.per_second for each in named):.0f}" for named in rounds.values()),
        *(f"{1 / ratio:.2f}" for ratio in (median(ratios), max(ratios), min(ratios))),
    )
    Console().print(table)


if __name__ == "__main__":
    main()

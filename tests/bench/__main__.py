"""`make bench`: Maillon, the floor, a peer and the SQL alone in turn, on one database, in one run; prints ratios."""

import os
import shutil
import subprocess
import sys
import tempfile
from datetime import timedelta
from pathlib import Path
from statistics import median
from typing import NamedTuple

import asyncpg
import uvloop
from rich.console import Console
from rich.progress import track

from api.core.database import close_pools, open_pools
from api.core.ids import new_id
from api.core.settings import read_settings
from api.dev.stack import Stack, stack
from api.identity.service import issue_token
from tests.bench.alone import run_alone, write_scripts
from tests.bench.applying import measure
from tests.bench.floor import record
from tests.bench.load import Round, load
from tests.bench.publishing import load_while_publishing
from tests.bench.rows import rows
from tests.bench.servers import compared
from tests.make.clone import superuser_url
from tests.make.many import plant_missions

MISSIONS = 200_000
ROUNDS = 5
SECONDS = 3.0
CONNECTIONS = 16
UNLIMITED = {"MAILLON_CALLER_LIMIT": "99999/second", "MAILLON_NETWORK_LIMIT": "99999/second"}
PUBLISHING = ("text", "radius of 20 km")
_COMPANY = """
    INSERT INTO company (id, slug, name, siren, created_at) VALUES ($1, 'bench', 'Bench', '732829320', now())
"""
_EMPLOYEE = """
    INSERT INTO employee (id, company_id, person_id, created_at)
    SELECT $1, $2, person_id, now() FROM person_email WHERE email = $3
"""
_OWNER = """
    INSERT INTO association_member (id, association_id, person_id, role, since)
    SELECT $1, (SELECT association_id FROM mission_search LIMIT 1), person_id, 'owner', now()
    FROM person_email WHERE email = $2 RETURNING association_id
"""


class Cast(NamedTuple):
    """Who asks: an employee, and the owner of an association, by their tokens."""

    employee: str
    owner: str
    association: str


Measured = dict[str, dict[str, list[Round]]]
"""By row, then by who answers."""


def main() -> None:
    """Run the benchmark and print its tables."""
    folder = Path(tempfile.mkdtemp(prefix="maillon-bench-"))
    folder.chmod(0o711)
    try:
        with stack(folder) as servers:
            _run(servers, os.environ | servers.environment | UNLIMITED, folder)
    finally:
        shutil.rmtree(folder)


def _run(servers: Stack, environment: dict[str, str], folder: Path) -> None:
    say = Console(stderr=True).print
    subprocess.run([sys.executable, "-m", "migrations"], env=environment, check=True)
    say(f"Planting {MISSIONS} missions…")
    cast, asked = uvloop.run(_prepare(environment))
    paths = [path for each in asked.values() for path in each]
    recorded = uvloop.run(record(environment, cast.employee, paths))
    scripts = {
        name: write_scripts(_made(folder / name.replace(" ", "-")), {path: recorded[path] for path in each})
        for name, each in asked.items()
    }
    say("Starting the servers and comparing their answers…")
    with compared(environment, cast.employee, paths) as ports:
        measured: Measured = {name: {who: [] for who in (*ports, "alone")} for name in asked}
        for turn in track(
            range(ROUNDS + 1), "Rounds, each in turn; the first to warm up…", console=Console(stderr=True)
        ):
            for name, each in asked.items():
                for who, port in ports.items():
                    done = uvloop.run(
                        load(
                            port, each, cast.employee, connections=CONNECTIONS, seconds=SECONDS if turn else 1
                        )
                    )
                    measured[name][who] += [done] if turn else []
                if turn:
                    alone = run_alone(servers.postgres, scripts[name], SECONDS)
                    measured[name]["alone"].append(Round(alone, 0.0, 0.0))
        _print(measured)
        _publish(ports["maillon"], asked, cast)
    measure(environment)


def _made(folder: Path) -> Path:
    folder.mkdir()
    return folder


async def _prepare(environment: dict[str, str]) -> tuple[Cast, dict[str, list[str]]]:
    url = superuser_url(environment, "maillon")
    company = new_id()
    await plant_missions(url, MISSIONS, reserved_to=company)
    await open_pools(read_settings(environment))
    try:
        employee, owner = [
            await issue_token(f"{name}@bench.example", timedelta(hours=1)) for name in ("employee", "owner")
        ]
    finally:
        await close_pools()
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(_COMPANY, company)
        await connection.execute(_EMPLOYEE, new_id(), company, "employee@bench.example")
        association = await connection.fetchval(_OWNER, new_id(), "owner@bench.example")
        return Cast(employee, owner, str(association)), await rows(connection)
    finally:
        await connection.close()


def _print(measured: Measured) -> None:
    print(
        "| row | time against the floor: median (least–most) | throughput against the peer | against the SQL alone "
        "| Maillon /s | median, ms | p99 ÷ median |\n|---|---|---|---|---|---|---|"
    )
    for name, rounds in measured.items():
        ours = rounds["maillon"]
        times = sorted(_ratios(rounds["floor"], ours))
        print(
            f"| {name} | {median(times):.2f} ({times[0]:.2f}–{times[-1]:.2f}) "
            f"| {median(_ratios(ours, rounds['peer'])):.2f} | {median(_ratios(ours, rounds['alone'])):.2f} "
            f"| {median(each.per_second for each in ours):.0f} | {median(each.median for each in ours):.1f} "
            f"| {median(each.p99 / each.median for each in ours):.1f} |"
        )


def _ratios(ones: list[Round], others: list[Round]) -> list[float]:
    return [one.per_second / other.per_second for one, other in zip(ones, others, strict=True)]


def _publish(port: int, asked: dict[str, list[str]], cast: Cast) -> None:
    print("\n| row | p99 alone, ms | p99 while publishing | published /s |\n|---|---|---|---|")
    for name in PUBLISHING:
        before = uvloop.run(
            load(port, asked[name], cast.employee, connections=CONNECTIONS, seconds=3 * SECONDS)
        )
        during, rate = uvloop.run(
            load_while_publishing(
                port,
                asked[name],
                (cast.employee, cast.owner),
                cast.association,
                connections=CONNECTIONS,
                seconds=3 * SECONDS,
            )
        )
        print(f"| {name} | {before.p99:.1f} | {during.p99:.1f} | {rate:.1f} |")


if __name__ == "__main__":
    main()

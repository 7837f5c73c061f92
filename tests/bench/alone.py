"""The same statements under pgbench: what the database itself gives, with nobody in front of it."""

import re
import subprocess
from datetime import date, datetime
from pathlib import Path
from typing import Any

from api.dev.postgres import PostgresServer
from tests.bench.floor import Said

CONNECTIONS = 10
"""As many as the pools of the others hold."""
_PLACE = re.compile(r"\$(\d+)\b")
_TPS = re.compile(r"tps = ([0-9.]+)")


def write_scripts(folder: Path, recorded: dict[str, list[Said]]) -> list[str]:
    """Write a script for each path; give the options that have pgbench run them in turn, their parameters bound."""
    options = []
    for number, said in enumerate(recorded.values()):
        script = folder / f"{number}.sql"
        lines = []
        for step, (query, args) in enumerate(said):
            names = [f"p{number}_{step}_{place}" if arg is not None else "" for place, arg in enumerate(args)]
            for name, arg in zip(names, args, strict=True):
                options += ["-D", f"{name}={_text(arg)}"] if name else []
            written = _named(query, names)
            lines.append(" ".join(written.split()).rstrip(";") + ";")
        script.write_text("\n".join(lines) + "\n")
        options += ["-f", str(script)]
    return options


def run_alone(server: PostgresServer, options: list[str], seconds: float) -> float:
    """Give the transactions a second of the scripts, over prepared statements of the role of the API."""
    url = server.url("maillon_app")
    shape = ["-n", "-M", "prepared", "-c", str(CONNECTIONS), "-j", "1", "-T", str(max(1, round(seconds)))]
    done = subprocess.run(
        [server.bin / "pgbench", *shape, *options, url], capture_output=True, text=True, check=True
    )
    found = _TPS.search(done.stdout)
    assert found, done.stdout + done.stderr
    return float(found[1])


def _named(query: str, names: list[str]) -> str:
    """Give a statement with its parameters by name, and NULL where there is no value."""
    return _PLACE.sub(lambda place: f":{name}" if (name := names[int(place[1]) - 1]) else "NULL", query)


def _text(value: Any) -> str:
    if isinstance(value, list | tuple):
        return "{" + ",".join(f'"{_text(each)}"' for each in value) + "}"
    if isinstance(value, bytes):
        return f"\\x{value.hex()}"
    return value.isoformat() if isinstance(value, date | datetime) else str(value)

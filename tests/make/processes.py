"""The API as it is run: processes of their own, each on its port."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from signal import SIGTERM
from subprocess import Popen

import httpx

from api.dev.processes import free_port, stop, wait_until
from tests.faults.stage import python


@contextmanager
def serving(*environments: dict[str, str]) -> Iterator[list[str]]:
    """Run `maillon serve` with each of the environments; gives their addresses once all of them answer."""
    with processes(*environments) as started:
        yield list(started)


@contextmanager
def processes(*environments: dict[str, str]) -> Iterator[dict[str, Popen[bytes]]]:
    """Run `maillon serve` with each of the environments; gives the processes by address once all of them answer."""
    with ExitStack() as parts:
        client = parts.enter_context(httpx.Client(trust_env=False, timeout=1))
        started = {}
        for environment in environments:
            port = free_port()
            address = f"http://127.0.0.1:{port}"
            known = {"MAILLON_PUBLIC_URL": address} | environment
            process = python("-m", "api.cli", "serve", "--port", str(port), environment=known)
            parts.callback(stop, process, SIGTERM, 10)
            started[address] = process
        assert wait_until(lambda: all(_answers(client, address) for address in started), 60)
        yield started


def _answers(client: httpx.Client, address: str) -> bool:
    try:
        return client.get(f"{address}/healthz").is_success
    except httpx.TransportError:
        return False

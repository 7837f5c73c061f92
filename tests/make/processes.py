"""The API as it is run: processes of their own, each on its port."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from signal import SIGTERM

import httpx

from api.dev.processes import free_port, stop, wait_until
from tests.faults.stage import python


@contextmanager
def serving(*environments: dict[str, str]) -> Iterator[list[str]]:
    """Run `maillon serve` with each of the environments; gives their addresses once all of them answer."""
    with ExitStack() as parts:
        client = parts.enter_context(httpx.Client(trust_env=False, timeout=1))
        addresses = []
        for environment in environments:
            port = free_port()
            process = python("-m", "api.cli", "serve", "--port", str(port), environment=environment)
            parts.callback(stop, process, SIGTERM, 10)
            addresses.append(f"http://127.0.0.1:{port}")
        assert wait_until(lambda: all(_answers(client, address) for address in addresses), 60)
        yield addresses


def _answers(client: httpx.Client, address: str) -> bool:
    try:
        return client.get(f"{address}/healthz").is_success
    except httpx.TransportError:
        return False

"""The library's own checks of a SCIM server: `scim2-tester` over real HTTP, and its contract of a storage."""

import asyncio
import os
import sys
from collections import Counter
from collections.abc import Iterator
from signal import SIGTERM

import httpx
import httpx2
import pytest
from scim2_client.engines.httpx2 import SyncSCIMClient
from scim2_tester import Status, check_server
from scim2_tester.utils import CheckResult

from api.dev.processes import free_port, spawn, stop, wait_until
from tests.make.directory import Directory, directory_of
from tests.make.world import World

SOUND = {Status.SUCCESS, Status.COMPLIANT, Status.ACCEPTABLE}


@pytest.fixture(scope="module")
def address(environment: dict[str, str]) -> Iterator[str]:
    """The address of a server of its own, on the database of these tests."""
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    process = spawn(
        [sys.executable, "-m", "api.cli", "serve", "--port", str(port)],
        env=os.environ | environment | {"MAILLON_PUBLIC_URL": address},
    )
    try:
        assert wait_until(lambda: _ready(address), 20)
        yield address
    finally:
        stop(process, SIGTERM, 10)


def _ready(address: str) -> bool:
    try:
        return httpx.get(f"{address}/readyz").status_code == 200
    except httpx.TransportError:
        return False


def checked(address: str, token: str) -> list[CheckResult]:
    headers = {"Authorization": f"Bearer {token}"}
    with httpx2.Client(base_url=f"{address}/scim/v2", headers=headers, trust_env=False) as http:
        client = SyncSCIMClient(http)
        client.discover()
        return list(check_server(client))


async def test_the_tester_finds_no_fault_for_one_company_nor_the_other(world: World, address: str) -> None:
    directories = [await directory_of(world, await world.company()) for _ in range(2)]
    for directory in directories:
        await directory.group("Présents", (await directory.user("present@exemple.example"))["id"])
    before = [await _everything(directory) for directory in directories]

    for directory in directories:
        results = await asyncio.to_thread(checked, address, directory.token)
        faults = [repr(result) for result in results if result.status not in SOUND]
        assert faults == []
        assert Counter(result.status for result in results)[Status.SUCCESS] > 60

    # What the checks made they took away; what the other company has stood as it was.
    assert [await _everything(directory) for directory in directories] == before


async def _everything(directory: Directory) -> object:
    found = await directory.ok("GET", "/?count=100")
    return [{**each, "meta": None} for each in found["Resources"]]

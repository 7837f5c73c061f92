"""A socket is cut after the request, before or after the commit; asked again under its key, it happened once."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from subprocess import Popen
from typing import Any, NamedTuple
from uuid import UUID, uuid4

import pytest
import pytest_asyncio

from tests.faults.fleet import Fleet, fleet_of
from tests.faults.stage import count, until
from tests.make.gate import held, until_waiting
from tests.make.processes import processes

_FACTS = """
    SELECT count(*) FROM outbox WHERE fact = $1 AND recorded_at >= (SELECT created_at FROM mission WHERE id = $2)
        AND association_id = (SELECT association_id FROM mission WHERE id = $2)
"""
_ROWS = "SELECT count(*) FROM application WHERE mission_id = $1 AND state = $2"
_WRITTEN = """
    SELECT count(*) FROM message WHERE application_id IN (SELECT id FROM application WHERE mission_id = $1)
"""
_STEPS = """
    SELECT count(*) FROM state_event WHERE to_state = $2
        AND object_id IN (SELECT id FROM application WHERE mission_id = $1)
"""


class Act(NamedTuple):
    """Something asked once: by whom, where, what; the row that it waits for, what it records, and how it counts."""

    token: str
    path: str
    body: Any
    mission: str
    held: tuple[str, str]
    fact: str
    state: str | None

    async def effects(self) -> int:
        """Count the applications in the state that it leads to, or the messages."""
        if self.state is None:
            return await count(_WRITTEN, UUID(self.mission))
        return await count(_ROWS, UUID(self.mission), self.state)


@pytest.fixture(scope="module")
def started(environment: dict[str, str]) -> Iterator[dict[str, Popen[bytes]]]:
    with processes(environment) as running:
        yield running


@pytest_asyncio.fixture
async def fleet(started: dict[str, Popen[bytes]], environment: dict[str, str]) -> AsyncIterator[Fleet]:
    async with fleet_of(started, environment) as made:
        yield made


async def act_of(fleet: Fleet, name: str) -> Act:
    """Prepare an application, the acceptance of one, or a message, whose state alone would not stop a second one."""
    world = fleet.world
    association, company = await world.association(), await world.company(approval="automatic")
    mission, employee = await world.mission(association), world.employee(company)
    await world.ok(employee, "GET", "/v1/me")
    if name == "apply":
        path, body = f"/v1/missions/{mission['id']}/applications", {"regime": "working_time"}
        line = ("mission", mission["id"])
        return Act(employee, path, body, mission["id"], line, "ApplicationSubmitted", "submitted")
    application = await world.application(employee, mission)
    path = f"/v1/applications/{application['id']}"
    if name == "write":
        line = ("application", application["id"])
        return Act(
            employee, f"{path}/messages", {"text": "Bonjour"}, mission["id"], line, "MessageSent", None
        )
    line = ("mission", mission["id"])
    return Act(
        association.owner, f"{path}/accept", None, mission["id"], line, "ApplicationAccepted", "accepted"
    )


async def sent(fleet: Fleet, act: Act, key: str) -> asyncio.StreamWriter:
    """Send the request over a socket of its own, and read nothing."""
    host, _, port = next(iter(fleet.started)).removeprefix("http://").partition(":")
    _, writer = await asyncio.open_connection(host, int(port))
    body = b"" if act.body is None else json.dumps(act.body, separators=(",", ":")).encode()
    head = (
        f"POST {act.path} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {act.token}\r\n"
        f"Idempotency-Key: {key}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    writer.write(head.encode() + body)
    await writer.drain()
    return writer


async def cut_before(fleet: Fleet, environment: dict[str, str], act: Act, key: str) -> None:
    """Cut the socket while the request stands in line, and let it go on."""
    async with held(environment, *act.held) as gate:
        writer = await sent(fleet, act, key)
        await until_waiting(gate, 1)
        writer.transport.abort()
        await writer.wait_closed()


async def cut_after(fleet: Fleet, environment: dict[str, str], act: Act, key: str) -> None:
    """Cut the socket once the work is committed, its answer unread."""
    writer = await sent(fleet, act, key)

    async def committed() -> bool:
        return await act.effects() == 1

    await until(committed, 10)
    writer.transport.abort()


@pytest.mark.parametrize("cut", [cut_before, cut_after])
@pytest.mark.parametrize("name", ["apply", "accept", "write"])
async def test_asked_again_under_its_key_it_happened_once(
    fleet: Fleet, environment: dict[str, str], name: str, cut: Any
) -> None:
    act, key = await act_of(fleet, name), str(uuid4())
    await cut(fleet, environment, act, key)

    again, third = [await fleet.ask(act.token, act.path, act.body, key) for _ in range(2)]

    assert again.status_code == third.status_code == (200 if name == "accept" else 201)
    assert again.content == third.content
    assert again.headers["etag"] == third.headers["etag"]
    assert third.headers.get("idempotency-replayed") == "true"
    assert cut is cut_before or again.headers.get("idempotency-replayed") == "true"
    mission = UUID(act.mission)
    assert await act.effects() == 1
    assert act.state is None or await count(_STEPS, mission, act.state) == 1
    assert await count(_FACTS, act.fact, mission) == 1

"""The log names nobody: what people send never reaches it, in the API nor the worker, even when something breaks."""

import asyncio
import io
import logging
from typing import Any
from uuid import UUID

import msgspec
import pytest
from arq.worker import Retry

from api.applications.facts import ApplicationSubmitted
from api.core import clock, log
from api.core.database import Connection, operations
from api.core.ids import new_id
from api.core.settings import Settings
from api.identity.facts import ExportAsked
from api.notifications.delivery import deliver
from tests.api.core.asking import place
from tests.make.world import World
from tests.reactions.world import happen
from workers import schedule

CANARY = "Zéphirine-Canari"
ADDRESS = "zephirine.canari@secret.example"


async def test_no_name_address_token_or_message_reaches_the_log(
    world: World, lines: io.BytesIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = await place(world)
    employee = world.employee(there.company, CANARY, email=ADDRESS)
    path = f"/v1/missions/{there.mission['id']}/applications"
    message = f"Je suis {CANARY}, écrivez à {ADDRESS}"
    await world.ok(employee, "PATCH", "/v1/me", {"given_name": CANARY})
    await world.call(employee, "POST", path, {"regime": CANARY, "message": message})
    await world.call(employee, "POST", f"{path}?{CANARY}={ADDRESS}", {"regime": "working_time"})
    await world.call(employee, "GET", f"/v1/missions/{CANARY}")
    await world.call(employee, "GET", "/v1/missions", user_agent=ADDRESS, x_request_id=f"id-{ADDRESS}")
    await world.client.post(path, content=message.encode(), headers={"Authorization": f"Bearer {employee}x"})
    await world.call(f"mls_{CANARY}".encode("ascii", "ignore").decode(), "GET", "/v1/me")

    async def broken(connection: Connection, *_: object) -> None:
        await connection.fetch("SELECT $1::text::int", f"{message} {employee}")

    async def worse(*_: object) -> None:
        raise RuntimeError(message, employee)

    statuses = []
    for fault in (broken, worse):
        with monkeypatch.context() as patch:
            patch.setattr("api.applications.queries.get_application", fault)
            body = {"regime": "working_time", "message": message}
            for key in ("", "canary-key"):
                answer = await world.call(employee, "POST", path, body, idempotency_key=key)
                statuses.append(answer.status_code)
                assert CANARY not in answer.text
    logging.getLogger("some.library").warning("sending to %s", ADDRESS)
    await world.application(employee, there.mission)

    told = lines.getvalue().decode()
    assert statuses == [422, 422, 500, 500]
    for secret in (
        CANARY,
        "Zéphirine",
        ADDRESS,
        "secret.example",
        message,
        employee,
        employee[-20:],
        there.company.admin,
    ):
        assert secret not in told
    events = [msgspec.json.decode(line) for line in told.splitlines()]
    assert {"request", "unexpected", "unbounded value", "library"} <= {event["event"] for event in events}
    assert all(event.keys() <= log.FIELDS for event in events)
    unexpected = next(event for event in events if event["event"] == "unexpected")
    assert unexpected["error"] == "RuntimeError"
    assert any("worse" in frame for frame in unexpected["frames"])
    requests = [event for event in events if event["event"] == "request"]
    assert all(event["request_id"] and event["path"].startswith(("/", "unmatched")) for event in requests)


def test_only_allowed_fields_are_kept() -> None:
    given = {"event": "request", "status": 200, "email": ADDRESS, "exc_info": RuntimeError(CANARY)}
    assert log.keep_allowed(None, "info", given) == {"event": "request", "status": 200}


async def test_no_name_address_or_message_reaches_the_log_of_the_worker(
    world: World, settings: Settings, lines: io.BytesIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = await place(world)
    employee = world.employee(there.company, CANARY, email=ADDRESS)
    message = f"Je suis {CANARY}, écrivez à {ADDRESS}"
    path = f"/v1/missions/{there.mission['id']}/applications"
    made = await world.ok(employee, "POST", path, {"regime": "working_time", "message": message})
    fact = ApplicationSubmitted(
        application_id=UUID(made["id"]),
        company_id=UUID(there.company.id),
        association_id=UUID(there.association.id),
    )
    await happen(fact, settings)
    await deliver_all(settings)
    me = UUID((await world.ok(employee, "GET", "/v1/me"))["id"])
    await world.ok(employee, "POST", "/v1/me/export")
    await happen(ExportAsked(export_id=new_id(), person_id=me), settings)

    async def broken(*_: object) -> None:
        async with operations() as connection:
            await connection.fetch("SELECT $1::text::int", message)

    async def worse(*_: object) -> int:
        raise RuntimeError(message, employee)

    monkeypatch.setattr("workers.reactions.notices.notify", broken)
    with pytest.raises(Retry):
        await happen(fact, settings)
    queue: Any = None
    entry = schedule.Entry("breaks", lambda _: 60, worse)
    running = asyncio.create_task(schedule._repeat(entry, settings, queue))
    async with asyncio.timeout(5):
        while "schedule waits" not in lines.getvalue().decode():
            await asyncio.sleep(0.01)
    running.cancel()

    told = lines.getvalue().decode()
    for secret in (CANARY, "Zéphirine", ADDRESS, "secret.example", message, employee, employee[-20:]):
        assert secret not in told
    events = [msgspec.json.decode(line) for line in told.splitlines()]
    assert {"request", "reaction", "mail", "schedule waits"} <= {event["event"] for event in events}
    assert all(event.keys() <= log.FIELDS for event in events)
    states = {(event["reaction"], event["state"]) for event in events if event["event"] == "reaction"}
    assert {
        ("tell_association_of_application", "done"),
        ("tell_association_of_application", "retry"),
        ("write_asked_export", "done"),
    } <= states


async def deliver_all(settings: Settings) -> None:
    """Send every mail that waits, as the worker would, without the pause between two of a domain."""
    quick = msgspec.structs.replace(settings, mail_domain_interval_ms=0)
    async with operations() as connection:
        waiting = [
            row["id"]
            for row in await connection.fetch(
                "SELECT id FROM mail WHERE state = 'pending' AND not_before <= now()"
            )
        ]
    assert waiting
    for mail_id in waiting:
        async with asyncio.timeout(10):
            while turn := await deliver(mail_id, quick):
                await asyncio.sleep(max(0, (turn - clock.now()).total_seconds()))

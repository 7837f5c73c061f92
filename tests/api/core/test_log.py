"""The log names nobody: what people send never reaches it, not even when something breaks."""

import io
import logging
import sys
from collections.abc import Iterator

import msgspec
import pytest
import structlog

from api.core import edge, errors, log
from api.core.database import Connection
from tests.api.core.asking import place
from tests.make.world import World

CANARY = "Zéphirine-Canari"
ADDRESS = "zephirine.canari@secret.example"


@pytest.fixture
def lines(monkeypatch: pytest.MonkeyPatch) -> Iterator[io.StringIO]:
    """What the API logs with the configuration of production."""
    captured = io.StringIO()
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    with monkeypatch.context() as patch:
        patch.setattr(sys, "stderr", captured)
        log.configure()
        for module in (edge, errors):
            # A logger that was used before keeps the configuration of that time.
            patch.setattr(module, "log", structlog.get_logger())
        yield captured
    structlog.reset_defaults()
    root.handlers[:] = handlers
    root.setLevel(level)


async def test_no_name_address_token_or_message_reaches_the_log(
    world: World, lines: io.StringIO, monkeypatch: pytest.MonkeyPatch
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

    told = lines.getvalue()
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

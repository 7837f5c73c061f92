"""What the tests of the core share: raw requests, problem documents, what is stored."""

from typing import Any, NamedTuple
from uuid import uuid4

import httpx

from api.core.database import operations
from tests.make.world import Association, Company, World

PROBLEM = "application/problem+json"
JSON = {"Content-Type": "application/json"}
_TABLES = """
    SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace ORDER BY relname
"""


class Target(NamedTuple):
    """An operation that takes a body, ready to be asked."""

    name: str
    method: str
    path: str
    headers: dict[str, str]
    body: dict[str, Any]


class Place(NamedTuple):
    """An association, a company and an employee who has arrived."""

    association: Association
    company: Company
    employee: str
    mission: dict[str, Any]


async def place(world: World) -> Place:
    """Make one of each, with a published mission."""
    association, company = await world.association(), await world.company()
    employee = world.employee(company)
    await world.ok(employee, "GET", "/v1/me")
    return Place(association, company, employee, await world.mission(association))


async def targets(world: World) -> list[Target]:
    """Give operations of every method that takes a body, each with one that it would accept."""
    there = await place(world)
    mission = there.mission["id"]
    tag = (await world.call(None, "GET", f"/v1/missions/{mission}")).headers["etag"]
    owner, employee, admin = (
        {"Authorization": f"Bearer {token}"}
        for token in (there.association.owner, there.employee, there.company.admin)
    )
    register = {
        "name": "Les amis du livre",
        "legal_form": "association",
        "purpose": "Lire ensemble.",
        "address": {"postal_code": "69007", "city": "Lyon"},
        "causes": ["education"],
        "contact_email": "contact@livre.example",
    }
    return [
        Target("registerAssociation", "POST", "/v1/associations", owner, register),
        Target(
            "createMission",
            "POST",
            "/v1/missions",
            owner,
            {"association_id": there.association.id, "title": "Une affiche"},
        ),
        Target(
            "applyToMission",
            "POST",
            f"/v1/missions/{mission}/applications",
            employee,
            {"regime": "working_time", "message": "Bonjour"},
        ),
        Target(
            "updateMission",
            "PATCH",
            f"/v1/missions/{mission}",
            owner | {"If-Match": tag},
            {"title": "Deux affiches"},
        ),
        Target("updateMe", "PATCH", "/v1/me", employee, {"given_name": "Ada"}),
        Target(
            "putPolicy",
            "PUT",
            f"/v1/companies/{there.company.id}/policy",
            admin,
            {"approval": "hr"},
        ),
    ]


def fault_of(answer: httpx.Response, *statuses: int) -> str | None:
    """Say what is wrong with a refusal; None when it is the problem document that it must be."""
    if answer.status_code not in statuses:
        return f"{answer.status_code} {answer.text[:300]}"
    if answer.headers.get("content-type") != PROBLEM:
        return f"content-type {answer.headers.get('content-type')}"
    document = answer.json()
    if document.get("status") != answer.status_code or not document.get("title"):
        return f"members {document}"
    if not str(document.get("type")).startswith("/problems/"):
        return f"type {document}"
    if document["type"] == "/problems/invalid":
        errors = document.get("errors") or [{}]
        if any(set(error) != {"pointer", "code", "detail"} or not error["detail"] for error in errors):
            return f"errors {document}"
    return None


def assert_problem(
    answer: httpx.Response, status: int, slug: str, pointer: str | None = None
) -> dict[str, Any]:
    """Assert that an answer is this problem, at this pointer where one is given."""
    assert fault_of(answer, status) is None, fault_of(answer, status)
    document: dict[str, Any] = answer.json()
    assert document["type"] == f"/problems/{slug}"
    if pointer is not None:
        assert [error["pointer"] for error in document["errors"]] == [pointer]
    return document


async def stored() -> dict[str, int]:
    """Count the rows of every table."""
    async with operations() as connection:
        tables = [row["relname"] for row in await connection.fetch(_TABLES)]
        counts = {name: f"(SELECT count(*) FROM {name})" for name in tables if name != "migration"}
        row = await connection.fetchrow(
            "SELECT " + ", ".join(f"{query} AS {name}" for name, query in counts.items())
        )
    return dict(row)


def fresh_key() -> str:
    """Give an Idempotency-Key that no other test uses."""
    return f"test-{uuid4()}"


async def send_raw(
    world: World, method: str, path: str, *headers: tuple[bytes, bytes], leaves: bool = False
) -> dict[str, Any]:
    """Send what no client library would: a path and headers as they are, or a body that never comes."""
    transport: Any = world.client._transport
    told: dict[str, Any] = {"body": b""}

    async def receive() -> dict[str, Any]:
        if leaves:
            return {"type": "http.disconnect"}
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: dict[str, Any]) -> None:
        if message["type"] == "http.response.start":
            told.update(status=message["status"], headers=message["headers"])
        else:
            told["body"] += message["body"]

    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "path": path,
        "raw_path": path.encode("utf-8", "surrogateescape"),
        "query_string": b"",
        "root_path": "",
        "scheme": "http",
        "client": ("127.0.0.1", 1),
        "server": ("maillon", 80),
        "headers": [(b"host", b"maillon"), *headers],
    }
    await transport.app(scope, receive, send)
    return told

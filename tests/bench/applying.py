"""Writes: many people applying, beside the peer; and acceptances on one mission against acceptances on many.

`python -m tests.bench.applying` runs these rows alone, on servers of their own.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from datetime import timedelta
from itertools import product
from pathlib import Path
from statistics import median
from typing import NamedTuple
from uuid import UUID, uuid4

import asyncpg
import httpx
import uvloop

from api.core.database import close_pools, open_pools
from api.core.ids import new_id
from api.core.settings import read_settings
from api.dev.stack import stack
from api.identity.service import issue_token
from tests.bench.load import Round, drive
from tests.bench.servers import GRANIAN, PEER, serving
from tests.make.clone import superuser_url

PEOPLE, MISSIONS, EACH, CLIENTS = 400, 64, 5, 16
"""Who applies, to how many missions, to how many of them each, over how many connections."""
ROUNDS, SECONDS = 9, 3.0
UNLIMITED = {"MAILLON_CALLER_LIMIT": "99999/second", "MAILLON_NETWORK_LIMIT": "99999/second"}
_PLANT = """
    INSERT INTO company (id, slug, name, siren, created_at)
    SELECT id, 'applying-' || n, 'Applying', 'applying-' || n, now()
    FROM unnest('{companies}'::uuid[]) WITH ORDINALITY AS made (id, n);
    INSERT INTO policy (id, company_id, effective_from, regimes, created_at)
    SELECT gen_random_uuid(), id, '2020-01-01', '{{working_time,personal_time}}', now()
    FROM unnest('{companies}'::uuid[]) AS made (id);
    INSERT INTO employee (id, company_id, person_id, given_name, family_name, created_at)
    SELECT gen_random_uuid(), ('{companies}'::uuid[])[1 + (row_number() OVER ()) % {clients}], person_id, 'Camille',
           'Roux', now()
    FROM person_email WHERE email LIKE 'applicant-%@bench.example';
    SET LOCAL session_replication_role = replica;
    INSERT INTO association (id, state, name, legal_form, purpose, postal_code, city, contact_email, created_at)
    VALUES ('{association}', 'verified', 'Lire', 'association', 'Lire.', '69007', 'Lyon', 'a@b.example', now());
    INSERT INTO association_member (id, association_id, person_id, role, since)
    SELECT gen_random_uuid(), '{association}', person_id, 'owner', now() FROM person_email
    WHERE email = 'keeper@bench.example';
    INSERT INTO mission (id, association_id, state, title, description, format, places, effort_minutes, regimes,
                         causes, starts_on, closes_on, created_by, created_at, published_at)
    SELECT gen_random_uuid(), '{association}', 'published', 'Refondre notre site', 'Refaire le site.', 'project',
           100000, 900, '{{working_time,personal_time}}', '{{education}}', current_date + 30, current_date + 30,
           '{association}', now(), now() FROM generate_series(1, {missions})
"""
_CLEAR = """
    SET LOCAL session_replication_role = replica;
    TRUNCATE application, outbox, idempotency_key, reservation, allowance CASCADE;
    DELETE FROM state_event WHERE object = 'application';
    UPDATE mission SET taken = 0, live = 0 WHERE association_id = '{association}'
"""
_APPLIED = """
    INSERT INTO application (id, mission_id, association_id, company_id, employee_id, person_id, applicant_name, regime,
                             legal_form, employer_approval, asked_minutes, approved_minutes, created_at, reply_due_at)
    SELECT gen_random_uuid(), ($1::uuid[])[1 + nth % cardinality($1::uuid[])], $2, company_id, id, person_id,
           'Camille Roux', 'working_time', 'service', 'approved', 900, 900, now(), now() + interval '7 days'
    FROM (SELECT *, array_position($3::uuid[], company_id) - 1 AS nth FROM employee WHERE company_id = ANY ($3)) e
    RETURNING id, mission_id, company_id
"""


class Stage(NamedTuple):
    """Who applies, by their tokens, who accepts, and what there is."""

    people: list[str]
    keeper: str
    companies: list[UUID]
    association: UUID
    missions: list[UUID]


def measure(environment: dict[str, str]) -> None:
    """Print what applying and accepting cost on a migrated database."""
    with (
        serving([sys.executable, "-m", "api.cli", "serve"], environment) as ours,
        serving([str(PEER), *GRANIAN, "tests.bench.peer.app:app"], environment) as theirs,
    ):
        uvloop.run(_measure(environment, ours, theirs))


async def _measure(environment: dict[str, str], ours: int, theirs: int) -> None:
    stage = await _plant(environment)
    connection = await asyncpg.connect(superuser_url(environment, "maillon"))
    try:
        await _check(connection, stage, ours, theirs)
        seen: dict[str, list[Round]] = {"maillon": [], "peer": [], "one": [], "many": []}
        for turn in range(ROUNDS + 1):
            rounds = {
                "maillon": await _applying(connection, stage, ours),
                "peer": await _applying(connection, stage, theirs),
                "one": await _accepting(connection, stage, ours, 1),
                "many": await _accepting(connection, stage, ours, CLIENTS),
            }
            for name, done in rounds.items():
                seen[name] += [done] if turn else []
    finally:
        await connection.close()
    print("\n| row | ratio: median (least–most) | first /s | second /s |\n|---|---|---|---|")
    _print("apply, Maillon against the peer: throughput", seen["maillon"], seen["peer"])
    _print("accept, one each against all on one mission: throughput", seen["many"], seen["one"])


def _print(name: str, ones: list[Round], others: list[Round]) -> None:
    ratios = sorted(one.per_second / other.per_second for one, other in zip(ones, others, strict=True))
    rates = [f"{median(each.per_second for each in rounds):.0f}" for rounds in (ones, others)]
    print(f"| {name} | {median(ratios):.2f} ({ratios[0]:.2f}–{ratios[-1]:.2f}) | {rates[0]} | {rates[1]} |")


async def _plant(environment: dict[str, str]) -> Stage:
    await open_pools(read_settings(environment))
    try:
        people = [
            await issue_token(f"applicant-{n}@bench.example", timedelta(hours=1)) for n in range(PEOPLE)
        ]
        keeper = await issue_token("keeper@bench.example", timedelta(hours=1))
    finally:
        await close_pools()
    companies, association = [new_id() for _ in range(CLIENTS)], new_id()
    connection = await asyncpg.connect(superuser_url(environment, "maillon"))
    try:
        made = "{" + ",".join(map(str, companies)) + "}"
        planted = _PLANT.format(companies=made, clients=CLIENTS, association=association, missions=MISSIONS)
        async with connection.transaction():
            await connection.execute(planted)
        rows = await connection.fetch("SELECT id FROM mission WHERE association_id = $1", association)
        await connection.execute("VACUUM ANALYZE")
    finally:
        await connection.close()
    return Stage(people, keeper, companies, association, [row["id"] for row in rows])


async def _clear(connection: asyncpg.Connection, stage: Stage) -> None:
    async with connection.transaction():
        await connection.execute(_CLEAR.format(association=stage.association))


async def _check(connection: asyncpg.Connection, stage: Stage, *ports: int) -> None:
    """Raise SystemExit unless all answer the same to an application, what is its own aside."""
    answers = []
    for port in ports:
        await _clear(connection, stage)
        async with httpx.AsyncClient(trust_env=False, timeout=30) as client:
            made = await client.post(
                f"http://127.0.0.1:{port}/v1/missions/{stage.missions[0]}/applications",
                json={"regime": "working_time", "message": "Bonjour"},
                headers={"Authorization": f"Bearer {stage.people[0]}", "Idempotency-Key": "one"},
            )
        facts = await connection.fetchval("SELECT array_agg(fact ORDER BY fact) FROM outbox")
        kept = await connection.fetchval("SELECT count(*) FROM idempotency_key")
        body = made.json()
        own = {name: str(body.get(name))[:10] for name in ("approval_due_at", "reply_due_at", "created_at")}
        steps = [{**step, "at": step["at"][:10]} for step in body.get("history", [])]
        answers.append((made.status_code, facts, kept, body | own | {"id": "its own", "history": steps}))
    if answers[0] != answers[1]:
        raise SystemExit(f"They answer otherwise:\n{answers[0]}\n{answers[1]}")


async def _applying(connection: asyncpg.Connection, stage: Stage, port: int) -> Round:
    await _clear(connection, stage)
    body = json.dumps({"regime": "working_time", "message": "Bonjour"}).encode()
    requests = [
        _post(port, token, f"/v1/missions/{stage.missions[(7 * nth + number) % MISSIONS]}/applications", body)
        for nth, (number, token) in product(range(EACH), enumerate(stage.people))
    ]
    return await drive(port, _shared(requests), SECONDS)


async def _accepting(connection: asyncpg.Connection, stage: Stage, port: int, missions: int) -> Round:
    """Accept everybody who applied to so many missions; each client keeps to its own where there is one for each.

    Each client accepts the people of a company of its own: no allowance is counted by two at once.
    """
    await _clear(connection, stage)
    async with connection.transaction():
        await connection.execute("SET LOCAL session_replication_role = replica")
        rows = await connection.fetch(_APPLIED, stage.missions[:missions], stage.association, stage.companies)
        await connection.execute(
            "UPDATE mission SET live = $2 WHERE id = ANY ($1)",
            stage.missions[:missions],
            len(rows) // missions,
        )
    sent: list[list[bytes]] = [[] for _ in range(CLIENTS)]
    for row in rows:
        client = stage.companies.index(row["company_id"])
        sent[client].append(_post(port, stage.keeper, f"/v1/applications/{row['id']}/accept", b""))
    return await drive(port, [iter(each) for each in sent], 60)


def _shared(requests: Sequence[bytes]) -> list[Iterator[bytes]]:
    one = iter(requests)
    return [one] * CLIENTS


def _post(port: int, token: str, path: str, body: bytes) -> bytes:
    head = (
        f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nAuthorization: Bearer {token}\r\n"
        f"Idempotency-Key: {uuid4()}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def main() -> None:
    """Measure on servers of their own."""
    folder = Path(tempfile.mkdtemp(prefix="maillon-bench-"))
    folder.chmod(0o711)
    try:
        with stack(folder) as servers:
            environment = os.environ | servers.environment | UNLIMITED
            subprocess.run([sys.executable, "-m", "migrations"], env=environment, check=True)
            measure(environment)
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()

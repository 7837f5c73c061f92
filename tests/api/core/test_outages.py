"""PostgreSQL or Redis away: an answer that says so, and service again without anybody's help."""

import asyncio
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from datetime import timedelta
from os import environ
from pathlib import Path
from typing import NamedTuple

import asyncpg
import msgspec
import pytest

from api.app import create_litestar
from api.core.check import violations
from api.core.database import Connection, close_pools, open_pools
from api.core.settings import Settings, read_settings
from api.dev.postgres import postgres
from api.identity import service as identity
from tests.api.core.asking import assert_problem, stored
from tests.make.served import served
from tests.make.world import World


class Cluster(NamedTuple):
    """A PostgreSQL of this test's own, that it may stop."""

    folder: Path
    settings: Settings


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    folder = Path(tempfile.mkdtemp(prefix="maillon-test-"))
    folder.chmod(0o711)
    try:
        with postgres(folder / "postgres", fsync=False) as server:
            given = {
                "MAILLON_DATABASE_URL": server.url("maillon_app"),
                "MAILLON_DATABASE_OPS_URL": server.url("maillon_ops"),
                "MAILLON_DATABASE_OWNER_URL": server.url("maillon_owner"),
                "MAILLON_REDIS_URL": f"redis://127.0.0.1:{closed_port()}/0",
                "MAILLON_SMTP_URL": "smtp://127.0.0.1:1",
                "MAILLON_SECRETS": "a secret of the tests that is long enough",
            }
            subprocess.run([sys.executable, "-m", "migrations"], env=environ | given, check=True)
        yield Cluster(folder / "postgres", read_settings(given))
    finally:
        shutil.rmtree(folder)


def closed_port() -> int:
    """Give a port on which nothing listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port: int = taken.getsockname()[1]
    return port


REGISTER = {
    "name": "Les amis du livre",
    "legal_form": "association",
    "purpose": "Lire ensemble.",
    "address": {"postal_code": "69007", "city": "Lyon"},
    "causes": ["education"],
    "contact_email": "contact@livre.example",
}


async def test_without_postgresql_everything_is_503_and_back_by_itself(cluster: Cluster) -> None:
    async with served(create_litestar(cluster.settings), cluster.settings) as client:
        with postgres(cluster.folder, fsync=False):
            token = await identity.issue_token("ada@exemple.example", timedelta(hours=1))
            person = {"Authorization": f"Bearer {token}"}
            answers = await asyncio.gather(*(client.get("/v1/me", headers=person) for _ in range(10)))
            assert {answer.status_code for answer in answers} == {200}
            before = await stored()

        for _ in range(2):
            for answer in (
                await client.get("/v1/missions"),
                await client.get("/v1/me", headers=person),
                await client.post("/v1/associations", json=REGISTER, headers=person),
                await client.post(
                    "/v1/associations", json=REGISTER, headers=person | {"Idempotency-Key": "away"}
                ),
            ):
                assert_problem(answer, 503, "unavailable")
                assert int(answer.headers["retry-after"]) >= 1
        ready = await client.get("/readyz")
        assert (ready.status_code, ready.json()["status"], ready.json()["parts"]["database"]) == (
            503,
            "away",
            "away",
        )
        assert ready.headers["retry-after"]
        assert (await client.get("/healthz")).status_code == 200
        assert (await client.get("/openapi.json")).status_code == 200

        with postgres(cluster.folder, fsync=False):
            # The pooled connections are dead: each is found out once, at most.
            answers = [await client.get("/v1/me", headers=person) for _ in range(12)]
            assert {answer.status_code for answer in answers} <= {200, 503}
            assert [answer.status_code for answer in answers[-2:]] == [200, 200]
            made = await client.post(
                "/v1/associations", json=REGISTER, headers=person | {"Idempotency-Key": "away"}
            )
            assert made.status_code == 201, made.text
            after = await stored()
            for name in ("association", "association_member", "idempotency_key"):
                assert after[name] == before[name] + 1, name
            assert await violations() == []


async def test_a_server_cut_in_the_middle_of_a_request_is_503(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with served(create_litestar(cluster.settings), cluster.settings) as client:
        with postgres(cluster.folder, fsync=False):
            token = await identity.issue_token("ada@exemple.example", timedelta(hours=1))
            person = {"Authorization": f"Bearer {token}"}
            before = await stored()

            async def cut(connection: Connection, *_: object) -> None:
                await connection.execute("SELECT pg_terminate_backend(pg_backend_pid())")

            with monkeypatch.context() as patch:
                patch.setattr("api.organisations.queries.get_association", cut)
                for headers in (person, person | {"Idempotency-Key": "cut"}):
                    answer = await client.post("/v1/associations", json=REGISTER, headers=headers)
                    assert_problem(answer, 503, "unavailable")
            with monkeypatch.context() as patch:
                # The work is done and its answer made: only keeping them fails.
                patch.setattr("api.core.idempotency._keep", cut)
                answer = await client.post(
                    "/v1/associations", json=REGISTER, headers=person | {"Idempotency-Key": "cut"}
                )
                assert_problem(answer, 503, "unavailable")
            assert await stored() == before
            again = await client.post(
                "/v1/associations", json=REGISTER, headers=person | {"Idempotency-Key": "cut"}
            )
            assert again.status_code == 201
            assert await violations() == []


async def test_a_full_pool_and_a_held_lock_are_503_in_seconds(world: World, settings: Settings) -> None:
    association = await world.association()
    mission = await world.mission(association, publish=False)
    other = await asyncpg.connect(settings.database_ops_url)
    try:
        async with other.transaction():
            await other.execute("SELECT FROM mission WHERE id = $1 FOR UPDATE", mission["id"])
            answer = await world.call(association.owner, "POST", f"/v1/missions/{mission['id']}/submit")
    finally:
        await other.close()
    assert_problem(answer, 503, "unavailable")
    assert (await world.ok(association.owner, "GET", f"/v1/missions/{mission['id']}"))["state"] == "draft"


async def test_without_redis_all_goes_on_and_readiness_says_so(world: World, settings: Settings) -> None:
    assert (await world.ok(None, "GET", "/readyz"))["parts"]["redis"] == "ok"
    association = await world.association()
    await close_pools()
    away = msgspec.structs.replace(settings, redis_url=f"redis://127.0.0.1:{closed_port()}/0")
    async with served(create_litestar(away), away) as client:
        ready = await client.get("/readyz")
        assert (ready.status_code, ready.json()["status"], ready.json()["parts"]["redis"]) == (
            200,
            "degraded",
            "away",
        )
        world.client = client
        mission = await world.mission(association)
        assert mission["state"] == "published"
        assert (await world.call(None, "GET", f"/v1/missions/{mission['id']}")).status_code == 200
    await open_pools(settings)

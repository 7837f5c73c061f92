"""Idempotency-Key: one effect and one answer, however often and however close together it is asked."""

import asyncio
import json
from typing import Any
from uuid import uuid4

import asyncpg
import httpx

from api.core.database import operations
from api.core.settings import Settings
from tests.api.core.asking import JSON, assert_problem, fault_of, fresh_key, place, stored
from tests.make.world import World, siren

REGISTER = {
    "name": "Les amis du livre",
    "legal_form": "association",
    "purpose": "Lire ensemble.",
    "address": {"postal_code": "69007", "city": "Lyon"},
    "causes": ["education"],
    "contact_email": "contact@livre.example",
}


async def post(world: World, token: str, path: str, body: Any, key: str | bytes) -> httpx.Response:
    """Post under a key."""
    headers: dict[str, Any] = {"Authorization": f"Bearer {token}", "Idempotency-Key": key} | JSON
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return await world.client.post(path, content=content, headers=headers)


async def test_the_same_request_gets_the_same_answer_byte_for_byte(world: World) -> None:
    association = await world.association()
    body, key = {"association_id": association.id, "title": "Une affiche"}, fresh_key()

    first = await post(world, association.owner, "/v1/missions", body, key)
    before = await stored()
    again = await post(world, association.owner, "/v1/missions", body, key)

    assert (first.status_code, again.status_code) == (201, 201)
    assert again.content == first.content
    for header in ("location", "etag", "content-type"):
        assert again.headers[header] == first.headers[header]
    assert again.headers["idempotency-replayed"] == "true"
    assert "idempotency-replayed" not in first.headers
    assert again.headers["x-request-id"] != first.headers["x-request-id"]
    assert again.headers["cache-control"] == "no-store"
    assert await stored() == before


async def test_the_kept_answer_is_of_that_time(world: World) -> None:
    association = await world.association()
    body, key = {"association_id": association.id, "title": "Une affiche"}, fresh_key()
    first = await post(world, association.owner, "/v1/missions", body, key)
    path = first.headers["location"]
    await world.ok(
        association.owner, "PATCH", path, {"title": "Deux affiches"}, if_match=first.headers["etag"]
    )
    again = await post(world, association.owner, "/v1/missions", body, key)
    assert again.json()["title"] == "Une affiche"


async def test_whoever_makes_their_own_tenant_may_carry_a_key(world: World) -> None:
    """The author of an association, or of a company, acts within walls that they are just making."""
    person, key = await world.person(), fresh_key()
    first = await post(world, person, "/v1/associations", REGISTER, key)
    again = await post(world, person, "/v1/associations", REGISTER, key)
    assert (first.status_code, first.content) == (201, again.content), first.text
    me = await world.ok(person, "GET", "/v1/me")
    assert [seat["association"] for seat in me["memberships"]] == [first.json()["id"]]

    admin, key = await world.admin(), fresh_key()
    company = {
        "slug": f"s-{key[-12:]}",
        "name": "S",
        "siren": siren(5_000_000 + uuid4().int % 1_000_000),
        "admin_email": f"{key}@s.example",
    }
    made = await post(world, admin, "/v1/companies", company, key)
    assert made.status_code == 201, made.text
    assert (await post(world, admin, "/v1/companies", company, key)).content == made.content


async def test_another_body_under_the_same_key_is_refused(world: World) -> None:
    association = await world.association()
    body, key = {"association_id": association.id, "title": "Une affiche"}, fresh_key()
    await post(world, association.owner, "/v1/missions", body, key)
    before = await stored()
    for other in (body | {"title": "Deux affiches"}, b"{", b"", b" " * 1_500_000):
        answer = await post(world, association.owner, "/v1/missions", other, key)
        assert_problem(answer, 422, "idempotency-key-reused")
    assert await stored() == before


async def test_a_key_is_of_one_caller_and_one_operation(world: World) -> None:
    key, body = fresh_key(), REGISTER
    first, second = await world.person(), await world.person()
    ids = {
        (await post(world, token, "/v1/associations", body, key)).json()["id"] for token in (first, second)
    }
    assert len(ids) == 2

    there = await place(world)
    mission = await world.mission(there.association, publish=False)
    path = f"/v1/missions/{mission['id']}"
    made = await post(
        world, there.association.owner, "/v1/missions", {"association_id": there.association.id}, key
    )
    submitted = await world.call(there.association.owner, "POST", f"{path}/submit", idempotency_key=key)
    assert (made.status_code, submitted.status_code) == (201, 200)
    other = await world.mission(there.association, publish=False)
    elsewhere = await world.call(
        there.association.owner, "POST", f"/v1/missions/{other['id']}/submit", idempotency_key=key
    )
    assert_problem(elsewhere, 422, "idempotency-key-reused")


async def test_a_refusal_is_not_remembered(world: World) -> None:
    association = await world.association()
    key = fresh_key()
    mission = await world.mission(association, publish=False, title="Site")
    path = f"/v1/missions/{mission['id']}"
    refused = await world.call(association.owner, "POST", f"{path}/submit", idempotency_key=key)
    assert_problem(refused, 422, "invalid", "/title")
    tag = (await world.call(association.owner, "GET", path)).headers["etag"]
    await world.ok(association.owner, "PATCH", path, {"title": "Deux affiches"}, if_match=tag)
    accepted = await world.call(association.owner, "POST", f"{path}/submit", idempotency_key=key)
    assert (accepted.status_code, accepted.json()["state"]) == (200, "published")

    malformed = await post(world, association.owner, "/v1/missions", b"{", again := fresh_key())
    assert_problem(malformed, 400, "malformed")
    good = {"association_id": association.id, "title": "Une affiche"}
    assert (await post(world, association.owner, "/v1/missions", good, again)).status_code == 201


async def test_a_fault_of_ours_keeps_nothing(world: World, monkeypatch: Any) -> None:
    association = await world.association()
    key, body = fresh_key(), {"association_id": association.id, "title": "Une affiche"}

    async def broken(*_: object) -> None:
        raise ZeroDivisionError

    before = await stored()
    with monkeypatch.context() as patch:
        patch.setattr("api.missions.queries.get_mission", broken)
        assert_problem(await post(world, association.owner, "/v1/missions", body, key), 500, "unexpected")
    assert await stored() == before
    assert (await post(world, association.owner, "/v1/missions", body, key)).status_code == 201


async def test_the_second_of_two_at_once_is_told_that_the_first_is_under_way(
    world: World, settings: Settings
) -> None:
    association = await world.association()
    mission = await world.mission(association, publish=False)
    path, key = f"/v1/missions/{mission['id']}/submit", fresh_key()
    other = await asyncpg.connect(settings.database_ops_url)
    try:
        async with other.transaction():
            await other.execute("SELECT FROM mission WHERE id = $1 FOR UPDATE", mission["id"])
            first = asyncio.create_task(world.call(association.owner, "POST", path, idempotency_key=key))
            while not await other.fetchval("SELECT count(*) FROM pg_locks WHERE NOT granted"):
                assert not first.done(), (await first).text
                await asyncio.sleep(0.01)
            second = await world.call(association.owner, "POST", path, idempotency_key=key)
            unkeyed = await world.call(association.owner, "GET", "/v1/me")
    finally:
        await other.close()
    answered = await first
    third = await world.call(association.owner, "POST", path, idempotency_key=key)

    assert_problem(second, 409, "idempotency-in-flight")
    assert unkeyed.status_code == 200
    assert (answered.status_code, answered.json()["state"]) == (200, "published")
    assert third.content == answered.content


async def test_forty_at_once_have_one_effect(world: World) -> None:
    association = await world.association()
    body, key = {"association_id": association.id, "title": "Une affiche"}, fresh_key()
    before = await stored()

    answers = await asyncio.gather(
        *(post(world, association.owner, "/v1/missions", body, key) for _ in range(40))
    )

    statuses = {answer.status_code for answer in answers}
    assert statuses <= {201, 409}
    assert 201 in statuses
    assert len({answer.content for answer in answers if answer.status_code == 201}) == 1
    assert all(fault_of(answer, 409) is None for answer in answers if answer.status_code == 409)
    after = await stored()
    grown = {name: after[name] - before[name] for name in after if after[name] != before[name]}
    assert grown == {"mission": 1, "state_event": 1, "idempotency_key": 1, "audit_event": 1, "audit_seal": 1}
    assert (await post(world, association.owner, "/v1/missions", body, key)).status_code == 201


async def test_hostile_keys_are_refused_and_long_ones_are_kept(world: World) -> None:
    association = await world.association()
    body = {"association_id": association.id, "title": "Une affiche"}
    before = await stored()
    for key in (b"x" * 256, b"x" * 10_000, b"\xff", b"a\x00b", b"a\tb", b"\x7f", "é".encode()):
        answer = await post(world, association.owner, "/v1/missions", body, key)
        assert_problem(answer, 400, "malformed")
    assert await stored() == before
    for key in (b"x", b"'; DROP TABLE mission; --", b"%s {} $1", b"y" * 255):
        ids = {
            (await post(world, association.owner, "/v1/missions", body, key)).json()["id"] for _ in range(2)
        }
        assert len(ids) == 1, key
    ids = {(await post(world, association.owner, "/v1/missions", body, b"")).json()["id"] for _ in range(2)}
    assert len(ids) == 2


async def test_a_key_means_nothing_elsewhere_than_on_a_post_of_somebody(world: World) -> None:
    there = await place(world)
    key, me = fresh_key(), "/v1/me"
    for name in ("Ada", "Grace"):
        answer = await world.call(there.employee, "PATCH", me, {"given_name": name}, idempotency_key=key)
        assert answer.json()["given_name"] == name
    assert (await world.call(None, "GET", "/v1/missions", idempotency_key=key)).status_code == 200
    anonymous = await world.call(None, "POST", "/v1/missions", {}, idempotency_key=key)
    assert_problem(anonymous, 401, "unauthenticated")
    async with operations() as connection:
        kept = await connection.fetchval("SELECT count(*) FROM idempotency_key WHERE key LIKE '%' || $1", key)
    assert kept == 0


async def test_what_a_key_covers_is_seen_by_nobody_else(world: World, settings: Settings) -> None:
    association = await world.association()
    await post(world, association.owner, "/v1/missions", {"association_id": association.id}, fresh_key())
    connection = await asyncpg.connect(settings.database_url)
    try:
        assert await connection.fetchval("SELECT count(*) FROM idempotency_key") == 0
    finally:
        await connection.close()

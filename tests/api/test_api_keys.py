"""Keys of organisations: narrow, shown once, gone at once."""

from base64 import b64encode
from datetime import timedelta
from typing import Any

import httpx
import pytest

from api.core import clock
from api.identity.api_keys import is_key, revoke_secret, write_key
from tests.make.world import World


async def _key(world: World, token: str, organisation_id: str, *scopes: str, **given: Any) -> dict[str, Any]:
    path = f"/v1/organisations/{organisation_id}/api-keys"
    made: dict[str, Any] = await world.ok(token, "POST", path, {"name": "Tableur", "scopes": scopes} | given)
    return made


def test_a_scanner_knows_a_key_from_a_mere_text() -> None:
    key = write_key()

    assert is_key(key)
    assert len(key) == 42
    assert not any(
        is_key(text) for text in (key[:-1], key + "x", key[:-1] + "?", "mln_" + "é" * 38, "", "mls_x")
    )
    assert not is_key(key[:8] + ("a" if key[8] != "a" else "b") + key[9:])


async def test_a_key_reads_what_its_scopes_say_and_nothing_else(world: World) -> None:
    company = await world.company()
    key = (await _key(world, company.admin, company.id, "ledger:read"))["key"]
    base = f"/v1/companies/{company.id}"

    assert (await world.call(key, "GET", f"{base}/ledger")).status_code == 200
    for other in (f"{base}/employees", f"{base}/hours", f"{base}/policy", "/v1/me", base):
        assert (await world.call(key, "GET", other)).status_code == 403
    assert (
        await world.call(
            key, "POST", f"/v1/organisations/{company.id}/api-keys", {"name": "x", "scopes": ["hours:read"]}
        )
    ).status_code == 403
    assert (await world.call(key, "GET", "/v1/missions")).status_code == 200


async def test_a_key_is_a_basic_user_name_too(world: World, client: httpx.AsyncClient) -> None:
    company = await world.company()
    key = (await _key(world, company.admin, company.id, "reports:read"))["key"]
    today = clock.today("Europe/Paris")
    path = f"/v1/companies/{company.id}/reports/engagement?from={today}&to={today}"

    async def ask(user: str) -> int:
        basic = b64encode(user.encode()).decode()
        return (await client.get(path, headers={"Authorization": f"Basic {basic}"})).status_code

    assert await ask(f"{key}:") == 200
    assert await ask(f"{key}:anything") == 200
    assert await ask(f"{key[:-1]}:") == 401
    assert await ask(f"{company.admin}:") == 401


async def test_another_companys_key_sees_nothing(world: World) -> None:
    mine, other = await world.company(), await world.company()
    key = (await _key(world, other.admin, other.id, "ledger:read", "employees:read"))["key"]

    for path in ("ledger", "employees"):
        assert (await world.call(key, "GET", f"/v1/companies/{mine.id}/{path}")).status_code == 404


async def test_an_associations_key_does_a_coordinators_work(world: World) -> None:
    association, company = await world.association(), await world.company(approval="automatic")
    scopes = ("missions:write", "applications:read", "applications:write", "hours:write")
    key = (await _key(world, association.owner, association.id, *scopes))["key"]
    mission = await world.mission(association._replace(owner=key))
    employee = world.employee(company)
    application = await world.application(employee, mission)
    await world.ok(key, "POST", f"/v1/applications/{application['id']}/accept", idempotency_key="une-fois")
    day = clock.today("Europe/Paris").isoformat()
    path = f"/v1/applications/{application['id']}/hours"
    entry = await world.ok(employee, "POST", path, {"worked_on": day, "minutes": 30})

    confirmed = await world.ok(key, "POST", f"/v1/hours/{entry['id']}/confirm")

    listed = await world.ok(association.owner, "GET", f"/v1/organisations/{association.id}/api-keys")
    assert confirmed["state"] == "approved"
    assert confirmed["confirmed_by"] == listed["items"][0]["id"]


async def test_a_key_is_shown_once_and_its_last_use_is_known(world: World) -> None:
    company = await world.company()
    made = await _key(world, company.admin, company.id, "ledger:read")
    await world.ok(made["key"], "GET", f"/v1/companies/{company.id}/ledger")

    (listed,) = (await world.ok(company.admin, "GET", f"/v1/organisations/{company.id}/api-keys"))["items"]

    assert "key" not in listed
    assert listed["last_used_at"]
    assert listed["scopes"] == ["ledger:read"]


@pytest.mark.parametrize("by", ["its owner", "its text"])
async def test_a_revoked_key_opens_nothing_any_more(world: World, by: str) -> None:
    company = await world.company()
    made = await _key(world, company.admin, company.id, "ledger:read")
    ledger = f"/v1/companies/{company.id}/ledger"
    await world.ok(made["key"], "GET", ledger)

    if by == "its owner":
        path = f"/v1/organisations/{company.id}/api-keys/{made['id']}"
        assert (await world.call(company.admin, "DELETE", path)).status_code == 204
    else:
        await revoke_secret(made["key"])

    assert (await world.call(made["key"], "GET", ledger)).status_code == 401


async def test_a_leaked_session_token_is_revoked_by_its_text(world: World) -> None:
    person = await world.person()
    await world.ok(person, "GET", "/v1/me")

    await revoke_secret(person)

    assert (await world.call(person, "GET", "/v1/me")).status_code == 401


async def test_a_key_lives_a_year_at_most_and_ends_by_itself(world: World) -> None:
    company = await world.company()
    path = f"/v1/organisations/{company.id}/api-keys"
    now = clock.now()

    for expires_at in (now + timedelta(days=400), now - timedelta(days=1)):
        body = {"name": "x", "scopes": ["ledger:read"], "expires_at": expires_at.isoformat()}
        answer = await world.call(company.admin, "POST", path, body)
        assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/expires_at")
    soon = (now + timedelta(days=2)).isoformat()
    key = (await _key(world, company.admin, company.id, "ledger:read", expires_at=soon))["key"]
    with clock.at(now + timedelta(days=3)):
        assert (await world.call(key, "GET", f"/v1/companies/{company.id}/ledger")).status_code == 401


async def test_only_an_owner_or_an_administrator_makes_keys(world: World) -> None:
    association, company = await world.association(), await world.company()
    body = {"name": "x", "scopes": ["missions:read"]}
    stranger, employee = await world.person(), world.employee(company)

    for token, organisation, status in (
        (stranger, association.id, 403),
        (stranger, company.id, 404),
        (employee, company.id, 403),
        (association.owner, company.id, 404),
    ):
        path = f"/v1/organisations/{organisation}/api-keys"
        assert (await world.call(token, "POST", path, body)).status_code == status
        assert (await world.call(token, "GET", path)).status_code == status

"""Tokens of a company's own provider: what holds, and what never does."""

import hmac
import json
import time
from base64 import urlsafe_b64encode
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, RSAKey

from api.core import clock
from api.dev.issuer import AUDIENCE, issuer, signing_key
from tests.make.world import Company, World

STRANGER = ECKey.generate_key("P-256", {"kid": "development"}, auto_kid=False)
Forge = Callable[[World, Company], str]


def _claims(company: Company, **changed: Any) -> dict[str, Any]:
    now = int(time.time())
    claims = {
        "iss": company.issuer,
        "aud": AUDIENCE,
        "sub": "camille",
        "iat": now,
        "exp": now + 600,
    } | changed
    return {name: value for name, value in claims.items() if value is not None}


def _signed(world: World, company: Company, header: dict[str, str] | None = None, **changed: Any) -> str:
    return jwt.encode(
        {"alg": "ES256", "kid": "development"} | (header or {}), _claims(company, **changed), world.key
    )


def _by_hand(company: Company, header: dict[str, str], secret: bytes | None) -> str:
    """Write a token that no library agrees to make."""
    parts = (urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=") for part in (header, _claims(company)))
    signed = b".".join(parts)
    signature = hmac.digest(secret, signed, "sha256") if secret else b""
    return (signed + b"." + urlsafe_b64encode(signature).rstrip(b"=")).decode()


def _unsigned(_: World, company: Company) -> str:
    return _by_hand(company, {"alg": "none"}, None)


def _with_the_public_key_as_secret(world: World, company: Company) -> str:
    return _by_hand(company, {"alg": "HS256", "kid": "development"}, world.key.as_pem(private=False))


FORGERIES: dict[str, Forge] = {
    "another key": lambda _, company: jwt.encode(
        {"alg": "ES256", "kid": "development"}, _claims(company), STRANGER
    ),
    "a key of another kind": lambda _, company: jwt.encode(
        {"alg": "RS256", "kid": "development"}, _claims(company), RSAKey.generate_key(2048)
    ),
    "no signature": _unsigned,
    "the public key as a secret": _with_the_public_key_as_secret,
    "an issuer nobody registered": lambda world, company: _signed(
        world, company, iss="https://ailleurs.example"
    ),
    "another audience": lambda world, company: _signed(world, company, aud="autre"),
    "no audience": lambda world, company: _signed(world, company, aud=None),
    "past": lambda world, company: _signed(world, company, exp=int(time.time()) - 120),
    "no end": lambda world, company: _signed(world, company, exp=None),
    "not yet": lambda world, company: _signed(world, company, nbf=int(time.time()) + 600),
    "nobody": lambda world, company: _signed(world, company, sub=""),
    "no subject": lambda world, company: _signed(world, company, sub=None),
    "an endless subject": lambda world, company: _signed(world, company, sub="x" * 5000),
    "a subject with NUL": lambda world, company: _signed(world, company, sub="a\x00b"),
    "a subject that is no text": lambda world, company: _signed(world, company, sub=7),
    "an issuer that is no text": lambda world, company: _signed(world, company, iss=["a"]),
    "garbage": lambda _, __: "a.b.c",
    "four parts": lambda world, company: _signed(world, company) + ".x",
}


@pytest.mark.parametrize("forge", FORGERIES.values(), ids=FORGERIES.keys())
async def test_a_token_that_does_not_hold_opens_nothing(world: World, forge: Forge) -> None:
    company = await world.company()

    answer = await world.call(forge(world, company), "GET", "/v1/me")

    assert (answer.status_code, answer.json()["type"]) == (401, "/problems/unauthenticated")
    assert answer.headers["www-authenticate"] == 'Bearer realm="maillon", error="invalid_token"'
    people = await world.ok(company.admin, "GET", f"/v1/companies/{company.id}/employees")
    assert len(people["items"]) == 1


async def test_a_first_token_makes_an_employee_and_the_next_finds_them(world: World) -> None:
    company = await world.company()
    token = _signed(
        world,
        company,
        given_name="Zoé",
        family_name="N’Guyen",
        email="Zoe@Entreprise.example",
        locale="en-GB",
    )

    first, second = [await world.ok(token, "GET", "/v1/me") for _ in range(2)]

    assert first == second
    assert (first["given_name"], first["family_name"], first["language"]) == ("Zoé", "N’Guyen", "en")
    people = await world.ok(company.admin, "GET", f"/v1/companies/{company.id}/employees")
    (employee,) = [each for each in people["items"] if each["given_name"] == "Zoé"]
    assert (employee["roles"], employee["email"]) == (["employee"], "zoe@entreprise.example")


async def test_nobody_arrives_where_the_policy_says_no(world: World) -> None:
    company = await world.company(just_in_time=False)

    assert (await world.call(world.employee(company), "GET", "/v1/me")).status_code == 401


async def test_roles_come_from_the_mapped_claim(world: World) -> None:
    company = await world.company()
    address = f"{company.issuer}/groupes"
    provider = {
        "issuer": address,
        "audience": AUDIENCE,
        "role_claim": {"claim": "groups", "map": {"RH": "hr"}},
    }
    await world.ok(company.admin, "POST", f"/v1/companies/{company.id}/identity-providers", provider)
    token = _signed(world, company, iss=address, sub="rh", groups=["RH", "Tennis"])

    me = await world.ok(token, "GET", "/v1/me")

    assert me["employments"][0]["roles"] == ["employee", "hr"]
    assert (await world.call(token, "GET", f"/v1/companies/{company.id}/ledger")).status_code == 200


async def test_keys_that_cannot_be_had_are_a_503(world: World) -> None:
    company = await world.company()
    provider = {"issuer": "http://127.0.0.1:9/nulle-part", "audience": company.id}
    await world.ok(company.admin, "POST", f"/v1/companies/{company.id}/identity-providers", provider)

    answer = await world.call(
        _signed(world, company, iss=provider["issuer"], aud=company.id), "GET", "/v1/me"
    )

    assert (answer.status_code, answer.json()["type"]) == (503, "/problems/unavailable")
    assert answer.headers["retry-after"]


async def test_another_companys_people_see_nothing(world: World) -> None:
    mine, other = await world.company(), await world.company()
    employee = world.employee(mine)
    mission = await world.mission(await world.association())
    path = f"/v1/applications/{(await world.application(employee, mission))['id']}"

    assert (await world.call(mine.admin, "GET", path)).status_code == 200
    assert (await world.call(other.admin, "GET", path)).status_code == 404
    assert (await world.call(other.admin, "GET", f"/v1/companies/{mine.id}")).status_code == 404
    assert (await world.call(other.admin, "GET", f"/v1/companies/{mine.id}/employees")).status_code == 404


async def test_an_employer_sees_nothing_of_personal_time(world: World) -> None:
    association, company = await world.association(), await world.company()
    employee, application = await world.engagement(association, company, "personal_time")
    path = f"/v1/applications/{application['id']}"
    day = clock.today("Europe/Paris").isoformat()
    entry = await world.ok(employee, "POST", f"{path}/hours", {"worked_on": day, "minutes": 60})
    confirmed = await world.ok(association.owner, "POST", f"/v1/hours/{entry['id']}/confirm")
    base = f"/v1/companies/{company.id}"

    assert (confirmed["state"], application["employer_approval"]) == ("approved", "not_required")
    for hidden in (path, f"{path}/hours", f"/v1/hours/{entry['id']}"):
        assert (await world.call(company.admin, "GET", hidden)).status_code == 404
    for act in (f"{path}/approve", f"/v1/hours/{entry['id']}/approve"):
        assert (await world.call(company.admin, "POST", act)).status_code == 404
    for listed in ("applications", "hours", "ledger"):
        assert (await world.ok(company.admin, "GET", f"{base}/{listed}"))["items"] == []
    report = await world.ok(company.admin, "GET", f"{base}/reports/engagement?from={day}&to={day}")
    assert report["rows"] == report["totals"] == []


async def test_the_message_and_the_address_go_to_whom_they_concern(world: World) -> None:
    association, company = await world.association(), await world.company()
    employee = world.employee(company)
    path = f"/v1/applications/{(await world.application(employee, await world.mission(association)))['id']}"

    applied = await world.ok(association.owner, "GET", path)
    await world.ok(association.owner, "POST", f"{path}/accept")
    waiting = await world.ok(association.owner, "GET", path)
    asked = await world.ok(company.admin, "GET", path)
    await world.ok(company.admin, "POST", f"{path}/approve")
    agreed = await world.ok(association.owner, "GET", path)

    assert (applied["message"], asked["message"]) == ("Bonjour", None)
    assert [seen["person"]["email"] for seen in (applied, waiting, asked)] == [None, None, None]
    assert agreed["person"]["email"].endswith("@entreprise.example")


async def test_a_company_cannot_bring_its_own_keys_to_anothers_issuer(world: World, tmp_path: Path) -> None:
    victim, pirate = await world.company(), await world.company()
    real = _signed(world, victim)
    camille = await world.ok(real, "GET", "/v1/me")
    with issuer(tmp_path) as address:
        provider = {
            "issuer": victim.issuer,
            "audience": "aaa",
            "jwks_url": f"{address}/.well-known/jwks.json",
        }
        await world.ok(pirate.admin, "POST", f"/v1/companies/{pirate.id}/identity-providers", provider)
        header = {"alg": "ES256", "kid": "development"}
        forged = jwt.encode(header, _claims(victim), signing_key(tmp_path))
        own = jwt.encode(header, _claims(victim, aud="aaa"), signing_key(tmp_path))

        assert (await world.call(forged, "GET", "/v1/me")).status_code == 401
        stranger = await world.ok(own, "GET", "/v1/me")

    assert stranger["id"] != camille["id"]
    assert [job["company"] for job in stranger["employments"]] == [pirate.id]
    assert await world.ok(real, "GET", "/v1/me") == camille


async def test_a_role_claim_of_any_shape_gives_no_role(world: World) -> None:
    company = await world.company()
    address = f"{company.issuer}/formes"
    provider = {
        "issuer": address,
        "audience": AUDIENCE,
        "role_claim": {"claim": "groups", "map": {"RH": "hr"}},
    }
    await world.ok(company.admin, "POST", f"/v1/companies/{company.id}/identity-providers", provider)

    for groups in ({"x": 1}, [{"x": 1}], 7, None, [["RH"]]):
        me = await world.ok(_signed(world, company, iss=address, sub="rh", groups=groups), "GET", "/v1/me")
        assert me["employments"][0]["roles"] == ["employee"]

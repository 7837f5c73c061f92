"""A provider that lies, errs or dawdles: nothing opens, nothing breaks, and its administrator learns why."""

import hmac
import json
import time
from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from joserfc import jwt
from joserfc.jwk import ECKey

from api.identity import keys
from tests.api.test_company_login import begin, come_back, cookies, register
from tests.make.misbehaving import Misbehaving, misbehaving_provider
from tests.make.world import Company, World

STRANGER = ECKey.generate_key("P-256", {"kid": "own", "use": "sig"}, auto_kid=False)
Lie = Callable[[Misbehaving, dict[str, Any]], str]


@pytest.fixture
def provider() -> Iterator[Misbehaving]:
    with misbehaving_provider() as running:
        yield running


def signed(provider: Misbehaving, claims: dict[str, Any], key: ECKey | None = None, **headers: str) -> str:
    return jwt.encode({"alg": "ES256", "kid": "own"} | headers, claims, key or provider.key)


def by_hand(header: dict[str, str], claims: dict[str, Any], secret: bytes | None) -> str:
    parts = (urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=") for part in (header, claims))
    text = b".".join(parts)
    signature = hmac.digest(secret, text, "sha256") if secret else b""
    return (text + b"." + urlsafe_b64encode(signature).rstrip(b"=")).decode()


def but(**changed: Any) -> Lie:
    """Lie in the claims alone; None leaves one out."""

    def lie(provider: Misbehaving, claims: dict[str, Any]) -> str:
        told = {name: value for name, value in (claims | changed).items() if value is not None}
        return signed(provider, told)

    return lie


NOW = int(time.time())
LIES: dict[str, Lie] = {
    "no signature": lambda _, claims: by_hand({"alg": "none"}, claims, None),
    "the public key as a secret": lambda provider, claims: by_hand(
        {"alg": "HS256", "kid": "own"}, claims, provider.key.as_pem(private=False)
    ),
    "the client secret as a key": lambda _, claims: by_hand({"alg": "HS256"}, claims, b"x" * 32),
    "another key": lambda provider, claims: signed(provider, claims, STRANGER),
    "its own key in the header": lambda provider, claims: jwt.encode(
        {"alg": "ES256", "kid": "own", "jwk": STRANGER.as_dict(private=False)}, claims, STRANGER
    ),
    "a jku of its own": lambda provider, claims: signed(
        provider, claims, STRANGER, jku=f"{provider.issuer}/elsewhere"
    ),
    "an x5u of its own": lambda provider, claims: signed(
        provider, claims, STRANGER, x5u=f"{provider.issuer}/elsewhere"
    ),
    "another issuer": but(iss="https://ailleurs.example"),
    "no issuer": but(iss=None),
    "another audience": but(aud="autre"),
    "no audience": but(aud=None),
    "two audiences and no party": but(aud=["maillon", "autre"]),
    "made for another party": but(azp="autre"),
    "two audiences and another party": but(aud=["maillon", "autre"], azp="autre"),
    "expired": but(exp=NOW - 120),
    "no end": but(exp=None),
    "issued tomorrow": but(iat=NOW + 86_400),
    "issued yesterday": but(iat=NOW - 86_400),
    "no issue": but(iat=None),
    "not yet": but(nbf=NOW + 86_400),
    "no nonce": but(nonce=None),
    "another nonce": but(nonce="x" * 43),
    "nobody": but(sub=""),
    "no subject": but(sub=None),
    "a subject without end": but(sub="x" * 5000),
    "a subject that is no text": but(sub=7),
    "an access token": lambda provider, claims: signed(provider, claims, typ="at+jwt"),
    "no token": lambda _, __: "a.b.c",
    "garbage": lambda _, __: "x",
}


def soon() -> int:
    """Give an end that a token of today has, however long ago this file was read."""
    return int(time.time()) + 600


async def returned(world: World, company: Company, provider: Misbehaving, lie: Lie | None) -> httpx.Response:
    """Sign in at a provider whose ID token lies, or not."""
    begun = await begin(world, company)
    question = {
        name: values[0] for name, values in parse_qs(urlsplit(begun.headers["location"]).query).items()
    }
    claims = {
        "iss": provider.issuer,
        "aud": "maillon",
        "sub": "camille",
        "iat": int(time.time()),
        "exp": int(time.time()) + 60,
        "nonce": question["nonce"],
    }
    text = (lie or but())(provider, claims)
    if "/token" not in provider.answers or lie is not None:
        provider.says("/token", {"id_token": text, "access_token": "opaque", "token_type": "Bearer"})
    back = f"/v1/auth/callback?code=c&state={question['state']}"
    return await come_back(world, back, cookies(begun))


@pytest.mark.parametrize("lie", LIES.values(), ids=LIES.keys())
async def test_an_id_token_that_lies_opens_nothing(world: World, provider: Misbehaving, lie: Lie) -> None:
    company = await world.company()
    await register(world, company, provider.issuer)

    answer = await returned(world, company, provider, lie)

    assert (answer.status_code, answer.json()["type"]) == (403, "/problems/login-refused")
    assert "set-cookie" not in answer.headers
    assert "/elsewhere" not in provider.asked
    people = await world.ok(company.admin, "GET", f"/v1/companies/{company.id}/employees")
    assert len(people["items"]) == 1


async def test_the_same_provider_opens_when_it_tells_the_truth(world: World, provider: Misbehaving) -> None:
    company = await world.company()
    await register(world, company, provider.issuer)

    answer = await returned(world, company, provider, but())

    assert (answer.status_code, answer.headers["location"]) == (302, "/")


@pytest.mark.parametrize(
    ("told", "status"),
    [
        ((400, b'{"error": "invalid_grant"}'), 403),
        ((500, b""), 503),
        ((302, b""), 503),
        ((200, b"not json"), 503),
        ((200, b"[]"), 503),
        ((200, b"{}"), 503),
        ((200, b"x" * 300_000), 503),
    ],
)
async def test_a_token_endpoint_that_errs_is_told_apart(
    world: World, provider: Misbehaving, told: tuple[int, bytes], status: int
) -> None:
    company = await world.company()
    await register(world, company, provider.issuer)
    provider.says("/token", told[1], told[0], Location=f"{provider.issuer}/elsewhere")

    answer = await returned(world, company, provider, None)

    assert answer.status_code == status
    assert "/elsewhere" not in provider.asked


async def test_userinfo_that_speaks_of_somebody_else_opens_nothing(
    world: World, provider: Misbehaving
) -> None:
    company = await world.company()
    await register(world, company, provider.issuer)
    metadata = provider.metadata(userinfo_endpoint=f"{provider.issuer}/userinfo")
    provider.says("/.well-known/openid-configuration", metadata)
    provider.says("/userinfo", {"sub": "sofia", "given_name": "Sofia"})

    answer = await returned(world, company, provider, but())

    assert (answer.status_code, answer.json()["type"]) == (403, "/problems/login-refused")


def _another_issuer(provider: Misbehaving) -> None:
    provider.says("/.well-known/openid-configuration", provider.metadata(issuer="https://ailleurs.example"))


def _redirecting(provider: Misbehaving) -> None:
    provider.says("/.well-known/openid-configuration", b"", 302, Location=f"{provider.issuer}/elsewhere")


def _huge(provider: Misbehaving) -> None:
    provider.says("/jwks", b'{"keys": [' + b" " * 300_000 + b"]}")


def _slow(provider: Misbehaving) -> None:
    provider.dawdles("/jwks", 7)


def _keys_inside(provider: Misbehaving) -> None:
    provider.says("/jwks", b"", 302, Location="http://169.254.169.254/latest/meta-data")


def _secret_keys(provider: Misbehaving) -> None:
    provider.says("/jwks", {"keys": [{"kty": "oct", "k": "c2VjcmV0LXNlY3JldC1zZWNyZXQ", "kid": "own"}]})


def _no_json(provider: Misbehaving) -> None:
    provider.says("/.well-known/openid-configuration", b"<html>")


@pytest.mark.parametrize(
    ("misbehave", "part", "code"),
    [
        (_another_issuer, "discovery", "other-issuer"),
        (_redirecting, "discovery", "refused"),
        (_no_json, "discovery", "unreadable"),
        (_huge, "keys", "unreadable"),
        (_slow, "keys", "unreachable"),
        (_keys_inside, "keys", "refused"),
        (_secret_keys, "keys", "no-key"),
    ],
)
async def test_its_administrator_learns_what_is_wrong_and_nobody_gets_in(
    world: World, provider: Misbehaving, misbehave: Callable[[Misbehaving], None], part: str, code: str
) -> None:
    company = await world.company()
    made = await register(world, company, provider.issuer)
    misbehave(provider)

    path = f"/v1/companies/{company.id}/identity-providers/{made['id']}/check"
    checked = await world.ok(company.admin, "POST", path, {})

    assert (checked[part]["ok"], checked[part]["code"]) == (False, code)
    assert checked[part]["detail"]
    claims = {"iss": provider.issuer, "aud": f"intranet-{company.id}", "sub": "camille", "exp": soon()}
    bearer = await world.call(signed(provider, claims), "GET", "/v1/me")
    assert bearer.status_code == (401 if part == "keys" and code == "no-key" else 503)


async def test_a_sample_token_is_tried_and_not_kept(world: World, provider: Misbehaving) -> None:
    company = await world.company()
    mapping = {"claim": "groups", "map": {"RH": "hr"}}
    key = {"claim": "oid", "scim": "externalId"}
    made = await register(world, company, provider.issuer, role_claim=mapping, employee_key=key)
    path = f"/v1/companies/{company.id}/identity-providers/{made['id']}/check"
    good = {
        "iss": provider.issuer,
        "aud": f"intranet-{company.id}",
        "sub": "camille",
        "exp": soon(),
        "groups": ["RH", "autre"],
        "oid": "e-1",
    }

    async def check(token: str) -> Any:
        return (await world.ok(company.admin, "POST", path, {"token": token}))["token"]

    tried = await check(signed(provider, good))
    assert (tried["ok"], tried["subject"], tried["roles"], tried["employee_id"]) == (
        True,
        "camille",
        ["hr"],
        None,
    )
    for token, code in (
        (signed(provider, good | {"exp": NOW - 600}), "expired"),
        (signed(provider, good | {"aud": "autre"}), "other-claim"),
        (signed(provider, good, STRANGER), "bad-signature"),
        (signed(provider, {name: good[name] for name in good if name != "oid"}), "no-key-claim"),
        ("x", "bad-signature"),
    ):
        assert (await check(token))["code"] == code
    people = await world.ok(company.admin, "GET", f"/v1/companies/{company.id}/employees")
    assert len(people["items"]) == 1
    refused = await world.call(world.employee(company), "POST", path, {})
    assert refused.status_code == 403


async def test_unknown_keys_are_asked_for_once_in_ten_seconds(
    world: World, provider: Misbehaving, monkeypatch: pytest.MonkeyPatch
) -> None:
    company = await world.company()
    await register(world, company, provider.issuer)
    claims = {"iss": provider.issuer, "aud": f"intranet-{company.id}", "sub": "camille", "exp": soon()}
    assert (await world.call(signed(provider, claims), "GET", "/v1/me")).status_code == 200
    provider.key = ECKey.generate_key("P-256", {"kid": "next", "use": "sig"}, auto_kid=False)
    provider.behaves()
    rotated = jwt.encode({"alg": "ES256", "kid": "next"}, claims, provider.key)
    assert (await world.call(rotated, "GET", "/v1/me")).status_code == 200

    for number in range(20):
        made_up = jwt.encode({"alg": "ES256", "kid": f"made-up-{number}"}, claims, STRANGER)
        assert (await world.call(made_up, "GET", "/v1/me")).status_code == 401

    assert provider.asked.count("/jwks") == 1
    monkeypatch.setattr(keys, "FLOOR", 0.0)
    assert (await world.call(made_up, "GET", "/v1/me")).status_code == 401
    assert provider.asked.count("/jwks") == 2

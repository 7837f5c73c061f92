"""Signing in by pages at a real OpenID provider: code, PKCE, nonce, `iss`, our cookie, and the way back."""

import re
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any, NamedTuple
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from structlog.testing import capture_logs

from api.core import signing
from api.core.settings import Settings
from api.dev.processes import free_port
from api.identity.providers import reseal_client_secrets
from tests.make.provider import openid_provider, sign_in_at_provider
from tests.make.world import Company, World

CLIENT = {
    "client_id": "maillon",
    "client_secret": "un-secret-de-développement-assez-long".encode().hex(),
    "redirect_uris": ["http://127.0.0.1:8000/v1/auth/callback"],
}
PUBLIC = {
    "client_id": "maillon-public",
    "token_endpoint_auth_method": "none",
    "redirect_uris": CLIENT["redirect_uris"],
}
PEOPLE = {
    "camille": {
        "given_name": "Camille",
        "family_name": "Roux",
        "email": "camille@garonne.example",
        "oid": "e-1",
        "groups": ["RH"],
    },
    "sofia": {"given_name": "Sofia", "family_name": "Diallo", "email": "sofia@garonne.example", "oid": "e-2"},
}
_KEPT = re.compile(r"(?P<name>__Host-[^=]+)=(?P<value>[^;]*)(?P<rest>.*)")


class Provider(NamedTuple):
    """The running provider, and how to start it again with new keys."""

    issuer: str
    port: int
    running: ExitStack


@pytest.fixture(scope="module")
def provider() -> Iterator[Provider]:
    port = free_port()
    with ExitStack() as running:
        issuer = running.enter_context(openid_provider(port, [CLIENT, PUBLIC], PEOPLE))
        yield Provider(issuer, port, running)


def cookies(answer: httpx.Response) -> dict[str, str]:
    """Read the cookies set, each as a browser must keep it: secure, of the host, out of scripts' reach."""
    kept = {}
    for header in answer.headers.get_list("set-cookie"):
        found = _KEPT.fullmatch(header)
        assert found, header
        assert {part.strip().lower().partition("=")[0] for part in found["rest"].split(";") if part} >= {
            "secure",
            "httponly",
            "path",
            "samesite",
        }
        assert "domain" not in found["rest"].lower()
        kept[found["name"]] = found["value"].strip('"')
    return kept


def header(kept: dict[str, str]) -> str:
    return "; ".join(f"{name}={value}" for name, value in kept.items())


async def register(world: World, company: Company, issuer: str, **fields: Any) -> dict[str, Any]:
    body = {"issuer": issuer, "audience": f"intranet-{company.id}", "client_id": CLIENT["client_id"]}
    made: dict[str, Any] = await world.ok(
        company.admin,
        "POST",
        f"/v1/companies/{company.id}/identity-providers",
        body | {"client_secret": CLIENT["client_secret"]} | fields,
    )
    return made


async def slug(world: World, company: Company) -> str:
    return str((await world.ok(company.admin, "GET", f"/v1/companies/{company.id}"))["slug"])


async def begin(world: World, company: Company, return_to: str = "/", **headers: str) -> httpx.Response:
    path = f"/v1/auth/companies/{await slug(world, company)}/login"
    return await world.client.get(path, params={"return_to": return_to}, headers=headers)


async def come_back(world: World, place: str, kept: dict[str, str]) -> httpx.Response:
    parts = urlsplit(place)
    return await world.client.get(f"{parts.path}?{parts.query}", headers={"Cookie": header(kept)})


async def sign_in(
    world: World, company: Company, login: str = "camille", return_to: str = "/"
) -> dict[str, str]:
    """Sign in as a person does; gives the cookies that the browser holds in the end."""
    begun = await begin(world, company, return_to)
    assert begun.status_code == 302, begun.text
    kept = cookies(begun)
    back = await come_back(world, await sign_in_at_provider(begun.headers["location"], login), kept)
    assert (back.status_code, back.headers.get("location")) == (302, return_to), back.text
    return {name: value for name, value in (kept | cookies(back)).items() if value}


async def me(world: World, kept: dict[str, str]) -> httpx.Response:
    return await world.client.get("/v1/me", headers={"Cookie": header(kept)})


async def test_an_employee_signs_in_and_comes_back_where_they_were(world: World, provider: Provider) -> None:
    company = await world.company()
    mapping = {"claim": "groups", "map": {"RH": "hr"}}
    await register(world, company, provider.issuer, role_claim=mapping)

    kept = await sign_in(world, company, return_to="/missions?q=site%20web#haut")

    assert kept.keys() == {"__Host-maillon"}
    seen = (await me(world, kept)).json()
    assert (seen["given_name"], seen["family_name"]) == ("Camille", "Roux")
    assert [(job["company"], job["roles"]) for job in seen["employments"]] == [
        (company.id, ["employee", "hr"])
    ]
    again = (await me(world, await sign_in(world, company))).json()
    assert again["id"] == seen["id"]


async def test_a_client_without_a_secret_signs_in_by_pkce_alone(world: World, provider: Provider) -> None:
    company = await world.company()
    await register(world, company, provider.issuer, client_id=PUBLIC["client_id"], client_secret=None)

    assert (await me(world, await sign_in(world, company, "sofia"))).json()["given_name"] == "Sofia"


async def test_the_session_is_a_session_like_others(world: World, provider: Provider) -> None:
    company = await world.company()
    await register(world, company, provider.issuer)
    kept = await sign_in(world, company)
    listed = await world.client.get("/v1/auth/sessions", headers={"Cookie": header(kept)})
    assert [one["current"] for one in listed.json()["items"]] == [True]

    origin = {"Cookie": header(kept), "Origin": "http://127.0.0.1:8000"}
    ended = await world.client.delete("/v1/auth/sessions/current", headers=origin)

    assert ended.status_code == 204
    assert cookies(ended) == {"__Host-maillon": ""}
    assert (await me(world, kept)).status_code == 401


@pytest.mark.parametrize(
    "origin", [None, "https://ailleurs.example", "null", "http://127.0.0.1:8001", "http://127.0.0.1"]
)
async def test_a_cookie_writes_from_our_own_pages_alone(
    world: World, provider: Provider, origin: str | None
) -> None:
    company = await world.company()
    await register(world, company, provider.issuer)
    headers = {"Cookie": header(await sign_in(world, company))} | ({"Origin": origin} if origin else {})

    answer = await world.client.patch("/v1/me", json={"language": "en"}, headers=headers)

    assert (answer.status_code, answer.json()["type"]) == (403, "/problems/forbidden")
    own = await world.client.patch(
        "/v1/me", json={"language": "en"}, headers=headers | {"Origin": "http://127.0.0.1:8000"}
    )
    assert own.status_code == 200


@pytest.mark.parametrize(
    "place",
    [
        "//evil.example",
        "/\\evil.example",
        "https://evil.example",
        "evil",
        "",
        "/%0d%0aSet-Cookie:a",
        "/a\r\nSet-Cookie: a=b",
        "/\t/evil.example",
        "/" + "a" * 3000,
        "javascript:alert(1)",
    ],
)
async def test_the_way_back_is_a_path_of_our_own(world: World, provider: Provider, place: str) -> None:
    company = await world.company()
    await register(world, company, provider.issuer)

    answer = await begin(world, company, place)

    if place == "/%0d%0aSet-Cookie:a":  # a path like another, which is never decoded
        assert "set-cookie:a" not in str(answer.headers).lower()
    else:
        assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/return_to")


async def test_a_code_and_its_state_open_once(world: World, provider: Provider) -> None:
    company = await world.company()
    await register(world, company, provider.issuer)
    begun = await begin(world, company)
    place = await sign_in_at_provider(begun.headers["location"], "camille")
    assert (await come_back(world, place, cookies(begun))).status_code == 302

    replayed = await come_back(world, place, cookies(begun))

    assert (replayed.status_code, replayed.json()["type"]) == (403, "/problems/login-refused")


async def test_another_browsers_callback_opens_nothing(world: World, provider: Provider) -> None:
    company = await world.company()
    await register(world, company, provider.issuer)
    victim, pirate = await begin(world, company), await begin(world, company)
    place = await sign_in_at_provider(pirate.headers["location"], "sofia")

    for kept in (cookies(victim), {}):
        answer = await come_back(world, place, kept)
        assert (answer.status_code, answer.json()["type"]) == (403, "/problems/login-refused")
        assert "set-cookie" not in answer.headers


@pytest.mark.parametrize(
    "changed",
    [
        {"state": "x" * 43},
        {"iss": "https://ailleurs.example"},
        {"iss": None},
        {"code": "x" * 43},
        {"code": None},
        {"error": "access_denied", "code": None},
    ],
)
async def test_a_callback_that_was_tampered_with_opens_nothing(
    world: World, provider: Provider, changed: dict[str, str | None]
) -> None:
    company = await world.company()
    await register(world, company, provider.issuer)
    begun = await begin(world, company)
    place = await sign_in_at_provider(begun.headers["location"], "camille")
    query = {name: values[0] for name, values in parse_qs(urlsplit(place).query).items()} | changed
    sent = {name: value for name, value in query.items() if value is not None}

    answer = await world.client.get(
        "/v1/auth/callback", params=sent, headers={"Cookie": header(cookies(begun))}
    )

    assert (answer.status_code, answer.json()["type"]) == (403, "/problems/login-refused")


async def test_a_leavers_cookie_ends_and_no_sign_in_brings_them_back(
    world: World, provider: Provider
) -> None:
    company = await world.company()
    await register(world, company, provider.issuer)
    kept = await sign_in(world, company)
    job = (await me(world, kept)).json()["employments"][0]["employee_id"]
    under_way = await begin(world, company)
    place = await sign_in_at_provider(under_way.headers["location"], "camille")

    await world.ok(company.admin, "POST", f"/v1/companies/{company.id}/employees/{job}/deactivate")

    assert (await me(world, kept)).status_code == 401
    answer = await come_back(world, place, cookies(under_way))
    assert (answer.status_code, answer.json()["type"]) == (403, "/problems/login-refused")


async def test_a_provider_deleted_takes_its_sessions_with_it(world: World, provider: Provider) -> None:
    company = await world.company()
    made = await register(world, company, provider.issuer)
    kept = await sign_in(world, company)

    path = f"/v1/companies/{company.id}/identity-providers/{made['id']}"
    assert (await world.call(company.admin, "DELETE", path)).status_code == 204

    assert (await me(world, kept)).status_code == 401
    assert (await begin(world, company)).status_code == 404


async def test_the_companys_record_is_met_by_its_key_and_never_by_address(
    world: World, provider: Provider
) -> None:
    company = await world.company()
    await register(world, company, provider.issuer, employee_key={"claim": "oid", "scim": "externalId"})
    file = "external_id,given_name,email\ne-2,Sophie,\ne-9,Usurpatrice,sofia@garonne.example\ne-1,Camille,\n"
    base = f"/v1/companies/{company.id}/employees"
    await world.ok(company.admin, "POST", f"{base}/import", {"csv": file, "dry_run": False})
    ids = {one["given_name"]: one["id"] for one in (await world.ok(company.admin, "GET", base))["items"]}
    await world.ok(company.admin, "POST", f"{base}/{ids['Camille']}/deactivate")

    seen = (await me(world, await sign_in(world, company, "sofia"))).json()

    assert seen["employments"][0]["employee_id"] == ids["Sophie"]
    begun = await begin(world, company)
    place = await sign_in_at_provider(begun.headers["location"], "camille")
    refused = await come_back(world, place, cookies(begun))
    assert (refused.status_code, refused.json()["type"]) == (401, "/problems/unauthenticated")
    assert "set-cookie" not in refused.headers


async def test_a_signed_in_person_adds_the_identity_to_themselves(world: World, provider: Provider) -> None:
    company = await world.company()
    await register(world, company, provider.issuer)
    person = await world.person()
    mine = await world.ok(person, "GET", "/v1/me")
    session = (await world.ok(person, "GET", "/v1/auth/sessions"))["items"][0]["id"]
    path = f"/v1/auth/companies/{await slug(world, company)}/login?link="
    begun = await world.call(person, "GET", path + session)
    place = await sign_in_at_provider(begun.headers["location"], "camille")

    back = await come_back(world, place, cookies(begun))

    assert back.status_code == 302
    seen = (await me(world, {"__Host-maillon": cookies(back)["__Host-maillon"]})).json()
    assert (seen["id"], seen["employments"][0]["company"]) == (mine["id"], company.id)
    other = await world.person()
    other_session = (await world.ok(other, "GET", "/v1/auth/sessions"))["items"][0]["id"]
    assert (await world.call(None, "GET", path + session)).status_code == 401
    assert (await world.call(person, "GET", path + other_session)).status_code == 403
    begun = await world.call(other, "GET", path + other_session)
    place = await sign_in_at_provider(begun.headers["location"], "camille")
    taken = await come_back(world, place, cookies(begun))
    assert (taken.status_code, taken.json()["type"]) == (409, "/problems/identity-taken")


async def test_a_company_may_have_several_providers(world: World, provider: Provider) -> None:
    company, other = await world.company(), await world.company()
    await register(world, company, provider.issuer)
    second = {"audience": f"pages-{company.id}", "client_id": PUBLIC["client_id"], "client_secret": None}
    chosen = await register(world, company, provider.issuer, **second)
    foreign = await register(world, other, provider.issuer)
    path = f"/v1/auth/companies/{await slug(world, company)}/login?provider="

    asked = [await world.client.get(path + each["id"]) for each in (chosen, foreign)]

    assert parse_qs(urlsplit(asked[0].headers["location"]).query)["client_id"] == [PUBLIC["client_id"]]
    place = await sign_in_at_provider(asked[0].headers["location"], "sofia")
    back = await come_back(world, place, cookies(asked[0]))
    session = {"__Host-maillon": cookies(back)["__Host-maillon"]}
    assert (await me(world, session)).json()["employments"][0]["company"] == company.id
    assert asked[1].status_code == 404


async def test_a_secret_sealed_by_an_older_one_of_ours_is_sealed_anew(
    world: World, provider: Provider, settings: Settings
) -> None:
    company = await world.company()
    await register(world, company, provider.issuer)
    newer = ("n" * 40, *settings.secrets)
    try:
        signing.trust(newer)
        assert await reseal_client_secrets() >= 1
        assert await reseal_client_secrets() == 0
        signing.trust(newer[:1])  # the older one is dropped
        assert (await me(world, await sign_in(world, company))).status_code == 200
        signing.trust((*settings.secrets, newer[0]))
        assert await reseal_client_secrets() >= 1
    finally:
        signing.trust(settings.secrets)


async def test_a_secret_that_none_of_ours_opens_is_said_to_the_operator_alone(
    world: World, provider: Provider, settings: Settings
) -> None:
    company = await world.company()
    await register(world, company, provider.issuer)
    try:
        signing.trust(("n" * 40,))
        with capture_logs() as logged:
            refused = await world.client.get(f"/v1/auth/companies/{await slug(world, company)}/login")
    finally:
        signing.trust(settings.secrets)
    assert (refused.status_code, refused.headers["retry-after"]) == (503, "2")
    assert [line["state"] for line in logged if line["event"] == "client secret"] == [
        "sealed by no secret of ours"
    ]


async def test_keys_may_change_while_somebody_signs_in(world: World, provider: Provider) -> None:
    company = await world.company()
    await register(world, company, provider.issuer)
    kept = await sign_in(world, company)
    begun = await begin(world, company)
    provider.running.close()
    with openid_provider(provider.port, [CLIENT, PUBLIC], PEOPLE):
        place = await sign_in_at_provider(begun.headers["location"], "camille")
        back = await come_back(world, place, cookies(begun))
    assert back.status_code == 302, back.text

    # The provider is gone now: who is in stays in, who is not is asked to come back.
    assert (await me(world, kept)).status_code == 200
    begun = await begin(world, company)
    code = {"code": "x", "state": parse_qs(urlsplit(begun.headers["location"]).query)["state"][0]}
    away = await world.client.get(
        "/v1/auth/callback",
        params=code | {"iss": provider.issuer},
        headers={"Cookie": header(cookies(begun))},
    )
    assert (away.status_code, away.headers["retry-after"]) == (503, "2")
    elsewhere = await world.company()
    await register(world, elsewhere, f"http://127.0.0.1:{free_port()}")
    assert (await begin(world, elsewhere)).status_code == 503

"""Pages of an intranet call from the browser: each company's own origins, to the letter, and no cookie (CORS)."""

import pytest

from tests.make.world import Company, World

PREFLIGHT = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization"}


async def allow(world: World, company: Company, *origins: str) -> None:
    path = f"/v1/companies/{company.id}"
    tag = (await world.call(company.admin, "GET", path)).headers["etag"]
    await world.ok(company.admin, "PATCH", path, {"origins": list(origins)}, if_match=tag)


async def test_a_page_of_the_intranet_reads_what_its_people_are_answered(world: World) -> None:
    company, other = await world.company(), await world.company()
    origin = f"https://intranet-{company.id}.example"
    await allow(world, company, origin)
    await allow(world, other, f"https://intranet-{other.id}.example")

    own = await world.call(world.employee(company), "GET", "/v1/me", origin=origin)
    elsewhere = await world.call(world.employee(other), "GET", "/v1/me", origin=origin)

    assert own.headers["access-control-allow-origin"] == origin
    assert "ETag" in own.headers["access-control-expose-headers"]
    assert "access-control-allow-origin" not in elsewhere.headers
    for answer in (own, elsewhere):
        assert "access-control-allow-credentials" not in answer.headers
        assert "Origin" in ", ".join(answer.headers.get_list("vary"))


async def test_a_preflight_is_answered_to_listed_origins_alone(world: World) -> None:
    company = await world.company()
    origin = f"https://intranet-{company.id}.example:8443"
    await allow(world, company, origin)
    path = "/v1/missions/01a20520-a5ed-73e1-93fc-19d602ec8ad5/applications"

    asked = await world.client.options(path, headers=PREFLIGHT | {"Origin": origin})
    refused = await world.client.options(path, headers=PREFLIGHT | {"Origin": "https://ailleurs.example"})

    assert asked.status_code == refused.status_code == 204
    assert asked.headers["access-control-allow-origin"] == origin
    assert "Authorization" in asked.headers["access-control-allow-headers"]
    assert "PATCH" in asked.headers["access-control-allow-methods"]
    assert "access-control-allow-origin" not in refused.headers
    assert asked.headers["vary"] == refused.headers["vary"]


async def test_a_page_reads_why_it_was_refused(world: World) -> None:
    company = await world.company()
    origin = f"https://intranet-{company.id}.example"
    await allow(world, company, origin)

    for token, path, status in (("x.y.z", "/v1/me", 401), (None, "/v1/me", 401), (None, "/nothing", 404)):
        answer = await world.call(token, "GET", path, origin=origin)
        assert (answer.status_code, answer.headers["access-control-allow-origin"]) == (status, origin)


@pytest.mark.parametrize(
    "origin",
    ["null", "*", "https://intranet.example.evil.example", "http://intranet.example", "é", "x" * 5000],
)
async def test_no_other_origin_is_ever_named(world: World, origin: str) -> None:
    company = await world.company()
    await allow(world, company, "https://intranet.example")

    answer = await world.client.get("/v1/missions", headers={b"origin": origin.encode()})

    assert answer.status_code == 200
    assert "access-control-allow-origin" not in answer.headers


@pytest.mark.parametrize(
    "origin",
    [
        "*",
        "null",
        "https://*.example",
        "http://intranet.example",
        "https://intranet.example/",
        "https://intranet.example/page",
        "HTTPS://INTRANET.EXAMPLE",
        "https://u:p@intranet.example",
        "https://",
        "javascript:alert(1)",
        "https://intranet.example\n",
        "https://intranet.example:0",
    ],
)
async def test_an_origin_is_listed_as_a_browser_writes_it(world: World, origin: str) -> None:
    company = await world.company()
    path = f"/v1/companies/{company.id}"
    tag = (await world.call(company.admin, "GET", path)).headers["etag"]

    answer = await world.call(company.admin, "PATCH", path, {"origins": [origin]}, if_match=tag)

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"].startswith("/origins")


async def test_only_its_administrator_edits_a_company_on_the_version_they_read(world: World) -> None:
    company, other = await world.company(), await world.company()
    path = f"/v1/companies/{company.id}"
    tag = (await world.call(company.admin, "GET", path)).headers["etag"]
    body = {"name": "Garonne", "group_roles": {"Maillon RH": "hr"}}

    assert (await world.call(world.employee(company), "PATCH", path, body, if_match=tag)).status_code == 403
    assert (await world.call(other.admin, "PATCH", path, body, if_match=tag)).status_code == 404
    assert (await world.call(company.admin, "PATCH", path, body)).status_code == 428
    edited = await world.ok(company.admin, "PATCH", path, body, if_match=tag)
    assert (edited["name"], edited["group_roles"]) == ("Garonne", {"Maillon RH": "hr"})
    assert (await world.call(company.admin, "PATCH", path, body, if_match=tag)).status_code == 412

"""Paths, methods and headers: every answer, whoever gives it, is a problem document with its headers."""

import re

import httpx
import pytest
from litestar import Litestar

from tests.api.core.asking import assert_problem, fault_of, place, send_raw
from tests.make.world import World

NOBODY = "00000000-0000-7000-8000-000000000000"
HOSTILE_PATHS = [
    "/nothing",
    "/v1",
    "/v1/",
    "/v2/missions",
    "/v1/missions/7",
    "/v1/missions/not-an-id",
    f"/v1/missions/{NOBODY}",
    f"/v1/missions/{NOBODY}0",
    f"/v1/missions/{NOBODY[:-1]}",
    "/v1/missions/%00",
    f"/v1/missions/{NOBODY}%00",
    "/v1/missions/%FF%FE",
    "/v1/missions/%0d%0aSet-Cookie:%20a=b",
    "/v1/missions/..%2f..%2fme",
    "/v1/missions/../../etc/passwd",
    "/v1/missions/' OR 1=1 --",
    "/v1/missions/" + "x" * 10_000,
    "/v1/missions/" + "/".join("x" * 200),
    "/v1/missions/é€𝄞",
    "/docs/assets/../../../pyproject.toml",
    "/docs/assets/%2e%2e/%2e%2e/api/app.py",
    "/docs/assets/..%2f..%2f..%2fetc%2fpasswd",
    "/docs/assets/%00",
    "/docs/assets/swagger-ui.css%00",
    "/docs/assets/" + "x" * 5_000,
    "/docs/assets/x/" + "y/" * 500,
    "/docs/assets/%FF",
    "/docs/assets/",
    "/docs/nothing",
]


@pytest.mark.parametrize("path", HOSTILE_PATHS)
async def test_a_path_of_nothing_is_404(world: World, path: str) -> None:
    assert_problem(await world.client.get(httpx.URL("http://maillon").join(path)), 404, "not-found")


@pytest.mark.parametrize(
    "path",
    [
        "/v1/missions/\x00",
        "/v1/missions/\udcff",
        "/docs/assets/\x00",
        "/docs/assets/\udcff",
        "/docs/assets/../../../pyproject.toml",
        "",
        "*",
        "v1/missions/x",
    ],
)
async def test_a_path_that_no_client_would_send_is_404(world: World, path: str) -> None:
    assert (await send_raw(world, "GET", path))["status"] == 404


async def test_slashes_doubled_or_trailing_find_the_same(world: World) -> None:
    for path in ("//v1//missions", "/v1/missions/", "/v1/missions//"):
        assert (await send_raw(world, "GET", path))["status"] == 200


def operations(app: Litestar) -> dict[str, set[str]]:
    """Give the methods of each path that the API serves."""
    found: dict[str, set[str]] = {}
    for route in app.routes:
        path = re.sub(r"\{[^}]+\}", NOBODY, re.sub(r"\{[^}]+:date\}", "2026-11-24", route.path))
        found.setdefault(path, set()).update(str(method) for method in getattr(route, "methods", ()))
    return {
        path: methods for path, methods in found.items() if path.startswith(("/v1", "/healthz", "/readyz"))
    }


async def test_another_method_is_405_and_says_which_there_are(world: World, app: Litestar) -> None:
    for path, methods in operations(app).items():
        served = methods | ({"HEAD"} if "GET" in methods else set())
        for method in {"GET", "POST", "PUT", "PATCH", "DELETE", "TRACE", "PROPFIND"} - served:
            answer = await world.client.request(method, path)
            assert_problem(answer, 405, "method-not-allowed")
            assert set(answer.headers["allow"].split(", ")) == served, (method, path)


async def test_options_say_the_methods_and_nothing_else(world: World, app: Litestar) -> None:
    for path, methods in operations(app).items():
        answer = await world.client.options(path)
        assert (answer.status_code, answer.content) == (204, b""), path
        assert set(answer.headers["allow"].split(", ")) >= methods
        assert "access-control-allow-origin" not in answer.headers


async def test_head_is_get_without_its_body(world: World) -> None:
    there = await place(world)
    for path, token, status in (
        ("/v1/missions", None, 200),
        (f"/v1/missions/{there.mission['id']}", None, 200),
        ("/v1/me", there.employee, 200),
        ("/healthz", None, 200),
        ("/openapi.json", None, 200),
        ("/v1/me", None, 401),
        (f"/v1/missions/{NOBODY}", None, 404),
    ):
        head, got = await world.call(token, "HEAD", path), await world.call(token, "GET", path)
        assert (head.status_code, got.status_code, head.content) == (status, status, b""), path
        assert head.headers.get("etag") == got.headers.get("etag")
        assert head.headers["content-type"] == got.headers["content-type"]
    refused = await world.call(None, "HEAD", f"/v1/missions/{there.mission['id']}/submit")
    assert (refused.status_code, refused.content) == (405, b"")


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "Bearer",
        "Bearer ",
        "Bearer    ",
        "Basic dXNlcjpwYXNz",
        "Basic",
        "Digest a=b",
        "mls_" + "x" * 43,
        "Bearer mls_" + "x" * 43,
        "Bearer mls_",
        "Bearer mln_unknown",
        "Bearer a.b.c",
        "Bearer ..",
        "Bearer e30.e30.",
        "Bearer W10.W10.W10",
        "Bearer bnVsbA.bnVsbA.bnVsbA",
        "Bearer eyJhbGciOiJub25lIn0.eyJpc3MiOiJ4In0.",
        "Bearer eyJhbGciOltdfQ.eyJpc3MiOiJ4In0.AAAA",
        "Bearer eyJhbGciOiJFUzI1NiIsImNyaXQiOlsieCJdfQ.eyJpc3MiOiIifQ.AAAA",
        "Bearer " + "x" * 20_000,
        "Bearer " + "x." * 2 + "y" * 20_000,
        "Bearer \x00",
        "Bearer é.é.é",
        "Bearer a b",
        "bearer\tmls_x",
    ],
)
async def test_whoever_does_not_prove_who_they_are_is_401(world: World, header: str | None) -> None:
    headers = [] if header is None else [(b"Authorization", header.encode("latin-1"))]
    for method, path in (("GET", "/v1/me"), ("POST", "/v1/missions"), ("GET", f"/v1/applications/{NOBODY}")):
        answer = await world.client.request(method, path, headers=headers)
        assert_problem(answer, 401, "unauthenticated")
        assert answer.headers["www-authenticate"].startswith('Bearer realm="maillon"')
        assert answer.headers.get("cache-control") == (None if header is None else "no-store")
    if header is not None:
        public = await world.client.get("/v1/missions", headers=headers)
        assert_problem(public, 401, "unauthenticated")


async def test_a_guard_answers_before_the_body_is_read(world: World) -> None:
    there = await place(world)
    nobody = {"Content-Type": "text/plain"}
    refused = await world.client.post("/v1/missions", content=b"\xff", headers=nobody)
    assert_problem(refused, 401, "unauthenticated")
    as_employee = nobody | {"Authorization": f"Bearer {there.employee}"}
    for path in ("/v1/companies", f"/v1/associations/{there.association.id}/refuse"):
        answer = await world.client.post(path, content=b"\xff", headers=as_employee)
        assert_problem(answer, 403, "forbidden")


async def test_a_request_id_is_given_back_when_it_is_one(world: World) -> None:
    for given in ("abcdef12", "A.b_c-1234567890", "x" * 64, NOBODY):
        answer = await world.client.get("/healthz", headers={"X-Request-Id": given})
        assert answer.headers.get_list("x-request-id") == [given]
    own = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f-]{17}")
    hostile = [
        b"",
        b"short",
        b"x" * 65,
        b"abcdefgh\r\nSet-Cookie: a=b",
        b"abcdefgh\n",
        b"\x00" * 8,
        b"\xff" * 8,
        b"abc def ghi",
        b"<script>",
    ]
    for text in hostile:
        own_id = await send_raw(world, "GET", "/healthz", (b"x-request-id", text))
        ids = [value for name, value in own_id["headers"] if name == b"x-request-id"]
        assert len(ids) == 1
        assert own.fullmatch(ids[0].decode()), text
    both = await send_raw(
        world, "GET", "/healthz", (b"x-request-id", b"abcdefgh"), (b"x-request-id", b"ijklmnop")
    )
    assert [name for name, _ in both["headers"]].count(b"x-request-id") == 1


async def test_every_answer_carries_the_security_headers(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = await place(world)
    mission = f"/v1/missions/{there.mission['id']}"

    async def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("api.people.queries.get_me", broken)
    for method, path, status in (
        ("GET", "/v1/missions", 200),
        ("GET", mission, 200),
        ("HEAD", mission, 200),
        ("OPTIONS", mission, 204),
        ("GET", "/nothing", 404),
        ("POST", mission, 405),
        ("GET", "/v1/missions?x=1", 422),
        ("GET", "/v1/me", 500),
        ("GET", "/docs", 200),
        ("GET", "/openapi.json", 200),
        ("GET", "/docs/assets/swagger-ui.css", 200),
        ("GET", "/readyz", 200),
    ):
        for token in (None, there.employee):
            answer = await world.call(token, method, path)
            assert answer.status_code == (401 if (token, path) == (None, "/v1/me") else status), (
                path,
                answer.text,
            )
            assert answer.headers["x-content-type-options"] == "nosniff"
            assert answer.headers["referrer-policy"] == "no-referrer"
            assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
            assert answer.headers["x-request-id"]
            assert "server" not in answer.headers
            if token:
                assert answer.headers.get_list("cache-control") == ["no-store"], path
            if status >= 400 and method != "HEAD":
                assert fault_of(answer, answer.status_code) is None
    if answer := await world.call(there.employee, "GET", "/v1/me"):
        assert "ZeroDivision" not in answer.text


async def test_a_cookie_makes_no_answer_cacheable(world: World) -> None:
    answer = await world.client.get("/v1/missions", headers={"Cookie": "a=b"})
    assert answer.headers["cache-control"] == "no-store"


async def test_a_hostile_host_is_refused(world: World) -> None:
    for host in ("a b", "maillon/evil", "maillon?", "<maillon>", "maillon\\"):
        assert_problem(await world.client.get("/v1/missions", headers={"Host": host}), 400, "malformed")

"""Query parameters and cursors: what is not understood is refused and named, never guessed."""

from base64 import urlsafe_b64encode
from typing import Any
from urllib.parse import quote

import httpx
import msgspec
import pytest

from tests.api.core.asking import Place, assert_problem, fault_of, place
from tests.make.world import World

NOBODY = "00000000-0000-7000-8000-000000000000"
PUBLIC_LISTS = ["/v1/missions", "/v1/associations"]


def lists(there: Place) -> dict[str, str | None]:
    """Give every list of the API with the token of somebody who may read it."""
    association, company = f"/v1/associations/{there.association.id}", f"/v1/companies/{there.company.id}"
    owner, admin, employee = there.association.owner, there.company.admin, there.employee
    return {
        "/v1/missions": None,
        "/v1/associations": None,
        f"{association}/missions": owner,
        f"{association}/applications": owner,
        f"{association}/hours": owner,
        f"{association}/audit-events": owner,
        f"{company}/applications": admin,
        f"{company}/hours": admin,
        f"{company}/ledger": admin,
        f"{company}/employees": admin,
        f"{company}/audit-events": admin,
        f"/v1/missions/{there.mission['id']}/applications": owner,
        "/v1/me/applications": employee,
        "/v1/me/hours": employee,
        "/v1/me/notifications": employee,
    }


async def test_every_list_refuses_what_it_does_not_know(world: World) -> None:
    there = await place(world)
    for path, token in lists(there).items():
        assert (await world.ok(token, "GET", f"{path}?limit=100")).keys() == {"items", "next"}
        answer = await world.call(token, "GET", f"{path}?offset=20")
        assert_problem(answer, 422, "invalid", "/offset")
        for limit in ("0", "101", "-1", "abc", "1e3", "1.0", "9" * 19, "9" * 400, "", "0x10", "1_0", "true"):
            answer = await world.call(token, "GET", f"{path}?limit={limit}")
            assert fault_of(answer, 422) is None, (path, limit, answer.text)
            assert_problem(answer, 422, "invalid", "/limit")
        twice = await world.call(token, "GET", f"{path}?limit=1&limit=2")
        assert_problem(twice, 422, "invalid", "/limit")


async def test_every_list_refuses_a_cursor_that_is_not_its_own(world: World) -> None:
    there = await place(world)
    for _ in range(2):
        await world.mission(there.association)
        await world.ok(there.association.owner, "GET", "/v1/me")
    good = (await world.ok(None, "GET", "/v1/missions?limit=1"))["next"]
    assert good
    unsigned = urlsafe_b64encode(b"\x00" * 16 + msgspec.msgpack.encode(["2026-01-01", NOBODY])).decode()
    hostile = {
        "garbage": "garbage",
        "base64 of nothing": "====",
        "empty": "",
        "not base64": "%C3%A9%C3%A9",
        "NUL": "%00",
        "not UTF-8": "%FF",
        "unsigned": unsigned,
        "tampered": ("A" if good[0] != "A" else "B") + good[1:],
        "tampered key": good[:-4] + "AAAA",
        "cut": good[:10],
        "longer": good + "AAAA",
        "10 kB": "A" * 10_000,
    }
    for path, token in lists(there).items():
        for name, cursor in hostile.items():
            answer = await world.call(token, "GET", f"{path}?cursor={cursor}")
            assert fault_of(answer, 400, 422) is None, (path, name, answer.text)
        if path != "/v1/missions":
            assert_problem(await world.call(token, "GET", f"{path}?cursor={good}"), 400, "malformed")
    filtered = await world.call(None, "GET", f"/v1/missions?cursor={good}&cause=education")
    assert_problem(filtered, 400, "malformed")
    other = await world.call(None, "GET", f"/v1/missions?cursor={good}&association={there.association.id}")
    assert_problem(other, 400, "malformed")
    assert (await world.ok(None, "GET", f"/v1/missions?cursor={good}&limit=1"))["items"]


async def test_a_cursor_of_another_filter_value_is_refused(world: World) -> None:
    there = await place(world)
    for _ in range(2):
        await world.mission(there.association)
    path = f"/v1/associations/{there.association.id}/missions"
    page = await world.ok(there.association.owner, "GET", f"{path}?state=published&limit=1")
    assert page["next"]
    for state in ("", "&state=draft"):
        answer = await world.call(there.association.owner, "GET", f"{path}?cursor={page['next']}{state}")
        assert_problem(answer, 400, "malformed")


async def test_pages_follow_each_other_without_a_gap_or_a_double(world: World) -> None:
    association = await world.association()
    made = [(await world.mission(association))["id"] for _ in range(5)]
    for path, token in (
        (f"/v1/missions?association={association.id}&limit=2", None),
        (f"/v1/associations/{association.id}/missions?limit=2", association.owner),
    ):
        seen, cursor = [], ""
        while cursor is not None:
            page = await world.ok(token, "GET", path + (f"&cursor={cursor}" if cursor else ""))
            assert len(page["items"]) <= 2
            seen += [item["id"] for item in page["items"]]
            cursor = page["next"]
        assert seen == made[::-1]


@pytest.mark.parametrize(
    ("query", "pointer"),
    [
        ("association=", "/association"),
        ("association=7", "/association"),
        ("association=%00", "/association"),
        ("association=%FF", "/association"),
        ("association=" + "x" * 10_000, "/association"),
        (f"association={NOBODY}x", "/association"),
        ("format=", "/format"),
        ("format=party", "/format"),
        ("cause=education%00", "/cause"),
        ("max_minutes=60&max_minutes=90", "/max_minutes"),
        ("remote=%C3", "/remote"),
        ("has_places=peut-%C3%AAtre", "/has_places"),
        ("has_places=", "/has_places"),
        ("has_places=2", "/has_places"),
        ("regime=null", "/regime"),
        ("q=" + "x" * 10_000, "/q"),
        ("%00=1", "/\x00"),
        ("a/b=1", "/a~1b"),
        ("=1", "/"),
        ("Limit=3", "/Limit"),
        ("limit%5B%5D=3", "/limit[]"),
    ],
)
async def test_what_a_search_does_not_understand_is_named(world: World, query: str, pointer: str) -> None:
    assert_problem(await world.call(None, "GET", f"/v1/missions?{query}"), 422, "invalid", pointer)


async def test_the_parameters_of_a_report_are_named_as_they_are_written(world: World) -> None:
    company = await world.company()
    path = f"/v1/companies/{company.id}/reports/engagement"
    missing = await world.call(company.admin, "GET", path)
    assert fault_of(missing, 422) is None
    assert [error["pointer"] for error in missing.json()["errors"]] == ["/from", "/to"]
    assert {error["code"] for error in missing.json()["errors"]} == {"required"}
    for first, last, extra, pointer in (
        ("2026-02-30", "2026-03-01", "", "/from"),
        ("2026-02-01", "demain", "", "/to"),
        ("", "2026-03-01", "", "/from"),
        ("2026-02-01T00:00:00Z", "2026-03-01", "", "/from"),
        ("2026-02-01", "2026-01-01", "", "/to"),
        ("2026-01-01", "2026-02-01", "&by=week", "/by"),
        ("2026-01-01", "2026-02-01", "&as_of=2026-01-01T00:00:00", "/as_of"),
        ("2026-01-01", "2026-02-01", "&as_of=9999-12-31T23:59:59Z", "/as_of"),
        ("2026-01-01", "2026-02-01", "&as_of=1767225600", "/as_of"),
    ):
        answer = await world.call(company.admin, "GET", f"{path}?from={first}&to={last}{extra}")
        assert_problem(answer, 422, "invalid", pointer)


async def test_far_days_are_answered_but_not_those_that_end_before_they_start(world: World) -> None:
    company = await world.company()
    base = f"/v1/companies/{company.id}"
    for query in (
        "reports/engagement?from=0001-01-01&to=9999-12-31",
        "reports/engagement?from=2026-01-01&to=2026-12-31&as_of=0001-01-01T00:00:00Z",
        "ledger?from=0001-01-01&to=9999-12-31",
    ):
        assert (await world.call(company.admin, "GET", f"{base}/{query}")).status_code == 200, query
    turned = (
        (f"{base}/ledger?from=9999-12-31&to=0001-01-01", "/to"),
        (f"{base}/applications?from=2026-12-01&to=2026-01-01", "/to"),
        (f"{base}/audit-events?from=2026-01-01T01:00:00Z&to=2026-01-01T01:30:00%2B01:00", "/to"),
        ("/v1/missions?starts_after=2026-12-01&starts_before=2026-01-01", "/starts_before"),
    )
    for path, pointer in turned:
        document = assert_problem(await world.call(company.admin, "GET", path), 422, "invalid", pointer)
        first = "starts_after" if pointer == "/starts_before" else "from"
        assert document["errors"][0]["detail"] == f"Cette date précède `{first}`."
    for instant in ("0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"):
        query = f"reports/engagement?from=2026-01-01&to=2026-12-31&as_of={quote(instant)}"
        answer = await world.call(company.admin, "GET", f"{base}/{query}")
        assert fault_of(answer, 400, 422) is None or answer.status_code == 200, answer.text


async def test_an_operation_without_parameters_takes_none(world: World) -> None:
    there = await place(world)
    for method, path, token in (
        ("GET", f"/v1/missions/{there.mission['id']}", None),
        ("GET", "/v1/me", there.employee),
        ("POST", f"/v1/missions/{there.mission['id']}/submit", there.association.owner),
        ("GET", "/healthz", None),
    ):
        assert_problem(await world.call(token, method, f"{path}?verbose=1"), 422, "invalid", "/verbose")


@pytest.mark.parametrize(
    ("query", "pointers"),
    [
        (
            "starts_after=2027-01-01&starts_before=2026-01-01&postal_code=1",
            ["/starts_before", "/postal_code"],
        ),
        (
            "starts_after=2027-01-01&starts_before=2026-01-01&sort=distance&radius_km=5",
            ["/starts_before", "/radius_km", "/sort"],
        ),
        ("offset=1&format=party&limit=0&near=here", ["/offset", "/near", "/format", "/limit"]),
        ("limit=x&limit=0", ["/limit", "/limit"]),
        ("sort=oldest&radius_km=999", ["/radius_km", "/sort"]),
    ],
)
async def test_everything_wrong_with_a_query_is_said_at_once(
    world: World, query: str, pointers: list[str]
) -> None:
    document = fault_free(await world.call(None, "GET", f"/v1/missions?{query}"))
    assert [error["pointer"] for error in document["errors"]] == pointers
    assert all(error["detail"] for error in document["errors"])


def fault_free(answer: httpx.Response) -> dict[str, Any]:
    assert fault_of(answer, 422) is None, answer.text
    document: dict[str, Any] = answer.json()
    return document


async def test_words_that_were_pasted_are_words_and_other_controls_are_named(world: World) -> None:
    association = await world.association()
    mission = await world.mission(association, title="Un potager partagé")
    for gap in ("%09", "%0A", "%0D%0A", "%0B"):
        page = await world.ok(None, "GET", f"/v1/missions?association={association.id}&q=potager{gap}partage")
        assert [item["id"] for item in page["items"]] == [mission["id"]], gap
        skills = await world.ok(None, "GET", f"/v1/skills?q=project{gap}management")
        assert skills["items"][0]["id"] == "project-management"
    for where in ("/v1/missions?q=potager%1Bpartage", "/v1/missions?q=%00", "/v1/skills?family=a%09b"):
        answer = await world.call(None, "GET", where, accept_language="en")
        (error,) = fault_free(answer)["errors"]
        assert error["detail"] == "No control characters.", where

"""Whose application waits for whom: the lists of coordinators, managers and HR."""

from datetime import timedelta
from typing import Any

import pytest

from api.core import clock
from tests.api.core.asking import assert_problem
from tests.make.world import World

TODAY = clock.today("Europe/Paris")


async def ids(world: World, token: str, path: str) -> list[str]:
    return [item["id"] for item in (await world.ok(token, "GET", path))["items"]]


async def test_an_association_lists_one_mission_or_one_state(world: World) -> None:
    association, company = await world.association(), await world.company()
    first, second = [await world.mission(association, places=3) for _ in range(2)]
    one, two = [await world.application(world.employee(company), first) for _ in range(2)]
    other = await world.application(world.employee(company), second)
    await world.ok(association.owner, "POST", f"/v1/applications/{one['id']}/accept")
    path = f"/v1/associations/{association.id}/applications"

    assert await ids(world, association.owner, path) == [other["id"], two["id"], one["id"]]
    assert await ids(world, association.owner, f"{path}?mission={first['id']}") == [two["id"], one["id"]]
    assert await ids(world, association.owner, f"{path}?mission={first['id']}&state=accepted") == [one["id"]]
    page = await world.ok(association.owner, "GET", f"{path}?mission={first['id']}&limit=1")
    assert await ids(
        world, association.owner, f"{path}?mission={first['id']}&limit=1&cursor={page['next']}"
    ) == [one["id"]]
    moved = await world.call(association.owner, "GET", f"{path}?mission={second['id']}&cursor={page['next']}")
    assert_problem(moved, 400, "malformed")


async def test_hr_lists_what_waits_for_the_employer_by_employee_and_day(world: World) -> None:
    association, company = await world.association(), await world.company(approval="hr")
    tokens = [world.employee(company) for _ in range(2)]
    one, two = [await world.application(token, await world.mission(association)) for token in tokens]
    await world.application(tokens[0], await world.mission(association), "personal_time")
    await world.ok(company.admin, "POST", f"/v1/applications/{one['id']}/approve")
    employee = (await world.ok(tokens[0], "GET", "/v1/me"))["employments"][0]["employee_id"]
    path = f"/v1/companies/{company.id}/applications"

    assert await ids(world, company.admin, path) == [two["id"], one["id"]]
    assert await ids(world, company.admin, f"{path}?employer_approval=pending") == [two["id"]]
    assert await ids(world, company.admin, f"{path}?employee={employee}") == [one["id"]]
    assert await ids(world, company.admin, f"{path}?from={TODAY}&to={TODAY}") == [two["id"], one["id"]]
    assert await ids(world, company.admin, f"{path}?to={TODAY - timedelta(days=1)}") == []
    cancelled = f"/v1/missions/{two['mission_id']}/cancel"
    await world.ok(association.owner, "POST", cancelled, {"reason": "Le local a brûlé."})
    assert await ids(world, company.admin, f"{path}?employer_approval=pending") == []
    assert await ids(world, company.admin, f"{path}?state=cancelled") == [two["id"]]
    assert await ids(world, company.admin, f"{path}?from={TODAY + timedelta(days=1)}") == []


async def test_what_ended_before_the_employer_answered_waits_for_no_word_in_value_and_filter(
    world: World,
) -> None:
    association, company = await world.association(), await world.company(approval="hr")
    tokens = [world.employee(company) for _ in range(3)]
    ended, approved, asked = [
        await world.application(token, await world.mission(association)) for token in tokens
    ]
    await world.ok(company.admin, "POST", f"/v1/applications/{approved['id']}/approve")
    path = f"/v1/applications/{ended['id']}"
    await world.ok(association.owner, "POST", f"{path}/decline", {"reason": "other"})
    listed = f"/v1/companies/{company.id}/applications"
    shown = await world.ok(company.admin, "GET", path)
    assert (shown["employer_approval"], shown["approval_due_at"]) == ("not_required", None)
    for answer, of in (("not_required", ended), ("approved", approved), ("pending", asked)):
        items = (await world.ok(company.admin, "GET", f"{listed}?employer_approval={answer}"))["items"]
        assert [(item["id"], item["employer_approval"]) for item in items] == [(of["id"], answer)]

    await world.ok(association.owner, "POST", f"{path}/reopen")
    again = await world.ok(company.admin, "GET", path)
    assert again["employer_approval"] == "pending"
    assert again["approval_due_at"]


async def test_every_list_tells_the_history_to_whoever_sees_an_application(world: World) -> None:
    association, company = await world.association(), await world.company(approval="manager")
    manager, employee = await world.managed(company)
    application = await world.application(employee, await world.mission(association))
    path = f"/v1/applications/{application['id']}"
    await world.ok(association.owner, "POST", f"{path}/shortlist")
    for reader, listed in (
        (employee, "/v1/me/applications"),
        (association.owner, f"/v1/associations/{association.id}/applications"),
        (association.owner, f"/v1/missions/{application['mission_id']}/applications"),
        (company.admin, f"/v1/companies/{company.id}/applications"),
        (manager, f"/v1/companies/{company.id}/applications"),
    ):
        history = (await world.ok(reader, "GET", listed))["items"][0]["history"]
        assert [event["state"] for event in history] == ["submitted", "shortlisted"]
        assert history == (await world.ok(reader, "GET", path))["history"]


@pytest.mark.parametrize("query", ["employer_approval=maybe", "from=yesterday", "employee=me", "mission=x"])
async def test_a_filter_is_understood_to_the_letter(world: World, query: str) -> None:
    company = await world.company()
    answer = await world.call(company.admin, "GET", f"/v1/companies/{company.id}/applications?{query}")
    assert_problem(answer, 422, "invalid")


@pytest.mark.parametrize(
    ("act", "body"), [("decline", {"reason": "other"}), ("withdraw", {"reason": "other"})]
)
async def test_a_last_word_is_written_to_the_other_side_alone(
    world: World, act: str, body: dict[str, Any]
) -> None:
    association, company = await world.association(), await world.company()
    employee = world.employee(company)
    path = f"/v1/applications/{(await world.application(employee, await world.mission(association)))['id']}"
    who, other = (association.owner, employee) if act == "decline" else (employee, association.owner)
    for _ in range(2):
        await world.ok(who, "POST", f"{path}/{act}", body | {"message": "Une autre fois, avec plaisir."})

    messages = (await world.ok(other, "GET", f"{path}/messages"))["items"]
    assert [message["text"] for message in messages] == ["Une autre fois, avec plaisir."]
    assert messages[0]["from_association"] == (act == "decline")
    assert_problem(await world.call(company.admin, "GET", f"{path}/messages"), 403, "forbidden")

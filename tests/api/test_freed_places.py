"""A freed place is offered by nobody, to the first in line who can take it."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from api.applications.clockwork import expire_due_missions, expire_unanswered, offer_free_places
from api.core import clock
from api.core.database import operations
from tests.make.world import Association, Company, World

_BY = "SELECT by_person FROM state_event WHERE object_id = $1 AND to_state = 'offered'"
LEAVING = {"reason": "not_available"}


async def logged(world: World, token: str, of: str, application: dict[str, Any], action: str) -> list[Any]:
    """Give who did something to an application, by the log of a company or an association."""
    log = await world.ok(token, "GET", f"/v1/{of}/audit-events?object_id={application['id']}")
    return [event["actor"] for event in log["items"] if event["action"] == f"application.{action}"]


async def full(
    world: World,
    association: Association,
    holder: str,
    *waiting: str,
    regime: str = "working_time",
    **mission: Any,
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Let somebody hold the one place of a mission for which others wait; gives the applications."""
    made = await world.mission(association, **mission)
    held = await world.application(holder, made, regime)
    await world.ok(association.owner, "POST", f"/v1/applications/{held['id']}/accept")
    line = [await world.application(one, made) for one in waiting]
    for one in line:
        await world.ok(association.owner, "POST", f"/v1/applications/{one['id']}/waitlist")
    return held, line


async def seen(world: World, token: str, application: dict[str, Any]) -> tuple[str, int | None]:
    shown = await world.ok(token, "GET", f"/v1/applications/{application['id']}")
    return shown["state"], shown["waitlist_position"]


@pytest.mark.parametrize("how", ["withdraw", "leave", "elsewhere"])
async def test_who_freed_a_place_is_in_no_log_of_the_offer_that_follows(world: World, how: str) -> None:
    association, company = await world.association(), await world.company(approval="automatic")
    other = await world.company(approval="automatic")
    hal, cyd = world.employee(other if how == "elsewhere" else company, "hal"), world.employee(company, "cyd")
    held, [waiting] = await full(world, association, hal, cyd, regime="personal_time")
    if how == "leave":
        job = (await world.ok(hal, "GET", "/v1/me"))["employments"][0]["employee_id"]
        path = f"/v1/companies/{company.id}/employees/{job}/deactivate"
        await world.ok(company.admin, "POST", path)
    else:
        await world.ok(hal, "POST", f"/v1/applications/{held['id']}/withdraw", LEAVING)

    assert await seen(world, cyd, waiting) == ("offered", None)
    nobody = [{"kind": "system", "id": None}]
    assert await logged(world, company.admin, f"companies/{company.id}", waiting, "offered") == nobody
    assert (
        await logged(world, association.owner, f"associations/{association.id}", waiting, "offered") == nobody
    )
    hidden = await world.ok(
        company.admin, "GET", f"/v1/companies/{company.id}/audit-events?object_id={held['id']}"
    )
    assert hidden["items"] == []
    async with operations() as connection:
        by = await connection.fetchval(_BY, UUID(waiting["id"]))
    assert by is None


async def short_of_minutes(world: World) -> tuple[Association, Company, dict[str, str], dict[str, Any]]:
    """Let Cyd, whose year is nearly spent, and Bob wait for a mission; gives tokens and applications by name."""
    association = await world.association()
    company = await world.company(approval="automatic", yearly_minutes=1000)
    tokens = {name: world.employee(company, name) for name in ("ann", "cyd", "bob")}
    held, [cyd, bob] = await full(
        world, association, *tokens.values(), format="short", ends_on=None, effort_minutes=700
    )
    spent = await world.mission(association, format="short", ends_on=None, effort_minutes=700)
    other = await world.application(tokens["cyd"], spent)
    await world.ok(association.owner, "POST", f"/v1/applications/{other['id']}/accept")
    return association, company, tokens, {"ann": held, "cyd": cyd, "bob": bob, "other": other}


async def test_whoever_has_no_minutes_left_is_passed_over_and_is_next_when_they_are_back(
    world: World,
) -> None:
    association, _, tokens, made = await short_of_minutes(world)
    await world.ok(tokens["ann"], "POST", f"/v1/applications/{made['ann']['id']}/withdraw", LEAVING)
    assert await seen(world, tokens["cyd"], made["cyd"]) == ("waitlisted", 1)
    assert await seen(world, tokens["bob"], made["bob"]) == ("offered", None)

    await world.ok(tokens["bob"], "POST", f"/v1/applications/{made['bob']['id']}/withdraw", LEAVING)
    await offer_free_places()
    assert await seen(world, tokens["cyd"], made["cyd"]) == ("waitlisted", 1)
    cancelled = f"/v1/applications/{made['other']['id']}/cancel"
    await world.ok(association.owner, "POST", cancelled, {"reason": "Le local a brûlé."})
    await offer_free_places()
    assert await seen(world, tokens["cyd"], made["cyd"]) == ("offered", None)
    taken = await world.ok(tokens["cyd"], "POST", f"/v1/applications/{made['cyd']['id']}/accept-offer")
    assert taken["state"] == "accepted"


async def test_whose_company_has_no_budget_left_is_passed_over(world: World) -> None:
    association, other = await world.association(), await world.company(approval="automatic")
    company = await world.company(approval="automatic", budget_minutes=2000)
    ann, cyd, bob = world.employee(other), world.employee(company), world.employee(other)
    held, [first, second] = await full(world, association, ann, cyd, bob)
    spent = await world.application(world.employee(company), await world.mission(association))
    await world.ok(association.owner, "POST", f"/v1/applications/{spent['id']}/accept")
    await world.ok(ann, "POST", f"/v1/applications/{held['id']}/withdraw", LEAVING)
    assert await seen(world, cyd, first) == ("waitlisted", 1)
    assert await seen(world, bob, second) == ("offered", None)

    await world.ok(company.admin, "PUT", f"/v1/companies/{company.id}/policy", {"approval": "automatic"})
    await world.ok(bob, "POST", f"/v1/applications/{second['id']}/withdraw", LEAVING)
    assert await seen(world, cyd, first) == ("offered", None)


async def test_who_is_passed_over_does_not_wait_past_the_first_day_of_a_mission_without_anybody(
    world: World,
) -> None:
    association, _, tokens, made = await short_of_minutes(world)
    for name in ("ann", "bob"):
        await world.ok(tokens[name], "POST", f"/v1/applications/{made[name]['id']}/withdraw", LEAVING)
    mission = f"/v1/missions/{made['cyd']['mission_id']}"
    for days, state, ends in ((7, "waitlisted", "published"), (8, "expired", "expired")):
        with clock.at(clock.now() + timedelta(days=days)):
            await expire_unanswered()
            await expire_due_missions()
        assert (await world.ok(tokens["cyd"], "GET", f"/v1/applications/{made['cyd']['id']}"))[
            "state"
        ] == state
        assert (await world.ok(association.owner, "GET", mission))["state"] == ends

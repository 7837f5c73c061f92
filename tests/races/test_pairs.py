"""Pairs of acts that meet on applications, round after round, as fast as they come: what happened, happened once."""

import asyncio
from collections.abc import Iterable
from typing import Any

import httpx

from tests.make.world import Association, Company, World, facts_of
from tests.races.test_endings import REASON
from tests.races.test_waitlist import left, queue, states

ROUNDS = 6
CHANGED = {"reason": "changed_mind"}


async def applied(
    world: World, people: int, **fields: Any
) -> tuple[Association, Company, dict[str, Any], list[tuple[str, str]]]:
    """Give a mission that people applied to: its association, their company, and each one's token and path."""
    association, company = await world.association(), await world.company(approval="automatic")
    mission = await world.mission(association, **fields)
    wishes = []
    for _ in range(people):
        token = world.employee(company)
        wishes.append((token, f"/v1/applications/{(await world.application(token, mission))['id']}"))
    return association, company, mission, wishes


async def at_once(*calls: Any) -> list[httpx.Response]:
    """Make calls at the same moment; none ends in a fault of ours."""
    answers = list(await asyncio.gather(*calls))
    assert {answer.status_code for answer in answers} <= {200, 409, 412}, [one.text for one in answers]
    return answers


async def later(call: Any, milliseconds: int) -> Any:
    """Make a call a little later: what it meets has more to do before it gets to the same lock."""
    await asyncio.sleep(milliseconds / 1000)
    return await call


async def states_of(world: World, token: str, path: str) -> list[str]:
    """Give the states that an application went through."""
    return [event["state"] for event in (await world.ok(token, "GET", path))["history"]]


async def ended_as_told(
    world: World, wishes: Iterable[tuple[str, str]], accepts: list[httpx.Response], end: str, fact: str
) -> None:
    """Each application came to an end that was said once, accepted before where an acceptance was acknowledged."""
    for (token, path), accept in zip(wishes, accepts, strict=True):
        accepted = accept.status_code == 200
        expected = ["submitted", *(["accepted"] if accepted else []), end]
        assert await states_of(world, token, path) == expected
        facts = await facts_of(path.rpartition("/")[2])
        assert (facts["ApplicationAccepted"], facts[fact]) == (int(accepted), 1)


async def test_acceptances_and_the_mission_s_cancellation_at_once(world: World) -> None:
    for _ in range(ROUNDS):
        association, _, mission, wishes = await applied(world, 4, places=4)
        url = f"/v1/missions/{mission['id']}"
        accepts = [world.call(association.owner, "POST", f"{path}/accept") for _, path in wishes]
        cancel = world.call(association.owner, "POST", f"{url}/cancel", REASON)
        *first, cancelled, third, fourth = await at_once(*accepts[:2], cancel, *accepts[2:])

        assert cancelled.status_code == 200
        await ended_as_told(world, wishes, [*first, third, fourth], "cancelled", "ApplicationCancelled")
        ended = await world.ok(association.owner, "GET", url)
        assert (ended["state"], ended["live_applications"], ended["places_left"]) == ("cancelled", 0, 4)


async def test_acceptances_and_withdrawals_at_once(world: World) -> None:
    for _ in range(ROUNDS):
        association, _, mission, wishes = await applied(world, 4, places=4)
        accepts = [world.call(association.owner, "POST", f"{path}/accept") for _, path in wishes]
        withdrawals = [world.call(token, "POST", f"{path}/withdraw", CHANGED) for token, path in wishes]
        mixed = [call for pair in zip(accepts, withdrawals, strict=True) for call in pair]
        answers = await at_once(*mixed)

        assert {answer.status_code for answer in answers[1::2]} == {200}
        await ended_as_told(world, wishes, answers[::2], "withdrawn", "ApplicationWithdrawn")
        assert (await world.ok(None, "GET", f"/v1/missions/{mission['id']}"))["places_left"] == 4


async def test_acceptances_and_departures_at_once(world: World) -> None:
    for number in range(ROUNDS):
        association, company, mission, wishes = await applied(world, 3, places=3)
        jobs = [
            (await world.ok(token, "GET", "/v1/me"))["employments"][0]["employee_id"] for token, _ in wishes
        ]
        employees = f"/v1/companies/{company.id}/employees"
        accepts = [
            later(world.call(association.owner, "POST", f"{path}/accept"), 12 * number) for _, path in wishes
        ]
        leaves = [world.call(company.admin, "POST", f"{employees}/{job}/deactivate") for job in jobs]
        mixed = [call for pair in zip(accepts, leaves, strict=True) for call in pair]
        answers = await at_once(*mixed)

        assert {answer.status_code for answer in answers[1::2]} == {200}
        seen = [(association.owner, path) for _, path in wishes]
        await ended_as_told(world, seen, answers[::2], "withdrawn", "ApplicationWithdrawn")
        assert (await world.ok(None, "GET", f"/v1/missions/{mission['id']}"))["places_left"] == 3


async def test_acceptances_and_fewer_places_at_once(world: World) -> None:
    for _ in range(ROUNDS):
        association, _, mission, wishes = await applied(world, 4, places=4)
        url = f"/v1/missions/{mission['id']}"
        tag = (await world.call(association.owner, "GET", url)).headers["etag"]
        accepts = [world.call(association.owner, "POST", f"{path}/accept") for _, path in wishes]
        lower = world.call(association.owner, "PATCH", url, {"places": 2}, if_match=tag)
        first, second, lowered, *others = await at_once(*accepts[:2], lower, *accepts[2:])

        shown = await world.ok(None, "GET", url)
        accepted = [one.status_code for one in (first, second, *others)].count(200)
        assert shown["places"] == (2 if lowered.status_code == 200 else 4)
        assert accepted == (2 if lowered.status_code == 200 else 4) == shown["places"] - shown["places_left"]
        assert lowered.status_code == 200 or lowered.json()["type"] == "/problems/places-taken"


async def test_withdrawals_at_once_promote_as_many_in_their_order(world: World) -> None:
    for _ in range(ROUNDS // 2):
        line = await queue(world, places=4, waiting=6)
        await at_once(
            *(
                world.call(line.tokens[one], "POST", line.path(one, "withdraw"), CHANGED)
                for one in line.holding
            )
        )

        assert await states(world, line) == ["withdrawn"] * 4 + ["offered"] * 4 + ["waitlisted"] * 2
        assert await left(world, line) == 0
        offers = [(await facts_of(one))["ApplicationOffered"] for one in line.waiting]
        assert offers == [1, 1, 1, 1, 0, 0]


async def test_a_manager_and_hr_decide_at_once_and_one_of_them_has(world: World) -> None:
    """Both name the version that they read: whoever comes second is told so, and the decision is told once."""
    company, association = await world.company(approval="manager"), await world.association()
    for _ in range(ROUNDS):
        mission, (manager, employee) = await world.mission(association), await world.managed(company)
        path = f"/v1/applications/{(await world.application(employee, mission))['id']}"
        seen = (await world.call(manager, "GET", path)).headers["etag"]
        answers = await at_once(
            *(
                world.call(who, "POST", f"{path}/{act}", body, if_match=seen)
                for who in (manager, company.admin)
                for act, body in (("approve", None), ("refuse", REASON), ("approve", None))
            )
        )

        ended = await world.ok(employee, "GET", path)
        facts = await facts_of(ended["id"])
        approved = ended["employer_approval"] == "approved"
        assert (ended["employer_approval"], ended["state"]) == (
            ("approved", "submitted") if approved else ("refused", "employer_refused")
        )
        assert (facts["EmployerApproved"], facts["EmployerRefused"]) == ((1, 0) if approved else (0, 1))
        won = {number % 3 == 1 for number, answer in enumerate(answers) if answer.status_code == 200}
        assert won == {not approved}

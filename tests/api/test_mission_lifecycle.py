"""A mission's life: who moves it, what ends with it, and what the clock does after a week of absence."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from api.applications.clockwork import complete_due_missions, expire_due_missions, start_due_missions
from api.core import clock
from api.core.database import operations
from tests.api.core.asking import assert_problem
from tests.api.test_mission_scoping import mission_path
from tests.make.world import Association, World

REASON = {"reason": "Notre subvention n’a pas été reconduite."}
TODAY = clock.today("Europe/Paris")


async def state_of(world: World, association: Association, mission: dict[str, Any]) -> str:
    return str((await world.ok(association.owner, "GET", mission_path(mission)))["state"])


async def accepted(world: World, association: Association, mission: dict[str, Any]) -> str:
    """Give the path of an application that is accepted."""
    employee = world.employee(await world.company(approval="automatic"))
    application = await world.application(employee, mission)
    path = f"/v1/applications/{application['id']}"
    await world.ok(association.owner, "POST", f"{path}/accept")
    return path


async def run_the_clock(days: int, *, hour: int = 12) -> None:
    """Let the schedule run once, so many days from now."""
    then = datetime.combine(TODAY + timedelta(days=days), datetime.min.time(), UTC) + timedelta(hours=hour)
    with clock.at(then):
        await start_due_missions()
        await complete_due_missions()
        await expire_due_missions()


async def test_a_paused_mission_is_not_found_and_comes_back(world: World) -> None:
    association = await world.association()
    mission = await world.mission(association)
    listed = f"/v1/missions?association={association.id}"

    paused = await world.ok(association.owner, "POST", mission_path(mission, "pause"))
    again = await world.ok(association.owner, "POST", mission_path(mission, "pause"))
    hidden = (await world.ok(None, "GET", listed))["items"]
    resumed = await world.ok(association.owner, "POST", mission_path(mission, "resume"))

    assert (paused["state"], again["version"], hidden) == ("paused", paused["version"], [])
    assert resumed["published_at"] == mission["published_at"]
    assert [item["id"] for item in (await world.ok(None, "GET", listed))["items"]] == [mission["id"]]


async def test_what_a_moderator_pauses_a_moderator_resumes(world: World) -> None:
    association, moderator = await world.association(), await world.moderator()
    mission = await world.mission(association)
    await world.ok(moderator, "POST", mission_path(mission, "pause"))

    refused = await world.call(association.owner, "POST", mission_path(mission, "resume"))
    resumed = await world.ok(moderator, "POST", mission_path(mission, "resume"))

    assert (refused.status_code, resumed["state"]) == (403, "published")


async def test_a_mission_starts_with_those_who_were_accepted(world: World) -> None:
    association = await world.association()
    mission = await world.mission(association, places=2)
    nobody = await world.call(association.owner, "POST", mission_path(mission, "start"))
    await accepted(world, association, mission)
    late = world.employee(await world.company(approval="automatic"))
    waiting = await world.application(late, mission)

    started = await world.ok(association.owner, "POST", mission_path(mission, "start"))
    newcomer = world.employee(await world.company())
    refused = await world.call(
        newcomer, "POST", mission_path(mission, "applications"), {"regime": "working_time"}
    )
    filled = await world.ok(association.owner, "POST", f"/v1/applications/{waiting['id']}/accept")

    assert_problem(nobody, 409, "nobody-accepted")
    assert started["state"] == "in_progress"
    assert_problem(refused, 409, "wrong-state")
    assert filled["state"] == "accepted"


async def test_cancelling_ends_every_live_application_and_frees_its_place(world: World) -> None:
    association = await world.association()
    mission = await world.mission(association, places=2)
    taken = await accepted(world, association, mission)
    employee = world.employee(await world.company())
    waiting = await world.application(employee, mission)

    silent = await world.call(association.owner, "POST", mission_path(mission, "cancel"), {})
    cancelled = await world.ok(association.owner, "POST", mission_path(mission, "cancel"), REASON)
    again = await world.ok(association.owner, "POST", mission_path(mission, "cancel"), REASON)
    seen = [await world.ok(reader, "GET", mission_path(mission)) for reader in (None, employee)]

    assert silent.status_code == 422
    assert [(each["state"], each["state_reason"]) for each in seen] == [("cancelled", None)] * 2
    assert (cancelled["state"], cancelled["state_reason"]) == ("cancelled", REASON["reason"])
    assert (cancelled["places_left"], cancelled["live_applications"], again["version"]) == (
        2,
        0,
        cancelled["version"],
    )
    for path in (taken, f"/v1/applications/{waiting['id']}"):
        ended = await world.ok(association.owner, "GET", path)
        assert (ended["state"], ended["reason"]) == ("cancelled", "mission_cancelled")
    assert_problem(await world.call(association.owner, "POST", f"{taken}/accept"), 409, "wrong-state")


async def test_a_moderator_from_outside_cancels_with_the_applications(world: World) -> None:
    association = await world.association()
    mission = await world.mission(association)
    path = await accepted(world, association, mission)

    await world.ok(await world.moderator(), "POST", mission_path(mission, "cancel"), REASON)

    assert (await world.ok(association.owner, "GET", path))["state"] == "cancelled"


async def test_a_completed_mission_leaves_nobody_without_an_answer(world: World) -> None:
    association = await world.association()
    mission = await world.mission(association, places=2)
    path = await accepted(world, association, mission)
    waiting = await world.application(world.employee(await world.company()), mission)
    await world.ok(association.owner, "POST", mission_path(mission, "start"))

    done = await world.ok(association.owner, "POST", mission_path(mission, "complete"))

    assert (done["state"], done["places_left"], done["live_applications"]) == ("completed", 1, 0)
    assert (await world.ok(association.owner, "GET", path))["state"] == "completed"
    expired = await world.ok(association.owner, "GET", f"/v1/applications/{waiting['id']}")
    assert (expired["state"], expired["reason"]) == ("expired", "mission_completed")


async def test_the_clock_starts_and_completes_even_after_months_of_absence(world: World) -> None:
    association = await world.association()
    days: dict[str, Any] = {
        "starts_on": str(TODAY + timedelta(days=3)),
        "ends_on": str(TODAY + timedelta(days=5)),
    }
    punctual, late = [await world.mission(association, **days) for _ in range(2)]
    await accepted(world, association, punctual)

    await run_the_clock(2)
    assert await state_of(world, association, punctual) == "published"
    await run_the_clock(3)
    assert await state_of(world, association, punctual) == "in_progress"
    await accepted(world, association, late)
    await run_the_clock(5)
    assert await state_of(world, association, punctual) == "in_progress"
    await run_the_clock(90)
    assert await state_of(world, association, punctual) == "completed"
    assert await state_of(world, association, late) == "completed"
    history = (await world.ok(association.owner, "GET", mission_path(late)))["history"]
    assert [event["state"] for event in history] == ["draft", "published", "in_progress", "completed"]


async def test_a_mission_without_a_last_day_lasts_as_long_as_its_format(world: World) -> None:
    association = await world.association()
    first = TODAY + timedelta(days=3)
    mission = await world.mission(
        association, format="team_day", places=4, effort_minutes=420, starts_on=str(first), ends_on=None
    )
    await accepted(world, association, mission)
    await run_the_clock(3)
    assert await state_of(world, association, mission) == "in_progress"
    await run_the_clock(4)
    assert await state_of(world, association, mission) == "completed"


async def test_a_mission_expires_once_nobody_is_left_and_not_before(world: World) -> None:
    association = await world.association()
    days: dict[str, Any] = {
        "apply_by": str(TODAY + timedelta(days=2)),
        "starts_on": str(TODAY + timedelta(days=10)),
    }
    empty, asked = [await world.mission(association, **days) for _ in range(2)]
    application = await world.application(world.employee(await world.company()), asked)
    unverified = await world.association(verified=False)
    submitted = await world.mission(unverified, **days)

    await run_the_clock(2)
    assert await state_of(world, association, empty) == "published"
    await run_the_clock(3)
    assert await state_of(world, association, empty) == "expired"
    assert await state_of(world, unverified, submitted) == "expired"
    assert await state_of(world, association, asked) == "published"
    await world.ok(
        association.owner, "POST", f"/v1/applications/{application['id']}/decline", {"reason": "other"}
    )
    await run_the_clock(3)
    assert await state_of(world, association, asked) == "expired"


@pytest.mark.parametrize(
    ("zone", "hour", "state"), [("Pacific/Noumea", 14, "expired"), ("Europe/Paris", 14, "published")]
)
async def test_a_day_is_over_when_it_is_over_there(world: World, zone: str, hour: int, state: str) -> None:
    association = await world.association()
    last = TODAY + timedelta(days=4)
    mission = await world.mission(association, time_zone=zone, apply_by=str(last))

    await run_the_clock(4, hour=hour)

    assert await state_of(world, association, mission) == state


async def test_the_clock_twice_at_once_tells_once(world: World) -> None:
    association = await world.association()
    mission = await world.mission(association, starts_on=str(TODAY + timedelta(days=3)))
    await asyncio.gather(*(run_the_clock(30) for _ in range(4)))

    async with operations() as connection:
        rows = await connection.fetch(
            "SELECT to_state FROM state_event WHERE object_id = $1 ORDER BY id", mission["id"]
        )
        told = await connection.fetchval(
            "SELECT count(*) FROM outbox WHERE fact = 'MissionExpired' AND association_id = $1",
            association.id,
        )
    assert [row["to_state"] for row in rows] == ["draft", "published", "expired"]
    assert told == 1

"""A session that has begun is neither published nor given; nobody applies to one that is over."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec

from api.core import clock
from api.core.database import operations
from tests.api.core.asking import assert_problem
from tests.api.test_changes import day, session
from tests.api.test_mission_scoping import edit, mission_path
from tests.make.world import World

MONTH: dict[str, Any] = {"starts_on": day(0), "ends_on": day(30), "apply_by": day(30)}


def slot(start: datetime) -> dict[str, str]:
    return {"starts_at": start.isoformat(), "ends_at": (start + timedelta(hours=1)).isoformat()}


def codes(document: dict[str, Any]) -> set[tuple[str, str]]:
    return {(error["pointer"], error["code"]) for error in document["errors"]}


async def pass_by(mission: dict[str, Any], *places: int) -> None:
    """Let sessions of a mission be over since an hour."""
    sessions = mission["sessions"]
    for place in places:
        sessions[place] |= slot(clock.now() - timedelta(hours=2 + 2 * place))
    async with operations() as connection:
        await connection.execute(
            "UPDATE mission SET sessions = $2, starts_on = $3 WHERE id = $1",
            UUID(mission["id"]),
            msgspec.json.encode(sessions).decode(),
            clock.today("Europe/Paris") - timedelta(days=1),
        )


async def test_a_session_that_has_begun_is_not_submitted(world: World) -> None:
    association = await world.association()
    begun = slot(clock.now() - timedelta(minutes=30))
    mission = await world.mission(association, publish=False, **MONTH, sessions=[session(2), begun])

    refused = await world.call(association.owner, "POST", mission_path(mission, "submit"))

    past = ("/sessions/1/starts_at", "in-the-past")
    assert past in codes(assert_problem(refused, 422, "invalid"))
    assert past in {(problem["pointer"], problem["code"]) for problem in mission["problems"]}


async def test_an_edit_gives_no_session_that_has_begun_and_leaves_those_that_were(world: World) -> None:
    association = await world.association()
    mission = await world.mission(association, **MONTH, sessions=[session(1), session(2)])
    await pass_by(mission, 0)
    over, coming = mission["sessions"]

    given = await edit(
        world, association.owner, mission, sessions=[over, slot(clock.now() - timedelta(hours=5))]
    )
    kept = await edit(world, association.owner, mission, sessions=[session(5), coming, over])
    told = await edit(world, association.owner, mission, summary="Un site lisible par tous.")

    assert ("/sessions/1/starts_at", "in-the-past") in codes(assert_problem(given, 422, "invalid"))
    assert (kept.status_code, told.status_code) == (200, 200)


async def test_nobody_applies_to_a_session_that_is_over(world: World) -> None:
    association, company = await world.association(), await world.company(approval="automatic")
    mission = await world.mission(association, **MONTH, sessions=[session(1), session(2)])
    path = mission_path(mission, "applications")
    body: dict[str, Any] = {"regime": "working_time", "message": "Bonjour"}
    await pass_by(mission, 0)
    over, coming = (each["id"] for each in mission["sessions"])

    refused = await world.call(world.employee(company), "POST", path, body | {"sessions": [coming, over]})
    applied = await world.call(world.employee(company), "POST", path, body | {"sessions": [coming]})
    await pass_by(mission, 0, 1)
    late = await world.call(world.employee(company), "POST", path, body)

    document = assert_problem(refused, 422, "invalid", "/sessions/1")
    assert codes(document) == {("/sessions/1", "in-the-past")}
    assert applied.status_code == 201
    assert assert_problem(late, 409, "applications-closed")["detail"] == "Ses sessions sont terminées."

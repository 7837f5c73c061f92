"""An employer answers by the first day, though it comes nearer; asked on that day or after, they keep their days."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from api.core import clock
from tests.api.test_agreed_effort import applied
from tests.make.world import Association, World

PARIS = ZoneInfo("Europe/Paris")


def morning(day: date) -> datetime:
    return datetime.combine(day, time.min, PARIS).astimezone(UTC)


def due(application: dict[str, Any]) -> datetime:
    return datetime.fromisoformat(application["approval_due_at"])


async def edit(world: World, association: Association, mission_id: str, **fields: Any) -> None:
    path = f"/v1/missions/{mission_id}"
    tag = (await world.call(association.owner, "GET", path)).headers["etag"]
    await world.ok(association.owner, "PATCH", path, fields, if_match=tag)


async def test_a_mission_that_begins_sooner_is_answered_sooner(world: World) -> None:
    association, company, employee, application = await applied(world, approval_days=60)
    other = world.employee(company)
    accepted = await world.application(other, {"id": application["mission_id"]})
    await world.ok(association.owner, "POST", f"/v1/applications/{accepted['id']}/accept")
    first = clock.today("Europe/Paris") + timedelta(days=7)
    assert due(application) == due(accepted) == morning(first)
    for days in (3, 5):
        moved = first - timedelta(days=4)
        day = clock.today("Europe/Paris") + timedelta(days=days)
        await edit(world, association, application["mission_id"], starts_on=str(day))
        for token, one in ((employee, application), (other, accepted)):
            shown = await world.ok(token, "GET", f"/v1/applications/{one['id']}")
            assert due(shown) == morning(moved)


async def test_terms_that_begin_sooner_are_answered_sooner(world: World) -> None:
    association, _, employee, application = await applied(world, approval_days=60)
    path = f"/v1/applications/{application['id']}"
    first = clock.today("Europe/Paris") + timedelta(days=2)
    await world.ok(association.owner, "POST", f"{path}/accept")
    later = {"starts_on": str(first + timedelta(days=20))}
    for body, day in ((later, first + timedelta(days=5)), ({"starts_on": str(first)}, first)):
        if body is not later:
            await edit(world, association, application["mission_id"], starts_on=str(first))
        change = await world.ok(association.owner, "POST", f"{path}/changes", body)
        await world.ok(employee, "POST", f"/v1/changes/{change['id']}/accept")
        assert due(await world.ok(employee, "GET", path)) == morning(day)


async def test_who_is_asked_on_the_first_day_keeps_their_days(world: World) -> None:
    association, company = await world.association(), await world.company(approval="hr", approval_days=3)
    today = clock.today("Europe/Paris")
    mission = await world.mission(association, starts_on=str(today + timedelta(days=1)), apply_by=None)
    await edit(world, association, mission["id"], starts_on=str(today))
    employee = world.employee(company)
    application = await world.application(employee, mission)
    assert due(application) > clock.now() + timedelta(days=2)
    await edit(world, association, mission["id"], starts_on=str(today + timedelta(days=2)))
    await edit(world, association, mission["id"], starts_on=str(today))
    shown = await world.ok(employee, "GET", f"/v1/applications/{application['id']}")
    assert due(shown) == due(application)

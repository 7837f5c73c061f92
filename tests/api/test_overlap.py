"""An application that falls on another engagement of its person warns them, and nobody else."""

from datetime import datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from api.core import clock
from tests.make.world import Association, Company, World


def day(number: int) -> str:
    return str(clock.today("Europe/Paris") + timedelta(days=number))


def session(number: int, hour: int, hours: int = 2) -> dict[str, str]:
    local = datetime.combine(datetime.fromisoformat(day(number)), time(hour), ZoneInfo("Europe/Paris"))
    return {"starts_at": local.isoformat(), "ends_at": (local + timedelta(hours=hours)).isoformat()}


async def engaged(
    world: World, company: Company, employee: str, regime: str = "working_time", **fields: Any
) -> tuple[Association, dict[str, Any]]:
    association = await world.association()
    application = await world.application(employee, await world.mission(association, **fields), regime)
    await world.ok(association.owner, "POST", f"/v1/applications/{application['id']}/accept")
    return association, application


@pytest.mark.parametrize(
    ("first", "second", "warns"),
    [
        ({"starts_on": 10, "ends_on": 20}, {"starts_on": 20, "ends_on": 30}, True),
        ({"starts_on": 10, "ends_on": 20}, {"starts_on": 21, "ends_on": 30}, False),
        ({"starts_on": 10, "ends_on": None}, {"starts_on": 8, "ends_on": 12}, True),
        ({"starts_on": 10, "ends_on": None}, {"starts_on": 11, "ends_on": 12}, False),
        ({"at": (12, 9)}, {"at": (12, 10)}, True),
        ({"at": (12, 9)}, {"at": (12, 11)}, False),
        ({"at": (12, 9)}, {"starts_on": 20, "ends_on": 30}, True),
    ],
)
async def test_days_and_sessions_that_meet_are_told(
    world: World, first: dict[str, Any], second: dict[str, Any], warns: bool
) -> None:
    def fields(given: dict[str, Any]) -> dict[str, Any]:
        if "at" in given:
            return {"starts_on": day(10), "ends_on": day(40), "sessions": [session(*given["at"])]}
        return {name: day(number) if number else None for name, number in given.items()}

    company = await world.company(approval="automatic")
    employee = world.employee(company)
    _, other = await engaged(world, company, employee, **fields(first))
    applied = await world.application(
        employee, await world.mission(await world.association(), **fields(second))
    )

    warned = [(each["code"], each["application_id"]) for each in applied["warnings"]]
    assert warned == ([("overlap", other["id"])] if warns else [])


async def test_the_applicant_alone_is_warned_and_nothing_is_blocked(world: World) -> None:
    company = await world.company(approval="hr")
    employee = world.employee(company)
    _, private = await engaged(world, company, employee, "personal_time", title="Tenir la buvette")
    association, application = await engaged(world, company, employee)
    path = f"/v1/applications/{application['id']}"
    mine = await world.ok(employee, "GET", path, accept_language="fr")
    listed = await world.ok(employee, "GET", "/v1/me/applications", accept_language="en")

    assert (mine["state"], mine["warnings"]) == (
        "accepted",
        [
            {
                "code": "overlap",
                "detail": "Elle tombe sur des jours de « Tenir la buvette », où votre candidature est acceptée.",
                "application_id": private["id"],
            }
        ],
    )
    assert [len(item["warnings"]) for item in listed["items"]] == [1, 1]
    assert listed["items"][0]["warnings"][0]["detail"].startswith("It falls on days of “Tenir")
    for reader in (association.owner, company.admin):
        seen = await world.call(reader, "GET", path)
        assert seen.json()["warnings"] == []
        assert "buvette" not in seen.text


async def test_what_is_not_accepted_or_over_warns_of_nothing(world: World) -> None:
    company = await world.company(approval="automatic")
    employee = world.employee(company)
    await world.application(employee, await world.mission(await world.association()))
    association, ended = await engaged(world, company, employee)
    await world.ok(association.owner, "POST", f"/v1/applications/{ended['id']}/cancel", {"reason": "Fini."})
    late = await world.application(employee, await world.mission(await world.association()))
    assert late["warnings"] == []
    assert (await world.ok(employee, "GET", f"/v1/applications/{ended['id']}"))["warnings"] == []

"""An employer takes its agreement back until the first day: played by hand, raced, and without its guard."""

import asyncio
from datetime import UTC, datetime, time, timedelta
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import httpx
import pytest
from litestar import Litestar

from api.applications.clockwork import start_due_missions
from api.core import clock
from api.identity.service import issue_token
from tests.make.clone import cloned
from tests.make.gate import held, until_waiting
from tests.make.served import served
from tests.make.world import Association, World, facts_of

REASON = {"reason": "La clôture a été avancée."}


class Engaged(NamedTuple):
    """An engagement that the employer agreed to, and the instant its first day begins."""

    association: Association
    hr: str
    employee: str
    application: dict[str, Any]

    def path(self, act: str) -> str:
        """Give the path of an act."""
        return f"/v1/applications/{self.application['id']}/{act}"

    @property
    def first_day(self) -> datetime:
        """Give the instant of the agreed first day, in the mission's zone."""
        day = datetime.fromisoformat(self.application["agreed"]["starts_on"])
        return datetime.combine(day, time.min, ZoneInfo("Europe/Paris")).astimezone(UTC)


async def engaged(world: World, **policy: Any) -> Engaged:
    association, company = await world.association(), await world.company(**{"approval": "hr"} | policy)
    employee, application = await world.engagement(association, company)
    me = await world.ok(company.admin, "GET", "/v1/me")
    hr = await issue_token(me["emails"][0], timedelta(days=90))  # it works on the first day too
    return Engaged(association, hr, employee, application)


async def refuse(world: World, it: Engaged, at: datetime | None = None) -> httpx.Response:
    with clock.at(at or clock.now()):
        return await world.call(it.hr, "POST", it.path("refuse"), REASON)


async def declared(world: World, it: Engaged) -> str:
    day = clock.today("Europe/Paris").isoformat()
    body = {"worked_on": day, "minutes": 60}
    return str((await world.ok(it.employee, "POST", it.path("hours"), body))["id"])


@pytest.mark.parametrize("approval", ["hr", "automatic"])
async def test_an_agreement_is_taken_back_until_the_first_day(world: World, approval: str) -> None:
    it = await engaged(world, approval=approval)
    eve, day = it.first_day - timedelta(seconds=1), it.first_day
    late = await refuse(world, it, day)
    taken = await refuse(world, it, eve)
    again = await refuse(world, it, eve)

    assert (late.status_code, late.json()["state"]) == (409, "approved")
    assert late.json()["detail"].startswith("Le premier jour est venu")
    assert (taken.status_code, taken.json()["state"], taken.json()["employer_approval"]) == (
        200,
        "employer_refused",
        "refused",
    )
    assert again.json()["version"] == taken.json()["version"]
    assert (await facts_of(it.application["id"]))["EmployerRefused"] == 1
    mission = await world.ok(None, "GET", f"/v1/missions/{it.application['mission_id']}")
    assert mission["places_left"] == 1


async def test_what_was_never_accepted_is_taken_back_too_and_personal_time_never(world: World) -> None:
    association, company = await world.association(), await world.company(approval="automatic")
    mission, employee = await world.mission(association), world.employee(company)
    application = await world.application(employee, mission)
    path = f"/v1/applications/{application['id']}/refuse"
    assert (await world.ok(company.admin, "POST", path, REASON))["state"] == "employer_refused"

    private = await world.application(employee, await world.mission(association), "personal_time")
    path = f"/v1/applications/{private['id']}/refuse"
    for who, status in ((company.admin, 404), (association.owner, 403), (employee, 403)):
        assert (await world.call(who, "POST", path, REASON)).status_code == status


async def test_the_agreed_first_day_counts_before_the_missions(world: World) -> None:
    it = await engaged(world)
    later = (it.first_day + timedelta(days=11)).date()
    change = await world.ok(it.employee, "POST", it.path("changes"), {"starts_on": str(later)})
    await world.ok(it.association.owner, "POST", f"/v1/changes/{change['id']}/accept")
    taken = await refuse(world, it, it.first_day + timedelta(days=2))
    assert taken.status_code == 200, taken.text


async def test_nothing_is_taken_back_once_hours_are_confirmed(world: World) -> None:
    it = await engaged(world)
    hours = await declared(world, it)
    await world.ok(it.association.owner, "POST", f"/v1/hours/{hours}/confirm")
    refused = await refuse(world, it)
    assert (refused.status_code, refused.json()["type"]) == (409, "/problems/wrong-state")
    assert refused.json()["detail"].startswith("Des heures sont confirmées")


async def line_up(
    environment: dict[str, str], table: str, row_id: str, calls: list[Any]
) -> list[httpx.Response | int]:
    """Let calls stand in line before a row, in their order, and give their answers."""
    tasks = []
    async with held(environment, table, row_id) as gate:
        for number, call in enumerate(calls, 1):
            tasks.append(asyncio.create_task(call))
            await until_waiting(gate, number)
    return list(await asyncio.gather(*tasks))


@pytest.mark.parametrize("first", ["refuse", "withdraw"])
async def test_taking_back_meets_a_withdrawal(world: World, environment: dict[str, str], first: str) -> None:
    it = await engaged(world)
    withdraw = world.call(it.employee, "POST", it.path("withdraw"), {"reason": "not_available"})
    calls = [refuse(world, it), withdraw]
    mission = it.application["mission_id"]
    answers = await line_up(environment, "mission", mission, calls if first == "refuse" else calls[::-1])

    assert [answer.status_code for answer in answers if isinstance(answer, httpx.Response)] == [200, 409]
    ended = await world.ok(it.employee, "GET", f"/v1/applications/{it.application['id']}")
    assert ended["state"] == ("employer_refused" if first == "refuse" else "withdrawn")


async def start(at: datetime) -> int:
    with clock.at(at):
        return await start_due_missions()


@pytest.mark.parametrize("first", ["refuse", "start"])
async def test_taking_back_meets_the_start(world: World, environment: dict[str, str], first: str) -> None:
    it = await engaged(world)
    day = it.first_day
    calls: list[Any] = (
        [refuse(world, it, day - timedelta(seconds=1)), start(day)]
        if first == "refuse"
        else [start(day), refuse(world, it, day)]
    )
    answers = await line_up(environment, "mission", it.application["mission_id"], calls)

    answer = answers[0 if first == "refuse" else 1]
    assert isinstance(answer, httpx.Response)
    mission = await world.ok(None, "GET", f"/v1/missions/{it.application['mission_id']}")
    expected = (200, "published", 1) if first == "refuse" else (409, "in_progress", 0)
    assert (answer.status_code, mission["state"], mission["places_left"]) == expected


@pytest.mark.parametrize("first", ["confirm", "refuse"])
async def test_taking_back_meets_confirmed_hours(
    world: World, environment: dict[str, str], first: str
) -> None:
    it = await engaged(world)
    hours = await declared(world, it)
    confirm = world.call(it.association.owner, "POST", f"/v1/hours/{hours}/confirm")
    calls = [confirm, refuse(world, it)]
    given = calls if first == "confirm" else calls[::-1]
    answers = await line_up(environment, "application", it.application["id"], given)

    # Hours already worked stay, and are confirmed, after an end.
    expected = [200, 409] if first == "confirm" else [200, 200]
    assert [answer.status_code for answer in answers if isinstance(answer, httpx.Response)] == expected


async def test_everybody_ends_it_at_once_and_it_ends_once(world: World) -> None:
    it = await engaged(world)
    withdraw = world.call(it.employee, "POST", it.path("withdraw"), {"reason": "not_available"})
    cancel = world.call(it.association.owner, "POST", it.path("cancel"), REASON)
    answers = await asyncio.gather(*(refuse(world, it) for _ in range(6)), withdraw, cancel)

    assert {answer.status_code for answer in answers} == {200, 409}
    facts = await facts_of(it.application["id"])
    assert facts["EmployerRefused"] + facts["ApplicationWithdrawn"] + facts["ApplicationEnded"] == 1
    mission = await world.ok(None, "GET", f"/v1/missions/{it.application['mission_id']}")
    assert mission["places_left"] == 1


async def test_without_its_guard_an_agreement_is_taken_back_from_who_works(
    app: Litestar, environment: dict[str, str]
) -> None:
    guard = "DROP TRIGGER application_taken_back ON application"
    async with cloned(environment, guard) as settings, served(app, settings) as client:
        world = World(client, environment)
        late, worked = await engaged(world), await engaged(world)
        hours = await declared(world, worked)
        await world.ok(worked.association.owner, "POST", f"/v1/hours/{hours}/confirm")
        assert (await refuse(world, late, late.first_day)).status_code == 200
        assert (await refuse(world, worked)).status_code == 200

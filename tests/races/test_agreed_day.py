"""Hours begin and end with the engagement: played by hand, raced, and without the guards."""

import asyncio
import time
from datetime import date, timedelta
from uuid import UUID

import httpx
from litestar import Litestar

from api.core import clock
from api.core.check import violations
from api.core.database import operations
from api.identity.service import issue_token
from api.notifications import render
from tests.api.core.asking import assert_problem
from tests.make.clone import cloned
from tests.make.gate import held, until_waiting
from tests.make.served import served
from tests.make.world import Association, Company, World, agreed_earlier, begun

PARIS = "Europe/Paris"


async def accepted(world: World, association: Association, company: Company) -> tuple[str, str]:
    """Give an employee's token and the path of their accepted application, which their employer has yet to agree to."""
    token = world.employee(company, exp=int(time.time()) + 2 * 86_400)
    application = await world.application(token, await world.mission(association))
    path = f"/v1/applications/{application['id']}"
    await world.ok(association.owner, "POST", f"{path}/accept")
    return token, path


async def declare(world: World, token: str, path: str, day: date) -> httpx.Response:
    return await world.call(token, "POST", f"{path}/hours", {"worked_on": str(day), "minutes": 30})


async def test_hours_begin_the_day_the_last_one_agrees(world: World) -> None:
    association, company = await world.association(), await world.company(approval="hr")
    token, path = await accepted(world, association, company)
    me = await world.ok(company.admin, "GET", "/v1/me")
    hr = await issue_token(me["emails"][0], timedelta(days=90))
    day = clock.today(PARIS)
    with clock.at(clock.now() + timedelta(days=1)):
        assert_problem(await declare(world, token, path, day), 409, "employer-pending")
        await world.ok(hr, "POST", f"{path}/approve")
        early = await declare(world, token, path, day)
        assert (await declare(world, token, path, clock.today(PARIS))).status_code == 201

    document = assert_problem(early, 422, "invalid", "/worked_on")
    (fault,) = document["errors"]
    assert fault["code"] == "before-engagement"
    assert render.day(day + timedelta(days=1), "fr") in fault["detail"]


async def test_on_personal_time_hours_begin_with_the_acceptance(world: World) -> None:
    token, application = await world.engagement(
        await world.association(), await world.company(), "personal_time"
    )
    path, today = f"/v1/applications/{application['id']}", clock.today(PARIS)

    assert_problem(await declare(world, token, path, today - timedelta(days=1)), 422, "invalid", "/worked_on")
    assert (await declare(world, token, path, today)).status_code == 201


async def test_asking_the_employer_again_does_not_move_the_day(world: World) -> None:
    association, company = await world.association(), await world.company(approval="hr")
    token, application = await world.engagement(association, company)
    path, today = f"/v1/applications/{application['id']}", clock.today(PARIS)
    await agreed_earlier(application["id"], days=2)
    longer = await world.ok(association.owner, "POST", f"{path}/changes", {"effort_minutes": 2400})
    await world.ok(token, "POST", f"/v1/changes/{longer['id']}/accept")
    assert_problem(await declare(world, token, path, today), 409, "employer-pending")
    await world.ok(company.admin, "POST", f"{path}/approve")

    assert (await declare(world, token, path, today - timedelta(days=2))).status_code == 201
    assert_problem(await declare(world, token, path, today - timedelta(days=3)), 422, "invalid", "/worked_on")


async def test_hours_wait_for_an_agreement_that_is_being_given(
    world: World, environment: dict[str, str]
) -> None:
    association, company = await world.association(), await world.company(approval="hr")
    token, path = await accepted(world, association, company)
    async with held(environment, "application", path.rpartition("/")[2]) as gate:
        approval = asyncio.create_task(world.call(company.admin, "POST", f"{path}/approve"))
        await until_waiting(gate, 1)
        hours = asyncio.create_task(declare(world, token, path, clock.today(PARIS)))
        await until_waiting(gate, 2)

    assert (await approval).status_code == 200
    assert (await hours).status_code == 201


async def test_an_agreement_and_hours_of_the_day_before_at_once(world: World) -> None:
    association, company = await world.association(), await world.company(approval="hr")
    before = clock.today(PARIS) - timedelta(days=1)
    for _ in range(5):
        token, path = await accepted(world, association, company)
        approval, *hours = await asyncio.gather(
            world.call(company.admin, "POST", f"{path}/approve"),
            *(declare(world, token, path, before) for _ in range(4)),
        )
        assert approval.status_code == 200
        assert {answer.status_code for answer in hours} <= {409, 422}
        assert_problem(await declare(world, token, path, before), 422, "invalid", "/worked_on")


async def test_without_its_guard_hours_come_before_the_engagement(
    app: Litestar, environment: dict[str, str]
) -> None:
    guard = "DROP TRIGGER hours_entry_of_engagement ON hours_entry"
    async with cloned(environment, guard) as settings, served(app, settings) as client:
        world = World(client, environment)
        token, application = await world.engagement(await world.association(), await world.company())
        path, before = f"/v1/applications/{application['id']}", clock.today(PARIS) - timedelta(days=1)
        assert (await declare(world, token, path, before)).status_code == 201
        assert "hours_follow_the_engagement" in {violation.invariant for violation in await violations()}


async def test_hours_end_the_day_the_engagement_did(world: World) -> None:
    association = await world.association()
    token, application = await world.engagement(association, await world.company(), "personal_time")
    path, today = f"/v1/applications/{application['id']}", clock.today(PARIS)
    await agreed_earlier(application["id"], days=2)
    await begun(application["id"])
    await world.ok(association.owner, "POST", f"{path}/complete")
    async with operations() as connection:
        await connection.execute(
            "UPDATE application SET engaged_until = engaged_until - 1 WHERE id = $1", UUID(application["id"])
        )

    for language in ("en", "fr"):
        late = await world.call(
            token, "POST", f"{path}/hours", {"worked_on": str(today), "minutes": 30}, accept_language=language
        )
        (fault,) = assert_problem(late, 422, "invalid", "/worked_on")["errors"]
        assert fault["code"] == "after-engagement"
        assert render.day(today - timedelta(days=1), language) in fault["detail"]
    assert (await declare(world, token, path, today - timedelta(days=1))).status_code == 201
    assert (await declare(world, token, path, today - timedelta(days=2))).status_code == 201


async def test_an_end_and_hours_of_the_day_after_it(world: World, environment: dict[str, str]) -> None:
    """What waits for the end that is being written is held against it."""
    association = await world.association()
    token, application = await world.engagement(association, await world.company(), "personal_time")
    path, today = f"/v1/applications/{application['id']}", clock.today(PARIS)
    await agreed_earlier(application["id"], days=2)
    await begun(application["id"])
    async with held(environment, "application", application["id"]) as gate:
        with clock.at(clock.now() - timedelta(days=1)):
            end = asyncio.create_task(world.call(association.owner, "POST", f"{path}/complete"))
            await until_waiting(gate, 1)
        hours = asyncio.create_task(declare(world, token, path, today))
        await until_waiting(gate, 2)

    assert (await end).status_code == 200
    assert_problem(await hours, 422, "invalid", "/worked_on")


async def test_without_its_guard_hours_come_after_the_engagement(
    app: Litestar, environment: dict[str, str]
) -> None:
    guard = "DROP TRIGGER hours_entry_before_end ON hours_entry"
    async with cloned(environment, guard) as settings, served(app, settings) as client:
        world = World(client, environment)
        association = await world.association()
        token, application = await world.engagement(association, await world.company(), "personal_time")
        path = f"/v1/applications/{application['id']}"
        await begun(application["id"])
        await world.ok(association.owner, "POST", f"{path}/complete")
        async with operations() as connection:
            await connection.execute("UPDATE application SET engaged_until = engaged_until - 1")
        assert (await declare(world, token, path, clock.today(PARIS))).status_code == 201
        assert "hours_follow_the_engagement" in {violation.invariant for violation in await violations()}

"""Leaving a company: what came through it ends with the answer, what is the person's own stays."""

from datetime import date, datetime, time, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from api.applications.clockwork import decide_silent_approvals, hand_on_approvals
from api.core import clock
from api.core.actor import system
from api.core.database import operations, transaction
from api.core.settings import Settings
from api.identity import service as identity
from api.organisations.facts import ManyDeactivated
from tests.api.core.asking import assert_problem
from tests.api.test_magic_links import sign_in
from tests.faults.month import lasting
from tests.make.world import Company, World
from tests.reactions.world import catch_up
from workers.reactions.organisations import tell_administrators_of_departures


async def _job(world: World, token: str) -> dict[str, Any]:
    me = await world.ok(token, "GET", "/v1/me")
    return dict(me["employments"][0])


async def _act(world: World, company: Company, employee_id: str, verb: str) -> dict[str, Any]:
    path = f"/v1/companies/{company.id}/employees/{employee_id}/{verb}"
    done: dict[str, Any] = await world.ok(company.admin, "POST", path)
    return done


async def test_a_leaver_is_out_and_their_places_are_free(world: World) -> None:
    association, company = await world.association(), await world.company()
    employee, accepted = await world.engagement(association, company)
    personal = await world.application(employee, await world.mission(association), "personal_time")
    job = await _job(world, employee)

    gone = await _act(world, company, job["employee_id"], "deactivate")

    assert gone["active"] is False
    assert (await world.call(employee, "GET", "/v1/me")).status_code == 401
    for application in (accepted, personal):
        seen = await world.ok(association.owner, "GET", f"/v1/applications/{application['id']}")
        assert (seen["state"], seen["history"][-1]["reason"]) == ("withdrawn", "not_available")
        mission = await world.ok(None, "GET", f"/v1/missions/{application['mission_id']}")
        assert mission["places_left"] == 1
    assert await _act(world, company, job["employee_id"], "deactivate") == gone


async def test_hr_is_asked_in_the_place_of_a_manager_who_left(world: World, settings: Settings) -> None:
    company = await world.company(approval_days=5)
    manager, employee = world.employee(company), world.employee(company)
    of_manager, of_employee = await _job(world, manager), await _job(world, employee)
    path = f"/v1/companies/{company.id}/employees/{of_employee['employee_id']}"
    tag = (await world.call(company.admin, "GET", path)).headers["etag"]
    await world.ok(company.admin, "PATCH", path, {"manager_id": of_manager["employee_id"]}, if_match=tag)
    application = await world.application(employee, await world.mission(await world.association()))
    await catch_up(settings)
    hr = await lasting(world, company.admin)

    with clock.at(clock.now() + timedelta(days=4)):
        await _act(world, company._replace(admin=hr), of_manager["employee_id"], "deactivate")
    with clock.at(clock.now() + timedelta(days=5.5)):  # after a day without a worker
        for decide in (decide_silent_approvals, hand_on_approvals) * 2:
            await decide()
        await catch_up(settings)
        told = (await world.ok(hr, "GET", "/v1/me/notifications"))["items"]
        asked = await world.ok(hr, "GET", f"/v1/applications/{application['id']}")
        agreed = await world.ok(hr, "POST", f"/v1/applications/{application['id']}/approve")

    assert [item["about"]["id"] for item in told if item["kind"] == "approval_asked"] == [application["id"]]
    assert asked["employer_approval"] == "pending"
    first = datetime.combine(
        date.fromisoformat(asked["mission"]["starts_on"]), time(), ZoneInfo("Europe/Paris")
    )
    assert datetime.fromisoformat(asked["approval_due_at"]) == first
    assert agreed["employer_approval"] == "approved"


async def test_coming_back_gives_access_and_no_place(world: World, settings: Settings) -> None:
    association, company = await world.association(), await world.company()
    employee, accepted = await world.engagement(association, company)
    job = await _job(world, employee)
    await _act(world, company, job["employee_id"], "deactivate")

    back = await _act(world, company, job["employee_id"], "reactivate")

    assert back["active"] is True
    assert await _job(world, employee) == job
    seen = await world.ok(employee, "GET", f"/v1/applications/{accepted['id']}")
    assert seen["state"] == "withdrawn"
    await catch_up(settings)
    for token, kind in ((employee, "application_left"), (association.owner, "application_withdrawn")):
        told = (await world.ok(token, "GET", "/v1/me/notifications"))["items"]
        assert [each["kind"] for each in told].count(kind) == 1


async def test_a_lowered_figure_stands_when_its_author_leaves(world: World) -> None:
    association, company = await world.association(), await world.company()
    employee, application = await world.engagement(association, company)
    path = f"/v1/applications/{application['id']}/hours"
    day = clock.today("Europe/Paris").isoformat()
    entry = await world.ok(employee, "POST", path, {"worked_on": day, "minutes": 120})
    hours = f"/v1/hours/{entry['id']}"
    await world.ok(association.owner, "POST", f"{hours}/confirm", {"minutes": 60, "reason": "Une heure."})

    await _act(world, company, (await _job(world, employee))["employee_id"], "deactivate")

    seen = await world.ok(association.owner, "GET", hours)
    assert (seen["state"], seen["minutes"]) == ("approved", 60)
    ledger = await world.ok(company.admin, "GET", f"/v1/companies/{company.id}/ledger")
    assert [line["minutes"] for line in ledger["items"]] == [60]


async def test_a_personal_address_still_opens_what_is_ones_own(world: World) -> None:
    company = await world.company()
    employee = world.employee(company)
    job = await _job(world, employee)
    me = UUID((await world.ok(employee, "GET", "/v1/me"))["id"])
    await _prove(me, "moi@chez-moi.example")
    own = await identity.issue_token("moi@chez-moi.example", timedelta(hours=1))

    association = await world.association()
    applied = await world.application(employee, await world.mission(association), "personal_time")
    path = f"/v1/applications/{applied['id']}"
    await world.ok(association.owner, "POST", f"{path}/messages", {"text": "À lundi !"})

    await _act(world, company, job["employee_id"], "deactivate")

    seen = await world.ok(own, "GET", "/v1/me")
    assert (seen["id"], seen["employments"]) == (str(me), [])
    assert (await world.ok(own, "GET", path))["state"] == "withdrawn"
    messages = (await world.ok(own, "GET", f"{path}/messages"))["items"]
    assert [message["text"] for message in messages] == ["À lundi !"]
    assert_problem(await world.call(own, "POST", f"{path}/messages", {"text": "Si !"}), 403, "forbidden")
    assert_problem(await world.call(own, "POST", "/v1/me/calendar-feed"), 403, "forbidden")
    mission = await world.mission(await world.association())
    refused = await world.call(
        own, "POST", f"/v1/missions/{mission['id']}/applications", {"regime": "personal_time"}
    )
    assert refused.status_code == 403


async def test_the_works_mailbox_opens_nothing_of_the_leaver(world: World) -> None:
    company = await world.company()
    employee = world.employee(company)
    path = f"/v1/companies/{company.id}/employees/{(await _job(world, employee))['employee_id']}"
    address = (await world.ok(company.admin, "GET", path))["email"]
    me = UUID((await world.ok(employee, "GET", "/v1/me"))["id"])
    await _prove(me, address)
    by_mail = await sign_in(world, address)
    assert (await world.ok(by_mail, "GET", "/v1/me"))["id"] == str(me)

    await world.ok(company.admin, "POST", f"{path}/deactivate")

    assert (await world.call(by_mail, "GET", "/v1/me")).status_code == 401
    next_reader = await sign_in(world, address)
    assert (await world.ok(next_reader, "GET", "/v1/me"))["id"] != str(me)


async def test_only_hr_of_the_company_ends_a_job(world: World) -> None:
    company, other = await world.company(), await world.company()
    employee = world.employee(company)
    path = f"/v1/companies/{company.id}/employees/{(await _job(world, employee))['employee_id']}"

    for verb in ("deactivate", "reactivate"):
        assert (await world.call(employee, "POST", f"{path}/{verb}")).status_code == 403
        assert (await world.call(other.admin, "POST", f"{path}/{verb}")).status_code == 404
        assert (await world.call(None, "POST", f"{path}/{verb}")).status_code == 401
    assert (await world.call(employee, "GET", "/v1/me")).status_code == 200


async def test_nobody_comes_back_from_a_new_job(world: World) -> None:
    former, present = await world.company(), await world.company()
    employee = world.employee(former)
    job = await _job(world, employee)
    await _act(world, former, job["employee_id"], "deactivate")
    async with operations() as connection:
        await connection.execute(
            """INSERT INTO employee (id, company_id, person_id, created_at)
               SELECT uuidv7(), $1, person_id, now() FROM employee WHERE id = $2""",
            UUID(present.id),
            UUID(job["employee_id"]),
        )

    path = f"/v1/companies/{former.id}/employees/{job['employee_id']}/reactivate"
    answer = await world.call(former.admin, "POST", path)

    assert (answer.status_code, answer.json()["type"]) == (409, "/problems/employed-elsewhere")


async def _prove(person_id: UUID, address: str) -> None:
    async with operations() as connection:
        await connection.execute(
            "INSERT INTO person_email (id, person_id, email, proved_at) VALUES (uuidv7(), $1, $2, now())",
            person_id,
            address,
        )


async def test_many_departures_within_an_hour_alert_the_administrators_once(world: World) -> None:
    company = await world.company()
    jobs = [await _job(world, world.employee(company)) for _ in range(19)]
    for job in jobs[:2]:
        await _act(world, company, job["employee_id"], "deactivate")
    assert await _alerts(company) == 0  # two of twenty are a tenth, not more

    await _act(world, company, jobs[2]["employee_id"], "deactivate")
    await _act(world, company, jobs[3]["employee_id"], "deactivate")

    assert await _alerts(company) == 2
    with clock.at(clock.now()):
        async with transaction(system(company_id=UUID(company.id))):
            for key in ("a", "b"):
                await tell_administrators_of_departures(ManyDeactivated(company_id=UUID(company.id)), key)
    told = await world.ok(company.admin, "GET", "/v1/me/notifications")
    assert [(one["kind"], one["about"]["id"]) for one in told["items"]] == [("many_deactivated", company.id)]
    assert "leur nombre\u00a0: 4." in told["items"][0]["text"]


async def _alerts(company: Company) -> int:
    async with operations() as connection:
        count: int = await connection.fetchval(
            "SELECT count(*) FROM outbox WHERE fact = 'ManyDeactivated' AND company_id = $1", UUID(company.id)
        )
    return count

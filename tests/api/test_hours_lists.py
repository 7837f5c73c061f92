"""Lists of hours: those of a mission, of an employee, of days."""

from datetime import timedelta

from api.core import clock
from tests.make.world import World, agreed_earlier


async def test_an_association_lists_the_hours_of_one_of_its_missions(world: World) -> None:
    association, company = await world.association(), await world.company(approval="automatic")
    day, missions = str(clock.today("Europe/Paris")), []
    for minutes in (30, 60):
        employee, application = await world.engagement(association, company)
        body = {"worked_on": day, "minutes": minutes}
        await world.ok(employee, "POST", f"/v1/applications/{application['id']}/hours", body)
        missions.append(application["mission_id"])

    for mission, minutes in zip(missions, (30, 60), strict=True):
        path = f"/v1/associations/{association.id}/hours?mission={mission}"
        items = (await world.ok(association.owner, "GET", path))["items"]
        assert [(item["mission"]["id"], item["minutes"]) for item in items] == [(mission, minutes)]
        assert (await world.ok(association.owner, "GET", f"{path}&state=approved"))["items"] == []


async def test_hr_lists_the_hours_of_an_employee_between_two_days(world: World) -> None:
    association, company = await world.association(), await world.company(approval="automatic")
    today, jobs = clock.today("Europe/Paris"), []
    for minutes in (30, 60):
        employee, application = await world.engagement(association, company)
        await agreed_earlier(application["id"])
        jobs.append((await world.ok(employee, "GET", "/v1/me"))["employments"][0]["employee_id"])
        for days_ago in range(3):
            body = {"worked_on": str(today - timedelta(days=days_ago)), "minutes": minutes + days_ago}
            await world.ok(employee, "POST", f"/v1/applications/{application['id']}/hours", body)

    async def listed(query: str) -> list[int]:
        answer = await world.ok(company.admin, "GET", f"/v1/companies/{company.id}/hours?{query}")
        return sorted(item["minutes"] for item in answer["items"])

    yesterday = today - timedelta(days=1)
    assert await listed(f"employee={jobs[0]}") == [30, 31, 32]
    assert await listed(f"from={yesterday}&to={yesterday}") == [31, 61]
    assert await listed(f"employee={jobs[1]}&from={yesterday}") == [60, 61]
    assert await listed(f"to={yesterday}&limit=100") == [31, 32, 61, 62]

    path = f"/v1/companies/{company.id}/hours?employee={jobs[1]}&limit=2"
    page = await world.ok(company.admin, "GET", path)
    rest = await world.ok(company.admin, "GET", f"{path}&cursor={page['next']}")
    assert [item["minutes"] for item in page["items"] + rest["items"]] == [62, 61, 60]
    other = path.replace(jobs[1], jobs[0])
    assert (await world.call(company.admin, "GET", f"{other}&cursor={page['next']}")).status_code == 400

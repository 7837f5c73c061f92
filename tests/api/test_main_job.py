"""The main job over HTTP, without the worker: from an unverified association to the month's figures."""

from datetime import timedelta

from api.core import clock
from tests.make.world import World


async def test_hours_of_an_engagement_reach_the_report(world: World) -> None:
    association, company = await world.association(), await world.company()
    employee, application = await world.engagement(association, company)
    today = clock.today("Europe/Paris")

    path = f"/v1/applications/{application['id']}/hours"
    declared = await world.ok(employee, "POST", path, {"worked_on": today.isoformat(), "minutes": 90})
    confirmed = await world.ok(association.owner, "POST", f"/v1/hours/{declared['id']}/confirm")

    assert confirmed["state"] == "approved"
    assert confirmed["ledger_id"]
    report = await world.ok(
        company.admin,
        "GET",
        f"/v1/companies/{company.id}/reports/engagement?from={today:%Y-%m}-01&to={today}&by=month",
    )
    assert report["rows"] == [
        {
            "month": f"{today:%Y-%m}",
            "regime": "working_time",
            "minutes": 90,
            "people": 1,
            "missions": 1,
            "associations": 1,
        }
    ]
    ledger = await world.ok(company.admin, "GET", f"/v1/companies/{company.id}/ledger")
    assert [line["id"] for line in ledger["items"]] == [confirmed["ledger_id"]]


async def test_the_association_may_lower_but_not_raise(world: World) -> None:
    association, company = await world.association(), await world.company()
    employee, application = await world.engagement(association, company)
    today = clock.today("Europe/Paris").isoformat()
    entry = await world.ok(
        employee, "POST", f"/v1/applications/{application['id']}/hours", {"worked_on": today, "minutes": 90}
    )
    path = f"/v1/hours/{entry['id']}"

    raised = await world.call(association.owner, "POST", f"{path}/confirm", {"minutes": 100})
    silent = await world.call(association.owner, "POST", f"{path}/confirm", {"minutes": 60})
    lowered = await world.ok(
        association.owner, "POST", f"{path}/confirm", {"minutes": 60, "reason": "Une heure seulement."}
    )
    accepted = await world.ok(employee, "POST", f"{path}/accept")

    assert (raised.status_code, raised.json()["errors"][0]["pointer"]) == (422, "/minutes")
    assert (silent.status_code, silent.json()["errors"][0]["pointer"]) == (422, "/reason")
    assert (lowered["state"], lowered["minutes"], lowered["declared_minutes"]) == ("lowered", 60, 90)
    assert (accepted["state"], accepted["minutes"]) == ("approved", 60)


async def test_an_unverified_association_waits_for_a_moderator(world: World) -> None:
    association = await world.association(verified=False)
    mission = await world.mission(association)
    moderator = await world.moderator()
    path = f"/v1/missions/{mission['id']}"

    assert mission["state"] == "submitted"
    assert (await world.call(None, "GET", path)).status_code == 404
    read = f'"v{mission["version"]}-0"'
    reasons = {"reasons": ["Précisez le livrable."]}
    rejected = await world.ok(moderator, "POST", f"{path}/reject", reasons, if_match=read)
    again = await world.ok(association.owner, "POST", f"{path}/submit")
    unread = await world.call(moderator, "POST", f"{path}/publish")
    stale = await world.call(moderator, "POST", f"{path}/publish", if_match=read)
    read = f'"v{again["version"]}-0"'
    published = await world.ok(moderator, "POST", f"{path}/publish", if_match=read)

    assert (rejected["state"], rejected["state_reason"]) == ("rejected", "Précisez le livrable.")
    assert (again["state"], published["state"]) == ("submitted", "published")
    assert (unread.status_code, stale.status_code) == (428, 412)
    assert (await world.call(None, "GET", path)).status_code == 200


async def test_every_broken_rule_is_said_at_once_in_the_readers_language(world: World) -> None:
    association = await world.association()
    yesterday = (clock.today("Europe/Paris") - timedelta(days=1)).isoformat()
    broken = {
        "title": "Site",
        "description": "Écrivez à moi@asso.example",
        "effort_minutes": 5,
        "starts_on": yesterday,
    }
    draft = await world.mission(association, publish=False, **broken, ends_on=None)
    path = f"/v1/missions/{draft['id']}/submit"

    french = await world.call(association.owner, "POST", path, accept_language="fr")
    english = await world.call(association.owner, "POST", path, accept_language="en-GB,en;q=0.9")

    codes = {(error["pointer"], error["code"]) for error in french.json()["errors"]}
    assert french.status_code == english.status_code == 422
    assert codes == {
        ("/title", "title-too-short"),
        ("/description", "too-short"),
        ("/description", "contact-details"),
        ("/effort_minutes", "out-of-bounds"),
        ("/starts_on", "in-the-past"),
    }
    assert "deux mots" in french.text
    assert "two words" in english.text
    assert {problem["code"] for problem in draft["problems"]} == {code for _, code in codes}


async def test_a_refusal_by_the_employer_frees_the_place(world: World) -> None:
    association, company = await world.association(), await world.company()
    mission = await world.mission(association)
    employee = world.employee(company)
    path = f"/v1/applications/{(await world.application(employee, mission))['id']}"
    await world.ok(association.owner, "POST", f"{path}/accept")

    full = await world.ok(None, "GET", f"/v1/missions/{mission['id']}")
    refused = await world.ok(company.admin, "POST", f"{path}/refuse", {"reason": "Période de clôture."})
    freed = await world.ok(None, "GET", f"/v1/missions/{mission['id']}")

    assert (full["places_left"], freed["places_left"]) == (0, 1)
    assert (refused["state"], refused["employer_approval"]) == ("employer_refused", "refused")
    told = {who: await world.ok(who, "GET", path) for who in (employee, company.admin, association.owner)}
    assert [each["employer_reason"] for each in told.values()] == ["Période de clôture."] * 2 + [None]


async def test_a_full_mission_takes_nobody_more(world: World) -> None:
    association, company = await world.association(), await world.company()
    mission = await world.mission(association)
    first, second = [await world.application(world.employee(company), mission) for _ in range(2)]
    await world.ok(association.owner, "POST", f"/v1/applications/{first['id']}/accept")

    refused = await world.call(association.owner, "POST", f"/v1/applications/{second['id']}/accept")

    assert (refused.status_code, refused.json()["type"]) == (409, "/problems/mission-full")
    assert "liste d’attente" in refused.json()["detail"]
    left = await world.ok(association.owner, "GET", f"/v1/applications/{second['id']}")
    assert left["state"] == "submitted"


async def test_an_act_done_twice_is_recorded_once(world: World) -> None:
    association, company = await world.association(), await world.company()
    application = await world.application(world.employee(company), await world.mission(association))
    path = f"/v1/applications/{application['id']}/accept"

    first = await world.ok(association.owner, "POST", path)
    again = await world.ok(association.owner, "POST", path)

    assert first == again
    assert [event["state"] for event in again["history"]] == ["submitted", "accepted"]


async def test_a_withdrawn_applicant_can_apply_again(world: World) -> None:
    association, company = await world.association(), await world.company()
    mission, employee = await world.mission(association), world.employee(company)
    first = await world.application(employee, mission)
    twice = await world.call(
        employee, "POST", f"/v1/missions/{mission['id']}/applications", {"regime": "working_time"}
    )
    await world.ok(employee, "POST", f"/v1/applications/{first['id']}/withdraw", {"reason": "not_available"})
    again = await world.application(employee, mission)

    assert (twice.status_code, twice.json()["type"]) == (409, "/problems/already-applied")
    assert again["id"] != first["id"]


async def test_figures_of_a_day_past_stay_what_they_were(world: World) -> None:
    association, company = await world.association(), await world.company()
    employee, application = await world.engagement(association, company)
    today = clock.today("Europe/Paris")
    path = f"/v1/applications/{application['id']}/hours"
    entry = await world.ok(employee, "POST", path, {"worked_on": today.isoformat(), "minutes": 45})
    await world.ok(association.owner, "POST", f"/v1/hours/{entry['id']}/confirm")
    report = f"/v1/companies/{company.id}/reports/engagement?from={today}&to={today}&as_of="

    now = (await world.ok(company.admin, "GET", report.removesuffix("&as_of=")))["as_of"].replace(
        "+00:00", "Z"
    )
    posted = await world.ok(company.admin, "GET", report + now)
    before = await world.ok(company.admin, "GET", report + str(today - timedelta(days=1)))
    to_come = await world.call(company.admin, "GET", report + str(today))
    no_day = await world.call(company.admin, "GET", report + "2026-02-30")

    assert [row["minutes"] for row in posted["rows"]] == [45]
    assert before["rows"] == []
    assert (to_come.status_code, to_come.json()["errors"][0]["code"]) == (422, "in-the-future")
    assert (no_day.status_code, no_day.json()["errors"][0]["pointer"]) == (422, "/as_of")


async def test_a_day_is_declared_once_within_a_year(world: World) -> None:
    association, company = await world.association(), await world.company()
    employee, application = await world.engagement(association, company)
    today = clock.today("Europe/Paris")
    path = f"/v1/applications/{application['id']}/hours"

    async def declare(days_ago: int) -> tuple[int, str]:
        day = (today - timedelta(days=days_ago)).isoformat()
        answer = await world.call(employee, "POST", path, {"worked_on": day, "minutes": 30})
        told = answer.json()
        return answer.status_code, told.get("type", "") + told.get("errors", [{"code": ""}])[0]["code"]

    assert await declare(0) == (201, "")
    assert await declare(0) == (409, "/problems/day-declared")
    assert await declare(-1) == (422, "/problems/invalidin-the-future")
    assert await declare(400) == (422, "/problems/invalidtoo-old")


async def test_a_day_has_24_hours_over_all_engagements(world: World) -> None:
    association, company = await world.association(), await world.company(approval="automatic")
    employee, day = world.employee(company), clock.today("Europe/Paris").isoformat()
    paths = []
    for _ in range(2):
        application = await world.application(employee, await world.mission(association))
        await world.ok(association.owner, "POST", f"/v1/applications/{application['id']}/accept")
        paths.append(f"/v1/applications/{application['id']}/hours")

    answers = [await world.call(employee, "POST", path, {"worked_on": day, "minutes": 800}) for path in paths]

    assert [answer.status_code for answer in answers] == [201, 422]
    assert answers[1].json()["errors"][0]["code"] == "day-full"


async def test_only_hr_decides_where_the_policy_says_hr(world: World) -> None:
    association, company = await world.association(), await world.company(approval="hr")
    employee, manager = world.employee(company), world.employee(company, "cheffe")
    ids = [
        (await world.ok(token, "GET", "/v1/me"))["employments"][0]["employee_id"]
        for token in (employee, manager)
    ]
    job = f"/v1/companies/{company.id}/employees/{ids[0]}"
    tag = (await world.call(company.admin, "GET", job)).headers["etag"]
    await world.ok(company.admin, "PATCH", job, {"manager_id": ids[1]}, if_match=tag)
    path = f"/v1/applications/{(await world.application(employee, await world.mission(association)))['id']}"

    assert (await world.call(manager, "POST", f"{path}/approve")).status_code == 404
    assert (await world.ok(company.admin, "POST", f"{path}/approve"))["employer_approval"] == "approved"


async def test_who_has_no_employer_is_told_how_one_applies(world: World) -> None:
    association = await world.association()
    mission = await world.mission(await world.association())
    body = {"regime": "personal_time"}
    path = f"/v1/missions/{mission['id']}/applications"
    answer = await world.call(association.owner, "POST", path, body, accept_language="en")
    assert answer.status_code == 403
    assert "through a company" in answer.json()["detail"]

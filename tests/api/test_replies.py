"""Nobody applies into silence: shortlists, reminders, expiry, reopening, reply figures, messages."""

from datetime import datetime, timedelta
from typing import Any

import msgspec
import pytest

from api.applications.clockwork import decide_silent_approvals, expire_unanswered, remind_of_replies
from api.core import clock
from api.core.database import operations
from tests.api.core.asking import assert_problem
from tests.api.test_members import join
from tests.make.world import Association, World, begun


def path(application: dict[str, Any], act: str = "") -> str:
    return f"/v1/applications/{application['id']}{act and '/'}{act}"


async def applied(world: World, association: Association, **fields: Any) -> tuple[str, dict[str, Any]]:
    """Give an employee's token, and their application to a new mission."""
    employee = world.employee(await world.company(approval="automatic"))
    return employee, await world.application(employee, await world.mission(association, **fields))


async def facts(application: dict[str, Any]) -> list[str]:
    """Give the names of what was recorded of an application, in order."""
    async with operations() as connection:
        rows = await connection.fetch("SELECT fact, payload FROM outbox ORDER BY id")
    return [
        row["fact"]
        for row in rows
        if msgspec.msgpack.decode(row["payload"]).get("application_id") == application["id"]
    ]


async def at(days: float) -> None:
    """Let the schedule remind and give up, so many days from now."""
    with clock.at(clock.now() + timedelta(days=days)):
        await remind_of_replies()
        await expire_unanswered()


async def test_an_application_says_by_when_it_is_answered(world: World) -> None:
    association = await world.association()
    _, application = await applied(world, association)
    due = clock.now() + timedelta(days=7)
    assert abs((due - _instant(application["reply_due_at"])).total_seconds()) < 60
    accepted = await world.ok(association.owner, "POST", path(application, "accept"))
    assert accepted["reply_due_at"] is None


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text)


async def test_a_shortlist_moves_the_date_once_and_never_past_the_first_day(world: World) -> None:
    association = await world.association()
    first = clock.today("Europe/Paris") + timedelta(days=40)
    days = {"starts_on": str(first), "apply_by": str(first - timedelta(days=10)), "ends_on": None}
    _, application = await applied(world, association, **days)
    kept = await world.ok(association.owner, "POST", path(application, "shortlist"))
    again = await world.ok(association.owner, "POST", path(application, "shortlist"))

    assert (kept["state"], again["version"]) == ("shortlisted", kept["version"])
    assert _instant(kept["reply_due_at"]).date() == first - timedelta(days=3)
    soon = clock.today("Europe/Paris") + timedelta(days=12)
    _, other = await applied(world, association, starts_on=str(soon), ends_on=None)
    moved = await world.ok(association.owner, "POST", path(other, "shortlist"))
    assert _instant(moved["reply_due_at"]).date() == soon - timedelta(days=1)


async def test_the_association_is_reminded_twice_then_the_person_is_told(world: World) -> None:
    association = await world.association()
    employee, application = await applied(world, association)
    for days in (3.4, 3.6, 3.7, 5.9, 6.1, 6.2, 6.9):
        await at(days)
    assert (await facts(application)).count("ReplyReminded") == 2
    await at(7.1)
    await at(8)

    ended = await world.ok(employee, "GET", path(application))
    assert (ended["state"], ended["reason"]) == ("expired", "no_reply")
    assert (await facts(application)).count("ApplicationExpired") == 1


async def test_a_reminder_does_not_refuse_who_answers_what_they_read_before(world: World) -> None:
    association = await world.association()
    _, application = await applied(world, association)
    await at(3.6)

    assert (await facts(application)).count("ReplyReminded") == 1
    answer = await world.call(
        association.owner, "POST", path(application, "accept"), if_match=f'"v{application["version"]}-0"'
    )
    assert answer.status_code == 200


async def test_a_week_of_absence_reminds_nobody_of_what_is_over(world: World) -> None:
    association = await world.association()
    _, application = await applied(world, association)
    await at(15)
    assert (await facts(application))[-1] == "ApplicationExpired"
    assert "ReplyReminded" not in await facts(application)


async def test_a_declined_person_applies_again_only_where_it_is_reopened(world: World) -> None:
    association = await world.association()
    employee, application = await applied(world, association)
    await world.ok(association.owner, "POST", path(application, "decline"), {"reason": "mission_filled"})
    again = f"/v1/missions/{application['mission_id']}/applications"

    refused = await world.call(employee, "POST", again, {"regime": "working_time"})
    reopened = await world.ok(association.owner, "POST", path(application, "reopen"))
    accepted = await world.ok(association.owner, "POST", path(application, "accept"))

    assert_problem(refused, 409, "declined-before")
    assert (reopened["state"], accepted["state"]) == ("submitted", "accepted")
    assert reopened["reply_due_at"] is not None


async def test_reopening_beside_a_new_application_is_refused(world: World) -> None:
    association = await world.association()
    employee, application = await applied(world, association)
    await at(8)
    await world.application(employee, {"id": application["mission_id"]})
    answer = await world.call(association.owner, "POST", path(application, "reopen"))
    assert_problem(answer, 409, "already-applied")


async def test_so_many_unanswered_applications_and_no_more(world: World) -> None:
    association = await world.association()
    employee = world.employee(await world.company())
    missions = [await world.mission(association) for _ in range(6)]
    made = [await world.application(employee, mission) for mission in missions[:5]]
    one_more = f"/v1/missions/{missions[5]['id']}/applications"

    refused = await world.call(employee, "POST", one_more, {"regime": "working_time"})
    await world.ok(association.owner, "POST", path(made[0], "accept"))
    taken = await world.call(employee, "POST", one_more, {"regime": "working_time"})

    document = assert_problem(refused, 409, "too-many-applications")
    assert document["most"] == 5
    assert document["detail"].startswith("Au plus 5 peuvent attendre une réponse. Retirez-en une")
    assert taken.status_code == 201


async def test_an_engagement_ends_with_a_reason_and_its_place_comes_back(world: World) -> None:
    association = await world.association()
    employee, application = await applied(world, association)
    await world.ok(association.owner, "POST", path(application, "accept"))
    ended = await world.ok(
        association.owner, "POST", path(application, "cancel"), {"reason": "Le local a brûlé."}
    )
    assert (ended["state"], ended["reason"]) == ("cancelled", "Le local a brûlé.")
    assert (await world.ok(None, "GET", f"/v1/missions/{application['mission_id']}"))["places_left"] == 1
    early = await world.call(employee, "POST", path(application, "cancel"), {"reason": "x"})
    assert early.status_code == 403


async def test_no_show_and_completed_are_exchanged_for_thirty_days(world: World) -> None:
    association = await world.association()
    _, application = await applied(world, association)
    await world.ok(association.owner, "POST", path(application, "accept"))
    await begun(application["id"])
    missed = await world.ok(association.owner, "POST", path(application, "no-show"))
    done = await world.ok(association.owner, "POST", path(application, "complete"))
    assert (missed["state"], done["state"]) == ("no_show", "completed")
    async with operations() as connection:
        await connection.execute(
            "UPDATE application SET ended_at = now() - interval '31 days' WHERE id = $1", application["id"]
        )
    late = await world.call(association.owner, "POST", path(application, "no-show"))
    assert_problem(late, 409, "wrong-state")


async def test_bulk_answers_are_each_their_own(world: World) -> None:
    association, other = await world.association(), await world.association()
    mission = await world.mission(association, places=2)
    company = await world.company(approval="automatic")
    made = [(await world.application(world.employee(company), mission))["id"] for _ in range(3)]
    _, elsewhere = await applied(world, other)

    answered = await world.ok(
        association.owner, "POST", "/v1/applications/accept", {"ids": [*made, elsewhere["id"], made[0]]}
    )
    declined = await world.ok(association.owner, "POST", "/v1/applications/decline", {"ids": made})

    assert [(item["id"], item["status"], item.get("state")) for item in answered["items"]] == [
        (made[0], 200, "accepted"),
        (made[1], 200, "accepted"),
        (made[2], 409, None),
        (elsewhere["id"], 404, None),
    ]
    assert answered["items"][2]["problem"]["type"] == "/problems/mission-full"
    assert [item["status"] for item in declined["items"]] == [409, 409, 200]
    too_many = await world.call(
        association.owner, "POST", "/v1/applications/accept", {"ids": [made[0]] * 501}
    )
    assert too_many.status_code == 422


async def test_the_two_sides_write_and_the_employer_never_reads(world: World) -> None:
    association = await world.association()
    company = await world.company(approval="hr")
    employee = world.employee(company)
    application = await world.application(employee, await world.mission(association))
    first = await world.ok(employee, "POST", path(application, "messages"), {"text": "Bonjour !"})
    await world.ok(association.owner, "POST", path(application, "messages"), {"text": "Bonjour à vous."})

    shown = (await world.ok(association.owner, "GET", path(application, "messages")))["items"]
    assert [(one["text"], one["from_association"]) for one in shown] == [
        ("Bonjour !", False),
        ("Bonjour à vous.", True),
    ]
    assert shown[0] == first
    for method, body in (("GET", None), ("POST", {"text": "x"})):
        answer = await world.call(company.admin, method, path(application, "messages"), body)
        assert answer.status_code == 403
    stranger = await world.association()
    assert (await world.call(stranger.owner, "GET", path(application, "messages"))).status_code == 404


async def test_nothing_is_written_to_an_association_that_is_closed(world: World) -> None:
    association, company = await world.association(), await world.company()
    employee = world.employee(company)
    application = await world.application(employee, await world.mission(association))
    first = await world.ok(employee, "POST", path(application, "messages"), {"text": "Bonjour !"})
    await world.ok(association.owner, "POST", f"/v1/associations/{association.id}/close")
    refused = await world.call(employee, "POST", path(application, "messages"), {"text": "Et alors ?"})
    assert_problem(refused, 409, "wrong-state")
    assert refused.json()["state"] == "closed"
    assert (await world.ok(employee, "GET", path(application, "messages")))["items"] == [first]


@pytest.mark.parametrize("answered", [3, 5])
async def test_reply_figures_count_what_fell_due(world: World, answered: int) -> None:
    association = await world.association()
    made = [(await applied(world, association))[1] for _ in range(6)]
    for application in made[:answered]:
        await world.ok(association.owner, "POST", path(application, "decline"), {"reason": "other"})
    shown = f"/v1/associations/{association.id}"
    before = await world.ok(None, "GET", shown)
    await at(8)

    with clock.at(clock.now() + timedelta(days=9)):
        after = await world.ok(None, "GET", shown)
    assert before["reply_rate"] == (None if answered < 5 else 1.0)
    assert after["reply_rate"] == round(answered / 6, 3)
    assert after["reply_median_minutes"] == 0


async def test_who_leaves_people_without_an_answer_is_found_last(world: World) -> None:
    association = await world.association()
    titles = ("Trier les archives", "Classer des dossiers")
    silent, other = [
        await world.mission(
            association, title=title, description="Des archives à classer, tout un hiver durant."
        )
        for title in titles
    ]
    employee = world.employee(await world.company())
    application = await world.application(employee, silent)
    found = f"/v1/missions?association={association.id}&q=archives"
    before = [item["id"] for item in (await world.ok(None, "GET", found))["items"]]
    await at(8)
    after = [item["id"] for item in (await world.ok(None, "GET", found))["items"]]
    await world.ok(association.owner, "POST", path(application, "reopen"))
    mended = [item["id"] for item in (await world.ok(None, "GET", found))["items"]]

    assert before == mended == [silent["id"], other["id"]]
    assert after == [other["id"], silent["id"]]


@pytest.mark.parametrize(
    ("silence", "state", "approval"),
    [("approve", "submitted", "approved"), ("refuse", "employer_refused", "refused")],
)
async def test_an_employer_s_silence_is_decided_by_policy(
    world: World, silence: str, state: str, approval: str
) -> None:
    association, company = (
        await world.association(),
        await world.company(approval_days=3, approval_silence=silence),
    )
    employee = world.employee(company)
    application = await world.application(employee, await world.mission(association))
    assert application["approval_due_at"] is not None
    for days in (2.9, 3.1, 4):
        with clock.at(clock.now() + timedelta(days=days)):
            await decide_silent_approvals()
    decided = await world.ok(employee, "GET", path(application))
    assert (decided["state"], decided["employer_approval"], decided["approval_due_at"]) == (
        state,
        approval,
        None,
    )
    assert sum(name in ("EmployerApproved", "EmployerRefused") for name in await facts(application)) == 1


async def test_an_employer_is_silent_until_the_first_day_at_most(world: World) -> None:
    association, company = await world.association(), await world.company(approval_days=60)
    employee, first = world.employee(company), clock.today("Europe/Paris") + timedelta(days=7)
    application = await world.application(employee, await world.mission(association, starts_on=str(first)))
    assert _instant(application["approval_due_at"]) < _instant(f"{first}T00:00:01+00:00")


async def test_an_employer_asked_on_the_first_day_has_all_their_days(world: World) -> None:
    association, company = await world.association(), await world.company(approval_days=3)
    employee, today = world.employee(company), clock.today("Europe/Paris")
    application = await world.application(employee, await world.mission(association, starts_on=str(today)))
    states = []
    for days in (0, 2.9, 3.1):
        with clock.at(clock.now() + timedelta(days=days)):
            await decide_silent_approvals()
        states.append((await world.ok(employee, "GET", path(application)))["employer_approval"])

    assert _instant(application["approval_due_at"]) > clock.now() + timedelta(days=2.9)
    assert states == ["pending", "pending", "refused"]


@pytest.mark.parametrize("policy", [{"formats": ["short"]}, {"causes": ["sport"]}, {"associations": []}])
async def test_what_the_company_does_not_allow_is_for_personal_time(
    world: World, policy: dict[str, Any]
) -> None:
    association, company = await world.association(), await world.company(**policy)
    mission, employee = await world.mission(association), world.employee(company)
    apply = f"/v1/missions/{mission['id']}/applications"

    refused = await world.call(employee, "POST", apply, {"regime": "working_time"})
    personal = await world.call(employee, "POST", apply, {"regime": "personal_time"})

    assert_problem(refused, 422, "invalid", "/regime")
    assert personal.status_code == 201


async def test_the_contact_is_for_who_was_accepted_and_agreed_to(world: World) -> None:
    association, company = await world.association(), await world.company(approval="hr")
    me = (await world.ok(association.owner, "GET", "/v1/me"))["id"]
    mission = await world.mission(association, contact={"person_id": me, "phone": "0612345678"})
    employee = world.employee(company)
    application = await world.application(employee, mission)
    accepted = await world.ok(association.owner, "POST", path(application, "accept"))
    waiting = await world.ok(employee, "GET", path(application))
    await world.ok(company.admin, "POST", path(application, "approve"))
    agreed = await world.ok(employee, "GET", path(application))
    hr = await world.ok(company.admin, "GET", path(application))

    assert accepted["contact"] is waiting["contact"] is hr["contact"] is None
    assert agreed["contact"]["phone"] == "0612345678"
    assert agreed["contact"]["email"].startswith("asso-")


@pytest.mark.parametrize("named", ["nobody", "who left", "who cannot be reached"])
async def test_who_is_accepted_can_write_to_the_association_where_its_mission_names_nobody(
    world: World, named: str
) -> None:
    association, company = await world.association(), await world.company(approval="automatic")
    contact: dict[str, Any] = {"contact": {"name": "Inès"}} if named == "who cannot be reached" else {}
    if named == "who left":
        coordinator = (await join(world, association)).token
        me = (await world.ok(coordinator, "GET", "/v1/me"))["id"]
        contact = {"contact": {"person_id": me}}
    mission, employee = await world.mission(association, **contact), world.employee(company)
    if named == "who left":
        await world.call(coordinator, "DELETE", f"/v1/associations/{association.id}/members/{me}")
    application = await world.application(employee, mission)
    asked = await world.ok(employee, "GET", path(application))
    await world.ok(association.owner, "POST", path(application, "accept"))
    accepted = await world.ok(employee, "GET", path(application))

    name = "Inès" if named == "who cannot be reached" else mission["association"]["name"]
    assert asked["contact"] is None
    assert accepted["contact"] == {"name": name, "email": "contact@exemple.example", "phone": None}

"""What both sides agreed on: chosen with a place, moved with the mission, changed by both."""

from datetime import timedelta
from typing import Any

import pytest

from api.applications.clockwork import decide_silent_approvals
from api.core import clock
from api.core.settings import Settings
from tests.api.core.asking import assert_problem
from tests.make.world import Association, Company, World
from tests.reactions.world import catch_up

FIRST = clock.today("Europe/Paris") + timedelta(days=20)


def day(after: int) -> str:
    return str(FIRST + timedelta(days=after))


def session(after: int, hour: int = 10) -> dict[str, str]:
    return {
        "starts_at": f"{day(after)}T{hour:02}:00:00+00:00",
        "ends_at": f"{day(after)}T{hour + 1:02}:00:00+00:00",
    }


async def engaged(
    world: World,
    association: Association,
    company: Company | None = None,
    regime: str = "working_time",
    **fields: Any,
) -> tuple[str, dict[str, Any], dict[str, Any]]:
    """Give an employee's token, their mission and their accepted application to it."""
    employee = world.employee(company or await world.company(approval="automatic"))
    fields = {"starts_on": day(0), "ends_on": day(30), "apply_by": None} | fields
    mission = await world.mission(association, **fields)
    application = await world.application(employee, mission, regime)
    return (
        employee,
        mission,
        await world.ok(association.owner, "POST", f"/v1/applications/{application['id']}/accept"),
    )


def changes_of(application: dict[str, Any]) -> str:
    return f"/v1/applications/{application['id']}/changes"


async def test_an_accepted_application_carries_what_was_agreed(world: World) -> None:
    association = await world.association()
    _employee, mission, application = await engaged(world, association, sessions=[session(1), session(8)])
    assert application["agreed"] == {
        "starts_on": day(0),
        "ends_on": day(30),
        "effort_minutes": mission["effort_minutes"],
        "sessions": mission["sessions"],
    }
    waiting = await world.application(world.employee(await world.company()), mission)
    assert (waiting["agreed"], waiting["convention"]) == (None, None)


async def test_somebody_comes_to_the_sessions_they_named(world: World) -> None:
    association = await world.association()
    mission = await world.mission(
        association, starts_on=day(0), ends_on=day(30), apply_by=None, sessions=[session(1), session(8)]
    )
    employee = world.employee(await world.company(approval="automatic"))
    path = f"/v1/missions/{mission['id']}/applications"
    unknown = {"regime": "working_time", "sessions": [mission["sessions"][1]["id"], mission["id"]]}
    refused = await world.call(employee, "POST", path, unknown)
    assert assert_problem(refused, 422, "invalid")["errors"][0]["pointer"] == "/sessions/1"

    elsewhere = await world.mission(association, regimes=["personal_time"])
    both = await world.call(employee, "POST", f"/v1/missions/{elsewhere['id']}/applications", unknown)
    pointers = [fault["pointer"] for fault in assert_problem(both, 422, "invalid")["errors"]]
    assert pointers == ["/sessions/0", "/sessions/1", "/regime"]

    twice = {"regime": "working_time", "sessions": [mission["sessions"][1]["id"]] * 2}
    (fault,) = assert_problem(await world.call(employee, "POST", path, twice), 422, "invalid")["errors"]
    assert (fault["pointer"], fault["code"]) == ("/sessions/1", "repeated")

    wanted = {"regime": "working_time", "sessions": [mission["sessions"][1]["id"]]}
    application = await world.ok(employee, "POST", path, wanted)
    assert application["sessions"] == wanted["sessions"]
    accepted = await world.ok(association.owner, "POST", f"/v1/applications/{application['id']}/accept")
    assert accepted["agreed"]["sessions"] == mission["sessions"][1:]


async def test_working_time_records_the_parties_and_the_place_of_a_convention(world: World) -> None:
    association = await world.association(siren="732829320")
    company = await world.company(approval="automatic")
    location = {"label": "Maison des associations", "postal_code": "69007"}
    _employee, _, application = await engaged(world, association, company, location=location)
    convention = application["convention"]
    assert convention["place"] == {**location, "remote": "possible"}
    assert convention["association"]["siren"] == "732829320"
    answer = await world.call(company.admin, "GET", f"/v1/companies/{company.id}")
    held = answer.json()
    assert convention["company"] == {name: held[name] for name in ("name", "siren", "legal_form")}
    assert application["legal_form"] == "service"

    await world.ok(
        company.admin,
        "PATCH",
        f"/v1/companies/{company.id}",
        {"name": "Autre nom"},
        if_match=answer.headers["etag"],
    )
    same = await world.ok(company.admin, "GET", f"/v1/applications/{application['id']}")
    assert same["convention"] == convention
    _, _, personal = await engaged(world, association, company, "personal_time")
    assert personal["convention"] is None


async def test_terms_follow_the_mission_but_for_what_somebody_agreed_on_alone(world: World) -> None:
    association = await world.association()
    employee, mission, application = await engaged(world, association, sessions=[session(1), session(8)])
    change = await world.ok(employee, "POST", changes_of(application), {"ends_on": day(20)})
    await world.ok(association.owner, "POST", f"/v1/changes/{change['id']}/accept")
    first, second = mission["sessions"]
    moved = [{"id": first["id"]} | session(2), {"id": second["id"]} | session(9)]
    edit = {"starts_on": day(1), "ends_on": day(10), "sessions": moved}
    path = f"/v1/missions/{mission['id']}"
    version = (await world.call(association.owner, "GET", path)).headers["etag"]
    await world.ok(association.owner, "PATCH", path, edit, if_match=version)

    agreed = (await world.ok(employee, "GET", f"/v1/applications/{application['id']}"))["agreed"]
    assert (agreed["starts_on"], agreed["ends_on"]) == (day(1), day(10))
    assert [item["id"] for item in agreed["sessions"]] == [first["id"], second["id"]]
    assert agreed["sessions"][0]["starts_at"][:10] == day(2)


@pytest.mark.parametrize("planned", [[], [session(1), session(8)]])
async def test_what_is_agreed_already_is_no_change(world: World, planned: list[dict[str, str]]) -> None:
    association = await world.association()
    employee, _, application = await engaged(world, association, sessions=planned)
    agreed = application["agreed"]
    hours = [{name: each[name] for name in ("starts_at", "ends_at")} for each in agreed["sessions"]]
    for same in (
        {},
        {"effort_minutes": agreed["effort_minutes"]},
        {"sessions": hours[::-1], "starts_on": agreed["starts_on"], "message": "Comme prévu."},
    ):
        refused = await world.call(employee, "POST", changes_of(application), same)
        (fault,) = assert_problem(refused, 422, "invalid")["errors"]
        assert (fault["pointer"], fault["code"]) == ("", "nothing")
    assert (await world.ok(employee, "GET", changes_of(application)))["items"] == []
    await world.ok(employee, "POST", changes_of(application), {"sessions": [session(2)]})


async def test_a_session_proposed_lasts_a_day_at_most(world: World) -> None:
    employee, _, application = await engaged(world, await world.association())
    for hours, status in ((0, 201), (1, 422)):
        long = {"starts_at": session(1)["starts_at"], "ends_at": session(2, 10 + hours)["starts_at"]}
        body = {"sessions": [session(0), long]}
        answer = await world.call(employee, "POST", changes_of(application), body)
        assert answer.status_code == status
        if status == 201:
            await world.ok(employee, "POST", f"/v1/changes/{answer.json()['id']}/withdraw")
    (fault,) = assert_problem(answer, 422, "invalid")["errors"]
    assert (fault["pointer"], fault["code"]) == ("/sessions/1/ends_at", "too-long")


async def test_a_change_is_proposed_by_one_side_and_accepted_by_the_other(
    world: World, settings: Settings
) -> None:
    association = await world.association()
    employee, _mission, application = await engaged(world, association)
    body = {
        "starts_on": day(3),
        "effort_minutes": 900,
        "sessions": [session(5)],
        "message": "Moins suffirait.",
    }
    change = await world.ok(employee, "POST", changes_of(application), body)
    assert (change["state"], change["from_association"], change["ends_on"]) == ("proposed", False, None)
    again = await world.call(association.owner, "POST", changes_of(application), body)
    assert assert_problem(again, 409, "change-waiting")["change_id"] == change["id"]
    assert_problem(await world.call(employee, "POST", f"/v1/changes/{change['id']}/accept"), 403, "forbidden")
    assert_problem(
        await world.call(association.owner, "POST", f"/v1/changes/{change['id']}/withdraw"), 403, "forbidden"
    )

    for _ in range(2):
        accepted = await world.ok(association.owner, "POST", f"/v1/changes/{change['id']}/accept")
    assert accepted["state"] == "accepted"
    shown = await world.ok(employee, "GET", f"/v1/applications/{application['id']}")
    assert shown["agreed"] == {
        "starts_on": day(3),
        "ends_on": day(30),
        "effort_minutes": 900,
        "sessions": change["sessions"],
    }
    assert shown["employer_approval"] == "approved"
    assert_problem(
        await world.call(association.owner, "POST", f"/v1/changes/{change['id']}/decline"), 409, "wrong-state"
    )
    listed = await world.ok(association.owner, "GET", changes_of(application))
    assert [item["id"] for item in listed["items"]] == [change["id"]]
    await catch_up(settings)
    kinds = [item["kind"] for item in (await world.ok(employee, "GET", "/v1/me/notifications"))["items"]]
    assert kinds.count("change_accepted") == 1
    assert "change_proposed" not in kinds
    kinds = [
        item["kind"] for item in (await world.ok(association.owner, "GET", "/v1/me/notifications"))["items"]
    ]
    assert kinds.count("change_proposed") == 1


async def test_a_declined_or_withdrawn_change_leaves_what_was_agreed(world: World) -> None:
    association = await world.association()
    employee, _, application = await engaged(world, association)
    for asker, answerer, act in ((association.owner, employee, "decline"), (employee, employee, "withdraw")):
        change = await world.ok(asker, "POST", changes_of(application), {"effort_minutes": 900})
        await world.ok(answerer, "POST", f"/v1/changes/{change['id']}/{act}")
    shown = await world.ok(employee, "GET", f"/v1/applications/{application['id']}")
    assert shown["agreed"] == application["agreed"]


@pytest.mark.parametrize(
    ("body", "pointer", "code"),
    [
        ({}, "", "nothing"),
        ({"message": "Bonjour"}, "", "nothing"),
        ({"starts_on": day(-1)}, "/starts_on", "outside"),
        ({"ends_on": day(31)}, "/ends_on", "outside"),
        ({"starts_on": day(10), "ends_on": day(9)}, "/ends_on", "before-start"),
        ({"sessions": [session(31)]}, "/sessions/0/starts_at", "outside"),
        ({"sessions": [session(5), session(5)]}, "/sessions/1/starts_at", "overlap"),
        ({"effort_minutes": 24_001}, "/effort_minutes", "out-of-bounds"),
    ],
)
async def test_terms_lie_within_the_mission(
    world: World, body: dict[str, Any], pointer: str, code: str
) -> None:
    association = await world.association()
    employee, _, application = await engaged(world, association)
    refused = assert_problem(
        await world.call(employee, "POST", changes_of(application), body), 422, "invalid"
    )
    assert {"pointer": pointer, "code": code}.items() <= refused["errors"][0].items()


@pytest.mark.parametrize(
    ("body", "pointer", "code"),
    [
        ({"starts_on": day(20), "ends_on": day(9)}, "/ends_on", "before-start"),
        ({"ends_on": day(-2000)}, "/ends_on", "outside"),
        ({"ends_on": day(9)}, "/ends_on", "before-start"),
        ({"ends_on": day(12)}, "/ends_on", "outside"),
        ({"starts_on": day(22)}, "/starts_on", "before-start"),
        ({"starts_on": day(16)}, "/starts_on", "outside"),
        ({"starts_on": day(16), "message": "Plus tard ?"}, "/starts_on", "outside"),
    ],
)
async def test_a_mistake_is_one_fault_of_what_was_sent(
    world: World, body: dict[str, Any], pointer: str, code: str
) -> None:
    """A session that was agreed stays on its day, between what was agreed to be the first and the last."""
    association = await world.association()
    employee, _, application = await engaged(world, association, sessions=[session(15)])
    days = {"starts_on": day(10), "ends_on": day(20)}
    agreed = await world.ok(employee, "POST", changes_of(application), days)
    await world.ok(association.owner, "POST", f"/v1/changes/{agreed['id']}/accept")

    refused = await world.call(employee, "POST", changes_of(application), body)

    (fault,) = assert_problem(refused, 422, "invalid")["errors"]
    assert (fault["pointer"], fault["code"]) == (pointer, code)


async def test_a_proposal_that_the_mission_left_behind_is_not_accepted(world: World) -> None:
    association = await world.association()
    employee, mission, application = await engaged(world, association)
    change = await world.ok(employee, "POST", changes_of(application), {"ends_on": day(25)})
    path = f"/v1/missions/{mission['id']}"
    version = (await world.call(association.owner, "GET", path)).headers["etag"]
    await world.ok(association.owner, "PATCH", path, {"ends_on": day(10)}, if_match=version)
    late = await world.call(association.owner, "POST", f"/v1/changes/{change['id']}/accept")
    assert assert_problem(late, 422, "invalid")["errors"][0]["pointer"] == "/ends_on"
    assert (await world.ok(employee, "GET", changes_of(application)))["items"][0]["state"] == "proposed"


async def test_only_an_engagement_is_changed_and_its_end_ends_what_was_proposed(world: World) -> None:
    association = await world.association()
    employee, mission, application = await engaged(world, association, places=2)
    waiting = await world.application(world.employee(await world.company()), mission)
    refused = await world.call(association.owner, "POST", changes_of(waiting), {"effort_minutes": 900})
    assert_problem(refused, 409, "wrong-state")
    change = await world.ok(employee, "POST", changes_of(application), {"effort_minutes": 900})
    await world.ok(employee, "POST", f"/v1/applications/{application['id']}/withdraw", {"reason": "other"})
    (listed,) = (await world.ok(employee, "GET", changes_of(application)))["items"]
    assert listed["state"] == "expired"
    late = await world.call(association.owner, "POST", f"/v1/changes/{change['id']}/accept")
    assert assert_problem(late, 409, "wrong-state")["state"] == "expired"


async def test_the_employer_reads_no_proposal(world: World) -> None:
    association, company = await world.association(), await world.company(approval="automatic")
    employee, _, application = await engaged(world, association, company)
    change = await world.ok(
        employee, "POST", changes_of(application), {"effort_minutes": 900, "message": "Fatigue."}
    )
    assert_problem(await world.call(company.admin, "GET", changes_of(application)), 403, "forbidden")
    assert_problem(
        await world.call(company.admin, "POST", f"/v1/changes/{change['id']}/accept"), 404, "not-found"
    )


@pytest.mark.parametrize(
    ("silence", "approval", "state"),
    [
        ("approve", "approved", "accepted"),
        ("refuse", "refused", "employer_refused"),
    ],
)
async def test_a_longer_effort_asks_the_employer_again(
    world: World, settings: Settings, silence: str, approval: str, state: str
) -> None:
    association, company = (
        await world.association(),
        await world.company(approval="hr", approval_silence=silence),
    )
    employee, _, application = await engaged(world, association, company)
    path = f"/v1/applications/{application['id']}"
    await catch_up(settings)
    await world.ok(company.admin, "POST", f"{path}/approve")
    shorter = await world.ok(association.owner, "POST", changes_of(application), {"effort_minutes": 900})
    await world.ok(employee, "POST", f"/v1/changes/{shorter['id']}/accept")
    assert (await world.ok(employee, "GET", path))["employer_approval"] == "approved"
    longer = await world.ok(association.owner, "POST", changes_of(application), {"effort_minutes": 1801})
    await world.ok(employee, "POST", f"/v1/changes/{longer['id']}/accept")

    asked = await world.ok(employee, "GET", path)
    assert (asked["employer_approval"], asked["contact"]) == ("pending", None)
    assert asked["approval_due_at"] is not None
    hours = {"worked_on": str(clock.today("Europe/Paris")), "minutes": 30}
    assert_problem(await world.call(employee, "POST", f"{path}/hours", hours), 409, "employer-pending")
    await catch_up(settings)
    notices = (await world.ok(company.admin, "GET", "/v1/me/notifications"))["items"]
    again, first = [item["text"] for item in notices if item["kind"] == "approval_asked"]
    assert "votre refus y mettrait fin" in again
    assert "votre refus y mettrait fin" not in first
    with clock.at(clock.now() + timedelta(days=6)):
        await decide_silent_approvals()
    decided = await world.ok(employee, "GET", path)
    assert (decided["employer_approval"], decided["state"]) == (approval, state)

"""An administrator answers for employees where nobody else of HR can, and nowhere else."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from api.core import clock
from api.core.database import operations
from api.core.problems import Invalid
from api.core.settings import Settings
from api.identity.service import issue_token
from api.organisations.companies import appoint_administrator
from tests.api.core.asking import assert_problem
from tests.make.commands import maillon
from tests.make.world import Company, World
from tests.reactions.world import catch_up


async def give(world: World, company: Company, token: str, *roles: str) -> None:
    """Give somebody of a company these roles, beside being an employee."""
    job = (await world.ok(token, "GET", "/v1/me"))["employments"][0]["employee_id"]
    path = f"/v1/companies/{company.id}/employees/{job}"
    tag = (await world.call(company.admin, "GET", path)).headers["etag"]
    await world.ok(company.admin, "PATCH", path, {"roles": ["employee", *roles]}, if_match=tag)


async def without_hr(world: World, approval: str = "hr") -> tuple[Company, str, dict[str, Any]]:
    """Give a company whose administrator is not HR, an employee of it, and their application."""
    company = await world.company(approval=approval)
    await give(world, company, company.admin, "company_admin")
    employee = world.employee(company)
    return (
        company,
        employee,
        await world.application(employee, await world.mission(await world.association())),
    )


async def listed(world: World, company: Company, token: str) -> list[list[str]]:
    """Give the applications, and the hours, that the employer's lists show somebody."""
    base = f"/v1/companies/{company.id}"
    return [
        [item["id"] for item in (await world.ok(token, "GET", f"{base}/{kind}"))["items"]]
        for kind in ("applications", "hours")
    ]


async def row(application: dict[str, Any]) -> tuple[str, str]:
    async with operations() as connection:
        found = await connection.fetchrow(
            "SELECT state, employer_approval FROM application WHERE id = $1", UUID(application["id"])
        )
    return tuple(found)


@pytest.mark.parametrize(
    ("act", "body", "ended"),
    [
        ("approve", None, ("submitted", "approved")),
        ("refuse", {"reason": "La clôture des comptes."}, ("employer_refused", "refused")),
    ],
)
@pytest.mark.parametrize("headers", [{}, {"idempotency_key": "une-fois"}])
async def test_without_hr_an_administrator_is_asked_sees_and_decides(
    world: World,
    settings: Settings,
    act: str,
    body: dict[str, str] | None,
    ended: tuple[str, str],
    headers: dict[str, str],
) -> None:
    company, _, application = await without_hr(world)
    path = f"/v1/applications/{application['id']}"
    await catch_up(settings)
    told = (await world.ok(company.admin, "GET", "/v1/me/notifications"))["items"]
    assert [item["kind"] for item in told if item["about"]["id"] == application["id"]] == ["approval_asked"]
    seen = await world.ok(company.admin, "GET", path)
    assert (seen["employer_approval"], seen["message"]) == ("pending", None)
    page = await world.call(company.admin, "GET", f"/approvals/{application['id']}")
    assert (page.status_code, "Refondre notre site web" in page.text) == (200, True)
    assert await listed(world, company, company.admin) == [[application["id"]], []]
    decided = await world.ok(company.admin, "POST", f"{path}/{act}", body, **headers)
    assert (decided["state"], decided["employer_approval"]) == ended == await row(application)


@pytest.mark.parametrize("approval", ["hr", "manager"])
async def test_where_the_only_hr_applied_an_administrator_decides_and_hr_does_not(
    world: World, approval: str
) -> None:
    company, _, _ = await without_hr(world, approval)
    hr = world.employee(company)
    await give(world, company, hr, "hr")
    application = await world.application(hr, await world.mission(await world.association()))
    path = f"/v1/applications/{application['id']}/approve"
    assert await listed(world, company, company.admin) == [[application["id"]], []]
    assert_problem(await world.call(hr, "POST", path), 403, "forbidden")
    assert (await world.call(company.admin, "POST", path)).status_code == 200
    assert await row(application) == ("submitted", "approved")


async def test_beside_hr_an_administrator_sees_nothing(world: World) -> None:
    company, _, application = await without_hr(world)
    await give(world, company, world.employee(company), "hr")
    path = f"/v1/applications/{application['id']}"
    assert_problem(await world.call(company.admin, "GET", path), 404, "not-found")
    assert_problem(await world.call(company.admin, "POST", f"{path}/approve"), 404, "not-found")
    assert (await world.call(company.admin, "GET", f"/approvals/{application['id']}")).status_code == 404
    assert await row(application) == ("submitted", "pending")
    assert await listed(world, company, company.admin) == [[], []]


@pytest.mark.parametrize("only_hr_worked", [False, True])
async def test_without_hr_an_administrator_is_asked_for_hours_reads_them_and_approves(
    world: World, settings: Settings, only_hr_worked: bool
) -> None:
    company = await world.company(approval="automatic", hours_approval="hr")
    await give(world, company, company.admin, "company_admin")
    worker, association = world.employee(company), await world.association()
    if only_hr_worked:
        await world.ok(worker, "GET", "/v1/me")
        await give(world, company, worker, "hr")
    application = await world.application(worker, await world.mission(association))
    path = f"/v1/applications/{application['id']}"
    await world.ok(association.owner, "POST", f"{path}/accept")
    day = clock.today("Europe/Paris").isoformat()
    entry = await world.ok(worker, "POST", f"{path}/hours", {"worked_on": day, "minutes": 60})
    hours = f"/v1/hours/{entry['id']}"
    await world.ok(association.owner, "POST", f"{hours}/confirm")
    await catch_up(settings)

    told = (await world.ok(company.admin, "GET", "/v1/me/notifications"))["items"]
    assert [item["kind"] for item in told if item["about"]["id"] == entry["id"]] == ["hours_to_approve"]
    assert await listed(world, company, company.admin) == [[application["id"]], [entry["id"]]]
    assert (await world.ok(company.admin, "GET", hours))["state"] == "confirmed"
    assert [item["id"] for item in (await world.ok(company.admin, "GET", f"{path}/hours"))["items"]] == [
        entry["id"]
    ]
    approved = await world.ok(company.admin, "POST", f"{hours}/approve")
    assert approved["state"] == "approved"


async def test_beside_hr_an_administrator_reads_and_approves_no_hours(world: World) -> None:
    company = await world.company(approval="automatic", hours_approval="hr")
    administrator = world.employee(company)
    await give(world, company, administrator, "company_admin")
    association = await world.association()
    employee, application = await world.engagement(association, company)
    path = f"/v1/applications/{application['id']}/hours"
    day = clock.today("Europe/Paris").isoformat()
    entry = await world.ok(employee, "POST", path, {"worked_on": day, "minutes": 60})
    await world.ok(association.owner, "POST", f"/v1/hours/{entry['id']}/confirm")

    assert await listed(world, company, administrator) == [[], []]
    for method, hours, body in (
        ("GET", f"/v1/hours/{entry['id']}", None),
        ("GET", path, None),
        ("POST", f"/v1/hours/{entry['id']}/approve", None),
        ("POST", f"/v1/hours/{entry['id']}/reject", {"reason": "La clôture des comptes."}),
    ):
        assert_problem(await world.call(administrator, method, hours, body), 404, "not-found")


async def test_nobody_decides_their_own_nor_of_another_company_nor_personal_time(world: World) -> None:
    company, employee, application = await without_hr(world)
    stranger, _, _ = await without_hr(world)
    association = await world.association()
    own = await world.application(company.admin, await world.mission(association))
    private = await world.application(employee, await world.mission(association), "personal_time")
    for who, what, status in (
        (company.admin, own, 403),
        (company.admin, private, 404),
        (stranger.admin, application, 404),
    ):
        answer = await world.call(who, "POST", f"/v1/applications/{what['id']}/approve")
        assert answer.status_code == status
    assert await row(own) == ("submitted", "pending")
    assert (await world.call(company.admin, "GET", f"/v1/applications/{private['id']}")).status_code == 404
    assert private["id"] not in (await listed(world, company, company.admin))[0]


async def test_the_only_administrator_does_not_lock_the_company_out(world: World) -> None:
    company = await world.company()
    job = (await world.ok(company.admin, "GET", "/v1/me"))["employments"][0]
    path = f"/v1/companies/{company.id}/employees/{job['employee_id']}"
    tag = (await world.call(company.admin, "GET", path)).headers["etag"]

    less = await world.call(company.admin, "PATCH", path, {"roles": ["employee", "hr"]}, if_match=tag)
    document = assert_problem(less, 403, "forbidden")
    assert document["detail"] == "C’est à un autre administrateur de vous retirer ce rôle."
    out = await world.call(company.admin, "POST", f"{path}/deactivate")
    document = assert_problem(out, 403, "forbidden")
    assert document["detail"].startswith("C’est à quelqu’un d’autre de vous désactiver")
    shown = await world.ok(company.admin, "GET", path)
    assert (shown["active"], sorted(shown["roles"])) == (True, job["roles"])


async def test_another_administrator_takes_the_role_and_the_access_away(world: World) -> None:
    company = await world.company()
    second = world.employee(company)
    await give(world, company, second, "hr", "company_admin")
    await give(world, company._replace(admin=second), company.admin, "hr")
    job = (await world.ok(company.admin, "GET", "/v1/me"))["employments"][0]
    assert job["roles"] == ["employee", "hr"]
    path = f"/v1/companies/{company.id}/employees/{job['employee_id']}/deactivate"
    assert (await world.ok(second, "POST", path))["active"] is False


async def test_an_administrator_may_give_up_every_other_role(world: World) -> None:
    company = await world.company()
    await give(world, company, company.admin, "company_admin")
    job = (await world.ok(company.admin, "GET", "/v1/me"))["employments"][0]
    assert job["roles"] == ["company_admin", "employee"]


async def administers(world: World, company: Company, token: str) -> bool:
    return (
        await world.call(token, "GET", f"/v1/companies/{company.id}/identity-providers")
    ).status_code == 200


async def test_the_operator_appoints_an_administrator_where_none_is_left(world: World) -> None:
    company = await world.company()
    slug = (await world.ok(company.admin, "GET", f"/v1/companies/{company.id}"))["slug"]
    employee = world.employee(company, email=f"Alex@{slug}.example")
    assert not await administers(world, company, employee)
    async with operations() as connection:
        await connection.execute(
            "UPDATE employee SET roles = '{employee}' WHERE company_id = $1", UUID(company.id)
        )

    for _ in range(2):
        await appoint_administrator(slug, f"alex@{slug}.example")
    assert await administers(world, company, employee)
    jobs = (await world.ok(employee, "GET", "/v1/me"))["employments"]
    assert [job["roles"] for job in jobs] == [["company_admin", "employee"]]

    stranger = f"secours@{slug}.example"
    await appoint_administrator(slug, stranger)
    assert await administers(world, company, await issue_token(stranger, timedelta(hours=1)))


async def test_nobody_is_appointed_who_works_elsewhere_or_was_deactivated(world: World) -> None:
    company, other = await world.company(), await world.company()
    slug = (await world.ok(company.admin, "GET", f"/v1/companies/{company.id}"))["slug"]
    address = (await world.ok(other.admin, "GET", "/v1/me"))["emails"][0]
    gone = f"partie@{slug}.example"
    await appoint_administrator(slug, gone)
    async with operations() as connection:
        await connection.execute("UPDATE employee SET active = false WHERE email = $1", gone)

    for email, code in ((address, "employed-elsewhere"), (gone, "deactivated")):
        with pytest.raises(Invalid) as refused:
            await appoint_administrator(slug, email)
        assert [(fault.pointer, fault.code) for fault in refused.value.faults or []] == [
            ("/admin_email", code)
        ]
    assert not await administers(world, company, other.admin)


def test_a_company_that_is_not_there_is_said(environment: dict[str, str]) -> None:
    asked = ("company", "admin", "--slug", "nulle-part", "--email", "a@b.example")
    done = maillon(environment, *asked)
    assert (done.exit_code, done.output) == (1, "Error: No company is called nulle-part.\n")

"""An administrator answers for employees where nobody else of HR can, and nowhere else."""

from typing import Any
from uuid import UUID

import pytest

from api.core.database import operations
from api.core.settings import Settings
from tests.api.core.asking import assert_problem
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

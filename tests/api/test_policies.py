"""A company's policies: dated, readable, and taken back only before their day."""

from datetime import timedelta

import asyncpg
import pytest
from litestar import Litestar

from api.core import clock
from api.core.database import operations
from api.core.ids import new_id
from tests.api.core.asking import assert_problem
from tests.make.clone import cloned
from tests.make.served import served
from tests.make.world import Company, World


def today(days: int = 0) -> str:
    return str(clock.today("Europe/Paris") + timedelta(days=days))


async def put(world: World, company: Company, approval: str, days: int) -> None:
    body = {"approval": approval, "effective_from": today(days)}
    await world.ok(company.admin, "PUT", f"/v1/companies/{company.id}/policy", body)


async def test_planned_policies_are_read_before_their_day(world: World) -> None:
    company = await world.company(approval="automatic")
    await put(world, company, "hr", 30)
    await put(world, company, "manager", 10)
    listed = await world.ok(company.admin, "GET", f"/v1/companies/{company.id}/policies?limit=3")
    rest = await world.ok(
        company.admin, "GET", f"/v1/companies/{company.id}/policies?cursor={listed['next']}"
    )

    dated = [(policy["effective_from"], policy["approval"]) for policy in listed["items"] + rest["items"]]
    assert dated == [
        (today(30), "hr"),
        (today(10), "manager"),
        (today(), "automatic"),
        ("2000-01-01", "manager"),
    ]
    assert rest["next"] is None


@pytest.mark.parametrize(
    ("name", "value"), [("regimes", "working_time"), ("formats", "short"), ("causes", "education")]
)
async def test_what_a_policy_allows_is_given_once(world: World, name: str, value: str) -> None:
    company = await world.company()
    body = {name: [value, value]}
    refused = await world.call(company.admin, "PUT", f"/v1/companies/{company.id}/policy", body)
    (fault,) = assert_problem(refused, 422, "invalid")["errors"]
    assert (fault["pointer"], fault["code"]) == (f"/{name}/1", "repeated")


async def test_what_is_planned_is_taken_back_until_its_day(world: World) -> None:
    company = await world.company(approval="automatic")
    await put(world, company, "hr", 30)
    path = f"/v1/companies/{company.id}/policies"

    taken_back = await world.call(company.admin, "DELETE", f"{path}/{today(30)}")
    again = await world.call(company.admin, "DELETE", f"{path}/{today(30)}")
    unreadable = await world.call(company.admin, "DELETE", f"{path}/demain")

    assert taken_back.status_code == 204
    assert_problem(again, 404, "not-found")
    assert_problem(unreadable, 404, "not-found")
    for day in (today(), "2000-01-01"):
        kept = await world.call(company.admin, "DELETE", f"{path}/{day}")
        assert assert_problem(kept, 409, "wrong-state")["state"] == "in_force"
    dated = [item["effective_from"] for item in (await world.ok(company.admin, "GET", path))["items"]]
    assert dated == [today(), "2000-01-01"]


async def test_without_its_guard_what_was_in_force_is_rewritten(
    app: Litestar, environment: dict[str, str]
) -> None:
    guard = "DROP TRIGGER policy_in_force_stays ON policy"
    async with cloned(environment, guard) as settings, served(app, settings) as client:
        world = World(client, environment)
        company = await world.company(approval="automatic")
        gone = await world.call(company.admin, "DELETE", f"/v1/companies/{company.id}/policies/2000-01-01")
        assert gone.status_code == 204


@pytest.mark.parametrize("change", ["UPDATE policy SET approval = 'hr'", "DELETE FROM policy"])
async def test_nobody_rewrites_the_past_by_sql(world: World, change: str) -> None:
    company = await world.company(approval="automatic")
    with pytest.raises(asyncpg.CheckViolationError) as refused:
        async with operations() as connection:
            await connection.execute(
                change + " WHERE company_id = $1 AND effective_from = '2000-01-01'", company.id
            )
    assert refused.value.constraint_name == "policy_in_force_stays"


async def test_a_policy_names_associations_that_exist(world: World) -> None:
    company, association = await world.company(), await world.association()
    path = f"/v1/companies/{company.id}/policy"
    mixed = [str(association.id), str(company.id), str(new_id())]

    body = {"associations": mixed, "effective_from": today(-1)}
    refused = await world.call(company.admin, "PUT", path, body)

    named = assert_problem(refused, 422, "invalid")["errors"]
    assert [(fault["pointer"], fault["code"]) for fault in named] == [
        ("/associations/1", "unknown-association"),
        ("/associations/2", "unknown-association"),
        ("/effective_from", "in-the-past"),
    ]
    assert (await world.ok(company.admin, "GET", path))["associations"] is None
    put = await world.ok(company.admin, "PUT", path, {"associations": [str(association.id)]})
    assert put["associations"] == [str(association.id)]

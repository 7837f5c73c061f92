"""Nobody decides for themselves: not as themselves, nor by a key that they made; the database refuses it too."""

from typing import Any
from uuid import UUID

import asyncpg
import pytest
from litestar import Litestar

from api.applications import policy
from api.core import clock
from api.core.actor import Actor, Employment
from api.core.database import operations, transaction
from tests.api.core.asking import assert_problem
from tests.api.test_administrators import give
from tests.make.clone import cloned
from tests.make.served import served
from tests.make.world import Association, Company, World

REASON = {"reason": "La clôture des comptes."}
OWN = "Nul ne décide pour soi-même."
SCOPES = ["applications:write", "hours:write", "applications:read", "hours:read"]


async def key_of(world: World, token: str, organisation_id: str) -> tuple[str, UUID]:
    """Give the text and the id of a new key."""
    path = f"/v1/organisations/{organisation_id}/api-keys"
    made = await world.ok(token, "POST", path, {"name": "Intégration", "scopes": SCOPES})
    return made["key"], UUID(made["id"])


async def two_administrators(world: World, **rules: Any) -> tuple[Company, str, Association]:
    """Give a company, its second administrator, who is HR as the first one, and an association."""
    company = await world.company(**rules)
    second = world.employee(company, "dominique")
    await give(world, company, second, "hr", "company_admin")
    return company, second, await world.association()


async def confirmed(world: World, company: Company, second: str, association: Association) -> dict[str, Any]:
    """Give hours of the first administrator that wait for the employer."""
    application = await world.application(company.admin, await world.mission(association))
    path = f"/v1/applications/{application['id']}"
    await world.ok(association.owner, "POST", f"{path}/accept")
    await world.ok(second, "POST", f"{path}/approve")
    worked = {"worked_on": clock.today("Europe/Paris").isoformat(), "minutes": 60}
    entry = await world.ok(company.admin, "POST", f"{path}/hours", worked)
    made: dict[str, Any] = await world.ok(association.owner, "POST", f"/v1/hours/{entry['id']}/confirm")
    return made


async def joined(
    world: World, association: Association, approval: str = "automatic"
) -> tuple[str, dict[str, Any]]:
    """Give somebody who applied to an association, and has since become one of its owners."""
    employee = world.employee(await world.company(approval=approval, approval_silence="approve"))
    application = await world.application(employee, await world.mission(association))
    async with operations() as connection:
        await connection.execute(
            """INSERT INTO association_member (id, association_id, person_id, role, since)
               VALUES (uuidv7(), $1, $2, 'owner', now())""",
            UUID(association.id),
            UUID(application["person"]["id"]),
        )
    return employee, application


async def row(table: str, which: dict[str, Any]) -> Any:
    async with operations() as connection:
        return await connection.fetchrow(f"SELECT * FROM {table} WHERE id = $1", UUID(which["id"]))


async def test_a_key_answers_no_application_of_whoever_made_it(world: World) -> None:
    company, second, association = await two_administrators(world, approval="hr")
    application = await world.application(company.admin, await world.mission(association))
    path = f"/v1/applications/{application['id']}"
    (own, _), (other, _) = [await key_of(world, who, company.id) for who in (company.admin, second)]

    for who in (company.admin, own):
        for act, body in (("approve", None), ("refuse", REASON)):
            document = assert_problem(await world.call(who, "POST", f"{path}/{act}", body), 403, "forbidden")
            assert document["detail"] == OWN
    assert (await row("application", application))["employer_approval"] == "pending"
    assert (await world.ok(other, "POST", f"{path}/approve"))["employer_approval"] == "approved"


async def test_a_key_approves_and_rejects_no_hours_of_whoever_made_it(world: World) -> None:
    company, second, association = await two_administrators(world, approval="hr", hours_approval="hr")
    entry = await confirmed(world, company, second, association)
    path = f"/v1/hours/{entry['id']}"
    (own, _), (other, other_id) = [await key_of(world, who, company.id) for who in (company.admin, second)]

    for who in (company.admin, own):
        for act, body in (("approve", None), ("reject", REASON)):
            assert_problem(await world.call(who, "POST", f"{path}/{act}", body), 403, "forbidden")
    assert (await row("hours_entry", entry))["state"] == "confirmed"
    approved = await world.ok(other, "POST", f"{path}/approve")
    assert (approved["state"], approved["approved_by"]) == ("approved", str(other_id))


@pytest.mark.parametrize(
    ("act", "body"),
    [("accept", None), ("shortlist", None), ("waitlist", None), ("decline", {"reason": "other"})],
)
async def test_who_joins_an_association_answers_no_application_of_theirs(
    world: World, act: str, body: dict[str, str] | None
) -> None:
    association = await world.association()
    employee, application = await joined(world, association)
    own, _ = await key_of(world, employee, association.id)
    path = f"/v1/applications/{application['id']}/{act}"

    for who in (employee, own):
        assert_problem(await world.call(who, "POST", path, body), 403, "forbidden")
    assert (await row("application", application))["state"] == "submitted"
    other, _ = await key_of(world, association.owner, association.id)
    assert (await world.call(other, "POST", path, body)).status_code == (409 if act == "waitlist" else 200)


async def test_who_joins_an_association_confirms_no_hours_of_theirs_and_agrees_to_no_change(
    world: World,
) -> None:
    association = await world.association()
    employee, application = await joined(world, association)
    own, _ = await key_of(world, employee, association.id)
    other, _ = await key_of(world, association.owner, association.id)
    path = f"/v1/applications/{application['id']}"
    await world.ok(other, "POST", f"{path}/accept")
    worked = {"worked_on": clock.today("Europe/Paris").isoformat(), "minutes": 60}
    entry = await world.ok(employee, "POST", f"{path}/hours", worked)
    change = await world.ok(employee, "POST", f"{path}/changes", {"effort_minutes": 2400})

    for who in (employee, own):
        for asked, body in (
            (f"/v1/hours/{entry['id']}/confirm", None),
            (f"/v1/hours/{entry['id']}/reject", REASON),
            (f"/v1/changes/{change['id']}/accept", None),
            (f"{path}/complete", None),
        ):
            assert_problem(await world.call(who, "POST", asked, body), 403, "forbidden")
    assert (await row("hours_entry", entry))["state"] == "declared"
    assert (await row("application", application))["agreed_minutes"] == 1800
    assert (await world.ok(other, "POST", f"/v1/hours/{entry['id']}/confirm"))["state"] == "approved"


TABLES = ("application", "change_proposal", "hours_entry")
OF_THE_ASSOCIATION = {
    "application_not_answered_by_applicant": "UPDATE application SET state = 'accepted' WHERE id = $1",
    "change_proposal_not_answered_by_author": "UPDATE change_proposal SET state = 'accepted' WHERE id = $1",
}
OF_THE_COMPANY = {
    "application_not_decided_by_applicant": "UPDATE application SET employer_approval = 'approved' WHERE id = $1",
    "hours_entry_not_decided_by_author": """UPDATE hours_entry SET state = 'approved', approved_by = app_person()
                                            WHERE id = $1""",
    "hours_entry_not_rejected_by_author": "UPDATE hours_entry SET state = 'rejected' WHERE id = $1",
}


async def past_all_code(world: World, case: str) -> str:
    """Decide for oneself by a key of one's own, as the application's role and nothing before it."""
    company, second, association = await two_administrators(world, approval="hr", hours_approval="hr")
    if case in OF_THE_ASSOCIATION:
        employee, it = await joined(world, association)
        if case.startswith("change"):
            path = f"/v1/applications/{it['id']}"
            await world.ok(association.owner, "POST", f"{path}/accept")
            it = await world.ok(employee, "POST", f"{path}/changes", {"effort_minutes": 2400})
        _, key = await key_of(world, employee, association.id)
        actor = Actor(person_id=None, key_id=key, memberships={UUID(association.id): "coordinator"})
    else:
        if case.startswith("application"):
            it = await world.application(company.admin, await world.mission(association))
        else:
            it = await confirmed(world, company, second, association)
        _, key = await key_of(world, company.admin, company.id)
        job = Employment(UUID(company.id), key, frozenset({"hr"}))
        actor = Actor(person_id=None, key_id=key, employment=job)
    async with transaction(actor) as connection:
        return await connection.execute((OF_THE_ASSOCIATION | OF_THE_COMPANY)[case], UUID(it["id"]))


@pytest.mark.parametrize("case", sorted(policy.NOT_OWN))
async def test_the_database_refuses_it_whatever_the_code_forgot(world: World, case: str) -> None:
    with pytest.raises(asyncpg.CheckViolationError) as refused:
        await past_all_code(world, case)
    assert refused.value.constraint_name == case


@pytest.mark.parametrize("case", sorted(policy.NOT_OWN))
async def test_without_its_guard_one_decides_for_oneself(
    app: Litestar, environment: dict[str, str], case: str
) -> None:
    (table,) = [table for table in TABLES if case.startswith(table)]
    guard = f"DROP TRIGGER {case} ON {table}"
    async with cloned(environment, guard) as settings, served(app, settings) as client:
        assert await past_all_code(World(client, environment), case) == "UPDATE 1"


async def test_what_the_database_refuses_is_told_as_the_code_does(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    company, second, association = await two_administrators(world, approval="hr", hours_approval="hr")
    entry = await confirmed(world, company, second, association)
    application = await world.application(company.admin, await world.mission(association))
    own, _ = await key_of(world, company.admin, company.id)
    employee, joining = await joined(world, association)
    path = f"/v1/applications/{joining['id']}"
    await world.ok(association.owner, "POST", f"{path}/accept")
    change = await world.ok(employee, "POST", f"{path}/changes", {"effort_minutes": 2400})
    theirs, _ = await key_of(world, employee, association.id)
    monkeypatch.setattr(Actor, "acts_for", lambda *_: False)

    for who, path, body in (
        (own, f"/v1/applications/{application['id']}/approve", None),
        (own, f"/v1/hours/{entry['id']}/approve", None),
        (own, f"/v1/hours/{entry['id']}/reject", REASON),
        (theirs, f"/v1/changes/{change['id']}/accept", None),
        (theirs, f"/v1/changes/{change['id']}/decline", None),
    ):
        told = assert_problem(await world.call(who, "POST", path, body), 403, "forbidden")
        assert told["detail"] == OWN


async def test_a_mission_that_its_applicant_completes_settles_their_employers_silence(world: World) -> None:
    association = await world.association()
    employee, application = await joined(world, association, "hr")
    await world.ok(association.owner, "POST", f"/v1/applications/{application['id']}/accept")
    mission = f"/v1/missions/{application['mission_id']}"
    await world.ok(employee, "POST", f"{mission}/start")
    await world.ok(employee, "POST", f"{mission}/complete")
    settled = await row("application", application)
    assert (settled["state"], settled["employer_approval"]) == ("completed", "approved")

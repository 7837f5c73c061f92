"""Who leaves with a calendar is told once; whoever gives their own time is written to where they said."""

from typing import Any
from uuid import UUID

import pytest

from api.core.database import operations
from api.core.settings import Settings
from tests.make.world import World
from tests.reactions.world import catch_up


async def prove(world: World, token: str, address: str) -> UUID:
    """Let somebody have proved an address of their own; gives their id."""
    person_id = UUID((await world.ok(token, "GET", "/v1/me"))["id"])
    async with operations() as connection:
        await connection.execute(
            "INSERT INTO person_email (id, person_id, email, proved_at) VALUES (uuidv7(), $1, $2, now())",
            person_id,
            address,
        )
    return person_id


async def test_a_leaver_with_a_calendar_is_told_once_of_each_side(world: World, settings: Settings) -> None:
    association, company = await world.association(), await world.company()
    employee, application = await world.engagement(association, company)
    person_id = await prove(world, employee, f"chez-soi-{application['id']}@exemple.example")
    job = (await world.ok(employee, "GET", "/v1/me"))["employments"][0]["employee_id"]
    await catch_up(settings)
    async with operations() as connection:
        await connection.execute(
            """INSERT INTO calendar_invitation
                   (application_id, association_id, company_id, person_id, events, told_at)
               SELECT id, association_id, company_id, person_id, jsonb_build_array(jsonb_build_object('uid', id,
                   'title', 'Site', 'zone', 'Europe/Paris', 'place', NULL,
                   'days', jsonb_build_array(agreed_starts_on, agreed_ends_on))), now()
               FROM application WHERE id = $1
               ON CONFLICT (application_id) DO NOTHING""",
            UUID(application["id"]),
        )
    await world.ok(company.admin, "POST", f"/v1/companies/{company.id}/employees/{job}/deactivate")
    await catch_up(settings)

    async with operations() as connection:
        told = await connection.fetch(
            "SELECT kind FROM notification WHERE person_id = $1 AND kind IN ('application_left', 'calendar_cancelled')",
            person_id,
        )
        mails = await connection.fetch(
            "SELECT kind FROM mail WHERE person_id = $1 AND kind IN ('application_left', 'calendar_cancelled')",
            person_id,
        )
        invited = await connection.fetchval(
            "SELECT events FROM calendar_invitation WHERE application_id = $1", UUID(application["id"])
        )
    assert [row["kind"] for row in told] == ["application_left"]
    assert [row["kind"] for row in mails] == ["application_left"]
    assert invited == "[]"


@pytest.mark.parametrize(
    ("regime", "proved", "shown"),
    [
        ("personal_time", True, "own"),
        ("personal_time", False, "work"),
        ("working_time", True, "work"),
    ],
)
async def test_on_personal_time_the_accepted_are_written_to_at_their_own_address(
    world: World, regime: str, proved: bool, shown: str
) -> None:
    association, company = await world.association(), await world.company(approval="automatic")
    employee = world.employee(company)
    mission = await world.mission(association)
    application: dict[str, Any] = await world.application(employee, mission, regime)
    addresses = {
        "own": f"chez-soi-{application['id']}@exemple.example",
        "work": application["person"]["email"],
    }
    assert addresses["work"].endswith("@entreprise.example")
    if proved:
        await prove(world, employee, addresses["own"])
    path = f"/v1/applications/{application['id']}"
    assert (await world.ok(association.owner, "GET", path))["person"]["email"] is None

    accepted = await world.ok(association.owner, "POST", f"{path}/accept")
    assert accepted["person"]["email"] == addresses[shown]
    listed = await world.ok(association.owner, "GET", f"/v1/missions/{mission['id']}/applications")
    assert [one["person"]["email"] for one in listed["items"]] == [addresses[shown]]
    assert (await world.ok(employee, "GET", path))["person"]["email"] == addresses[shown]

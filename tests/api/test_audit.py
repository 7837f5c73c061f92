"""The audit log: each act leaves its events in the logs of those it concerns, and names nobody across the wall."""

from typing import Any
from uuid import UUID

import msgspec
import pytest

from api.core import audit, clock
from api.core.database import operations
from api.core.ids import new_id
from api.identity.service import grant_role, revoke_role
from tests.api.core.asking import assert_problem
from tests.api.test_members import join
from tests.make.world import Association, Company, World, siren

PLATFORM = "00000000-0000-0000-0000-000000000000"
AUDITED = {
    *("association", "association_member", "invitation", "company", "employee", "policy"),
    *("identity_provider", "platform_role", "api_key", "mission", "application", "hours_entry"),
    *("scim_token", "scim_group", "scim_group_member"),
}
CANARY = "Zéphirine-Canari"
ADDRESS = "zephirine.canari@secret.example"
WRITTEN = {
    "association": ("name", "purpose", "contact_email", "website"),
    "invitation": ("email",),
    "employee": ("given_name", "email", "site", "department"),
    "api_key": ("name",),
    "mission": ("title", "summary", "description", "deliverable", "location_label", "state_reason"),
    "application": ("applicant_name", "applicant_email", "message", "employer_reason"),
    "hours_entry": ("note", "state_reason"),
}
"""What people write, by table: none of it may reach the log."""


async def logged(tenant_id: str, after: int = 0) -> list[tuple[str, str | None, str, dict[str, Any]]]:
    """Give the acts of a tenant's log, in their order: actor's kind and id, action, changes."""
    async with operations() as connection:
        rows = await connection.fetch(
            """SELECT actor_kind, actor_id::text, action, changes::text FROM audit_event
               WHERE tenant_id = $1 ORDER BY id""",
            UUID(tenant_id),
        )
    return [(*row[:3], msgspec.json.decode(row["changes"])) for row in rows[after:]]


async def brief(tenant_id: str, after: int = 0) -> list[tuple[str, str | None, str]]:
    """The same without the changes."""
    return [event[:3] for event in await logged(tenant_id, after)]


async def count(tenant_id: str) -> int:
    return len(await logged(tenant_id))


async def me(world: World, token: str) -> str:
    return str((await world.ok(token, "GET", "/v1/me"))["id"])


@pytest.mark.usefixtures("client")
async def test_the_audited_tables_are_these() -> None:
    async with operations() as connection:
        rows = await connection.fetch(
            """SELECT tgrelid::regclass::text AS name FROM pg_trigger
               WHERE tgfoid = 'record_audit'::regproc AND tgenabled = 'O'"""
        )
    assert {row["name"] for row in rows} == AUDITED


async def test_a_company_made_by_the_platform_names_the_administrator_to_the_platform_alone(
    world: World,
) -> None:
    admin = await world.admin()
    admin_id = await me(world, admin)
    before = await count(PLATFORM)
    number = new_id().int % 10**6
    given = {"slug": f"s-{number}", "siren": siren(5_000_000 + number)}
    body = given | {"name": "Nom", "admin_email": f"{number}@x.example"}
    company = await world.ok(admin, "POST", "/v1/companies", body)

    made = ["company.created", "policy.created", "employee.created"]
    assert await brief(company["id"]) == [("platform", None, action) for action in made]
    assert await brief(PLATFORM, before) == [("person", admin_id, action) for action in made]


async def test_a_companys_settings_leave_their_acts(world: World) -> None:
    company = await world.company()
    admin = await me(world, company.admin)
    base = f"/v1/companies/{company.id}"
    colleague = world.employee(company)
    job = (await world.ok(colleague, "GET", "/v1/me"))["employments"][0]["employee_id"]
    tag = (await world.call(company.admin, "GET", f"{base}/employees/{job}")).headers["etag"]
    edit = {"department": "Achats secrets", "roles": ["employee", "manager"]}
    await world.ok(company.admin, "PATCH", f"{base}/employees/{job}", edit, if_match=tag)
    keys = f"/v1/organisations/{company.id}/api-keys"
    key = await world.ok(company.admin, "POST", keys, {"name": "Tableur", "scopes": ["ledger:read"]})
    await world.ok(key["key"], "GET", f"{base}/ledger")
    await world.call(company.admin, "DELETE", f"{keys}/{key['id']}")

    events = await logged(company.id, 3)
    assert [event[:3] for event in events] == [
        ("person", admin, "identity_provider.created"),
        ("person", admin, "employee.updated"),
        ("system", None, "employee.created"),
        ("person", admin, "employee.updated"),
        ("person", admin, "api_key.created"),
        ("person", admin, "api_key.revoked"),
    ]
    assert events[0][3] == {}
    assert events[3][3] == {
        "roles": {"old": ["employee"], "new": ["employee", "manager"]},
        "department": {},
    }
    assert events[4][3]["scopes"] == {"new": ["ledger:read"]}


async def test_a_policy_flipped_and_flipped_back_on_one_day_leaves_both_traces(world: World) -> None:
    company = await world.company(approval="manager")
    before = await count(company.id)
    for approval in ("automatic", "manager"):
        await world.ok(company.admin, "PUT", f"/v1/companies/{company.id}/policy", {"approval": approval})

    admin = await me(world, company.admin)
    assert await logged(company.id, before) == [
        ("person", admin, "policy.updated", {"approval": {"old": "manager", "new": "automatic"}}),
        ("person", admin, "policy.updated", {"approval": {"old": "automatic", "new": "manager"}}),
    ]


async def test_moderation_is_the_platforms_to_the_association(world: World) -> None:
    association = await world.association()
    owner = await me(world, association.owner)
    mission = await world.mission(association)
    before, moderator = await count(PLATFORM), await world.moderator()
    path = f"/v1/associations/{association.id}"
    await world.ok(moderator, "POST", f"{path}/suspend", {"reason": "Un emploi déguisé."})
    await world.ok(moderator, "POST", f"{path}/reinstate")

    events = await logged(association.id)
    assert [event[:3] for event in events] == [
        ("person", owner, "association.created"),
        ("person", owner, "member.created"),
        ("platform", None, "association.verified"),
        ("person", owner, "mission.created"),
        ("person", owner, "mission.published"),
        ("platform", None, "association.suspended"),
        ("platform", None, "mission.paused"),
        ("platform", None, "association.verified"),
        ("platform", None, "mission.published"),
    ]
    assert events[5][3] == {"state": {"old": "verified", "new": "suspended"}, "state_reason": {}}
    moderator_id = await me(world, moderator)
    acts = ["association.suspended", "mission.paused", "association.verified", "mission.published"]
    assert await brief(PLATFORM, before) == [
        ("system", None, "platform_role.created"),
        *(("person", moderator_id, action) for action in acts),
    ]
    assert mission["state"] == "published"


async def test_members_leave_their_acts(world: World) -> None:
    association = await world.association()
    owner, before = await me(world, association.owner), await count(association.id)
    guest = await join(world, association, "coordinator")
    path = f"/v1/associations/{association.id}/members"
    await world.ok(association.owner, "PATCH", f"{path}/{guest.id}", {"role": "owner"}, if_match='"v1-0"')
    await world.call(association.owner, "DELETE", f"{path}/{guest.id}")
    invited = {"email": f"{new_id()}@exemple.example", "role": "coordinator"}
    again = await world.ok(association.owner, "POST", path, invited)
    await world.call(association.owner, "DELETE", f"/v1/invitations/{again['id']}")

    events = await logged(association.id, before)
    assert [event[:3] for event in events] == [
        ("person", owner, "invitation.created"),
        ("person", guest.id, "invitation.accepted"),
        ("person", guest.id, "member.created"),
        ("person", owner, "member.updated"),
        ("person", owner, "member.deleted"),
        ("person", owner, "invitation.created"),
        ("person", owner, "invitation.revoked"),
    ]
    assert events[2][3] == {"person_id": {"new": guest.id}, "role": {"new": "coordinator"}}
    assert events[3][3] == {"role": {"old": "coordinator", "new": "owner"}}


async def test_a_missions_life_leaves_its_acts_and_a_place_taken_is_none(world: World) -> None:
    association, company = await world.association(), await world.company(approval="automatic")
    owner, before = await me(world, association.owner), await count(association.id)
    mission = await world.mission(association)
    tag = (await world.call(association.owner, "GET", f"/v1/missions/{mission['id']}")).headers["etag"]
    edit = {"title": "Un autre titre", "places": 2}
    await world.ok(association.owner, "PATCH", f"/v1/missions/{mission['id']}", edit, if_match=tag)
    application = await world.application(world.employee(company), mission)
    await world.ok(association.owner, "POST", f"/v1/applications/{application['id']}/accept")

    events = [event for event in await logged(association.id, before) if event[2].startswith("mission")]
    assert [event[:3] for event in events] == [
        ("person", owner, f"mission.{verb}") for verb in ("created", "published", "updated")
    ]
    assert events[2][3] == {"title": {}, "places": {"old": 1, "new": 2}}


async def worked(world: World, association: Association, company: Company, regime: str) -> str:
    """Apply, be accepted, declare and have confirmed an hour; gives the employee's person id."""
    employee, application = await world.engagement(association, company, regime)
    today = clock.today("Europe/Paris").isoformat()
    path = f"/v1/applications/{application['id']}/hours"
    entry = await world.ok(employee, "POST", path, {"worked_on": today, "minutes": 60, "note": "Atelier"})
    await world.ok(association.owner, "POST", f"/v1/hours/{entry['id']}/confirm")
    return await me(world, employee)


async def test_working_time_is_in_both_logs_and_names_nobody_across_the_wall(world: World) -> None:
    association, company = await world.association(), await world.company()
    before = await count(company.id), await count(association.id)
    employee = await worked(world, association, company, "working_time")
    owner, hr = await me(world, association.owner), await me(world, company.admin)

    applied = ("person", employee, "application.created")
    declared = ("person", employee, "hours.created")
    assert await brief(company.id, before[0]) == [
        ("system", None, "employee.created"),
        applied,
        ("association", None, "application.accepted"),
        ("person", hr, "application.updated"),
        declared,
        ("association", None, "hours.confirmed"),
        ("system", None, "hours.approved"),
    ]
    seen = [event for event in await logged(association.id, before[1]) if not event[2].startswith("mission")]
    assert [event[:3] for event in seen] == [
        applied,
        ("person", owner, "application.accepted"),
        ("company", None, "application.updated"),
        declared,
        ("person", owner, "hours.confirmed"),
        ("system", None, "hours.approved"),
    ]
    assert seen[2][3] == {
        "employer_approval": {"old": "pending", "new": "approved"},
        "engaged_on": {},
        "approved_minutes": {},
    }


async def test_personal_time_is_in_no_log_of_the_company(world: World) -> None:
    association, company = await world.association(), await world.company()
    before = await count(company.id), await count(association.id)
    employee = await worked(world, association, company, "personal_time")

    assert await brief(company.id, before[0]) == [("system", None, "employee.created")]
    told = await brief(association.id, before[1])
    assert ("person", employee, "application.created") in told
    assert [action for _, _, action in told if action.startswith("hours")] == [
        "hours.created",
        "hours.confirmed",
        "hours.approved",
    ]


async def test_an_employer_does_not_learn_who_of_its_people_coordinates(world: World) -> None:
    association, company = await world.association(), await world.company(hours_approval="hr")
    coordinator = await join(world, association, "coordinator")
    body = {"roles": ["employee", "hr"]}
    async with operations() as connection:
        await connection.execute(
            """INSERT INTO employee (id, company_id, person_id, roles, created_at)
               VALUES (uuidv7(), $1, $2, $3, now())""",
            UUID(company.id),
            UUID(coordinator.id),
            body["roles"],
        )
    employee, application = await world.engagement(association, company)
    path = f"/v1/applications/{application['id']}/hours"
    day = clock.today("Europe/Paris").isoformat()
    entry = await world.ok(employee, "POST", path, {"worked_on": day, "minutes": 60})
    before = await count(company.id), await count(association.id)
    await world.ok(coordinator.token, "POST", f"/v1/hours/{entry['id']}/confirm")
    await world.ok(coordinator.token, "POST", f"/v1/hours/{entry['id']}/approve")

    assert await brief(company.id, before[0]) == [
        ("association", None, "hours.confirmed"),
        ("person", coordinator.id, "hours.approved"),
    ]
    assert await brief(association.id, before[1]) == [
        ("person", coordinator.id, "hours.confirmed"),
        ("company", None, "hours.approved"),
    ]


async def test_a_key_acts_in_its_own_name(world: World) -> None:
    association = await world.association()
    body = {"name": "Site", "scopes": ["missions:write"]}
    key = await world.ok(association.owner, "POST", f"/v1/organisations/{association.id}/api-keys", body)
    before = await count(association.id)
    await world.mission(association._replace(owner=key["key"]), publish=False)

    assert await brief(association.id, before) == [("key", key["id"], "mission.created")]


async def test_a_platform_role_given_and_taken_is_in_the_platforms_log(world: World) -> None:
    before, email = await count(PLATFORM), f"{new_id()}@exemple.example"
    person = str(await grant_role(email, "facilitator"))
    await revoke_role(email, "facilitator")

    assert await logged(PLATFORM, before) == [
        (
            "system",
            None,
            f"platform_role.{verb}",
            {"role": {side: "facilitator"}, "person_id": {side: person}},
        )
        for verb, side in (("created", "new"), ("deleted", "old"))
    ]


async def everything_written(world: World) -> None:
    """Write the canary wherever people can write."""
    association, company, moderator = (
        await world.association(),
        await world.company(),
        await world.moderator(),
    )
    rejected, text = await world.association(verified=False), f"{CANARY} <{ADDRESS}>"
    path = f"/v1/associations/{association.id}"
    tag = (await world.call(association.owner, "GET", path)).headers["etag"]
    named = {
        "name": CANARY,
        "purpose": CANARY,
        "website": f"https://{CANARY}.example",
        "contact_email": ADDRESS,
    }
    await world.ok(association.owner, "PATCH", path, named, if_match=tag)
    invited = {"email": ADDRESS, "role": "coordinator"}
    await world.ok(association.owner, "POST", f"{path}/members", invited)
    key = {"name": CANARY, "scopes": ["missions:read"]}
    await world.ok(association.owner, "POST", f"/v1/organisations/{association.id}/api-keys", key)
    texts: dict[str, Any] = dict.fromkeys(("summary", "deliverable"), CANARY) | {
        "title": f"Refondre {CANARY}",
        "description": f"{CANARY} se lit mal sur un téléphone.",
        "location": {"label": CANARY, "postal_code": "69007"},
    }
    mission = await world.mission(association, **texts)
    waiting = await world.mission(rejected, **texts)
    tag, reasons = f'"v{waiting["version"]}-0"', {"reasons": [text]}
    await world.ok(moderator, "POST", f"/v1/missions/{waiting['id']}/reject", reasons, if_match=tag)
    employee = world.employee(company, CANARY, email=ADDRESS)
    job = (await world.ok(employee, "GET", "/v1/me"))["employments"][0]["employee_id"]
    job_path = f"/v1/companies/{company.id}/employees/{job}"
    tag = (await world.call(company.admin, "GET", job_path)).headers["etag"]
    await world.ok(company.admin, "PATCH", job_path, {"site": CANARY, "department": CANARY}, if_match=tag)
    applying = {"regime": "working_time", "message": text}
    applied = await world.ok(employee, "POST", f"/v1/missions/{mission['id']}/applications", applying)
    await world.ok(company.admin, "POST", f"/v1/applications/{applied['id']}/refuse", {"reason": text})
    worker, application = await world.engagement(association, company)
    day = {"worked_on": clock.today("Europe/Paris").isoformat(), "minutes": 60, "note": text}
    entry = await world.ok(worker, "POST", f"/v1/applications/{application['id']}/hours", day)
    await world.ok(association.owner, "POST", f"/v1/hours/{entry['id']}/reject", {"reason": text})


async def test_nothing_that_people_write_reaches_the_log(world: World) -> None:
    await everything_written(world)
    holds = "SELECT count(*) FROM {} t WHERE {} ILIKE '%canari%'"
    async with operations() as connection:
        for table, columns in WRITTEN.items():
            for column in columns:
                assert await connection.fetchval(holds.format(table, column)), (table, column)
        for table in ("audit_event", "audit_seal"):
            assert await connection.fetchval(holds.format(table, "t::text")) == 0


async def test_the_log_is_listed_newest_first_with_its_seals(world: World) -> None:
    company = await world.company()
    path = f"/v1/companies/{company.id}/audit-events"
    unsealed = (await world.ok(company.admin, "GET", path))["items"]
    await audit.seal()
    await world.ok(company.admin, "PUT", f"/v1/companies/{company.id}/policy", {"approval": "hr"})

    items = (await world.ok(company.admin, "GET", path))["items"]

    assert {item["sequence"] for item in unsealed} == {None}
    assert [item["sequence"] for item in items] == [None, 5, 4, 3, 2, 1]
    assert [len(item["hash"]) for item in items[1:]] == [64] * 5
    assert items[0] | {"id": "", "at": "", "object": ""} == {
        "id": "",
        "at": "",
        "actor": {"kind": "person", "id": await me(world, company.admin)},
        "action": "policy.created",
        "object": "",
        "changes": items[0]["changes"],
        "sequence": None,
        "hash": None,
    }
    assert items[0]["changes"]["approval"] == {"new": "hr"}


async def test_the_log_is_read_in_pages_and_by_filters(world: World) -> None:
    company = await world.company()
    await world.ok(company.admin, "PUT", f"/v1/companies/{company.id}/policy", {"approval": "hr"})
    path = f"/v1/companies/{company.id}/audit-events"
    items = (await world.ok(company.admin, "GET", path))["items"]

    async def asked(query: str) -> list[dict[str, Any]]:
        listed: list[dict[str, Any]] = (await world.ok(company.admin, "GET", f"{path}?{query}"))["items"]
        return listed

    seen: list[Any] = []
    cursor: str | None = ""
    while cursor is not None:
        page = await world.ok(company.admin, "GET", f"{path}?limit=2" + (cursor and f"&cursor={cursor}"))
        seen, cursor = seen + page["items"], page["next"]
    middle = items[2]["at"].replace("+00:00", "Z")
    job = items[-3]["object"]["id"]
    assert seen == items
    assert await asked("object_type=policy") == [each for each in items if each["object"]["type"] == "policy"]
    assert await asked(f"object_id={job}") == [each for each in items if each["object"]["id"] == job]
    assert len(await asked(f"object_id={job}")) == 2
    assert await asked(f"from={middle}") == items[:3]
    assert await asked(f"to={middle}") == items[3:]
    assert await asked(f"object_type=mission&object_id={job}") == []
    for query, pointer in (
        ("from=2026-01-01", "/from"),
        ("to=2026-01-01T00:00:00", "/to"),
        ("object_type=A-B", "/object_type"),
        ("object_id=7", "/object_id"),
    ):
        answer = await world.call(company.admin, "GET", f"{path}?{query}")
        assert_problem(answer, 422, "invalid", pointer)
    for query in (
        "from=0001-01-01T00:00:00%2B14:00",
        "to=9999-12-31T23:59:59-14:00",
        "from=0001-01-01T00:00:00Z&to=9999-12-31T23:59:59Z",
    ):
        answer = await world.call(company.admin, "GET", f"{path}?{query}")
        assert answer.status_code in (200, 422), (query, answer.text)


async def test_who_may_read_which_log(world: World) -> None:
    association, company = await world.association(), await world.company()
    other, elsewhere = await world.association(), await world.company()
    coordinator = await join(world, association, "coordinator")
    employee, moderator = world.employee(company), await world.moderator()
    theirs, ours = (
        f"/v1/companies/{company.id}/audit-events",
        f"/v1/associations/{association.id}/audit-events",
    )
    for token, path, status in (
        (company.admin, theirs, 200),
        (employee, theirs, 403),
        (elsewhere.admin, theirs, 404),
        (association.owner, theirs, 404),
        (None, theirs, 401),
        (association.owner, ours, 200),
        (coordinator.token, ours, 403),
        (other.owner, ours, 403),
        (company.admin, ours, 403),
        (moderator, ours, 403),
        (association.owner, f"/v1/associations/{new_id()}/audit-events", 404),
    ):
        assert (await world.call(token, "GET", path)).status_code == status, (path, status)

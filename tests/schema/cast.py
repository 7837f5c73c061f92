"""The cast of the permission matrix: who asks, and the objects they ask about, in the states the acts begin from."""

import time
from datetime import timedelta
from typing import Any, NamedTuple
from uuid import UUID

from api.core import clock
from api.core.database import operations
from api.dev.issuer import mint
from api.identity.export import write_export
from tests.make.world import Association, Company, World, agreed_earlier, begun

ACTORS = (
    *("anonymous", "expired", "key", "person"),
    *("employee", "colleague", "manager", "hr", "company_admin"),
    *("other_employee", "other_hr"),
    *("coordinator", "owner", "other_owner"),
    *("moderator", "admin"),
)
"""`key`: one without the scope. The `other_` ones are of another company, of another association."""
STRANGERS = ("person", "other_employee", "other_hr", "other_owner")
MARK = "Marque-9f31"
"""Stands in every name and text of the two tenants that strangers must not read."""


class Stage(NamedTuple):
    """Tokens by actor, and the ids that paths and bodies name."""

    tokens: dict[str, str | None]
    ids: dict[str, str]


async def set_stage(world: World) -> Stage:
    """Make two tenants with all their objects, and strangers with theirs."""
    company = await world.company(hours_approval="manager", approval="manager")
    association, other = await world.association(), await world.association()
    tokens: dict[str, str | None] = {
        "anonymous": None,
        "expired": mint(world.key, company.issuer, "late", lifetime=-int(time.time()) % 3600 - 7200),
        "person": await world.person(),
        "owner": association.owner,
        "other_owner": other.owner,
        "moderator": await world.moderator(),
        "admin": await world.admin(),
        **await _employees(world, company),
        **await _strangers(world),
    }
    ids = {"company_id": company.id, "association_id": association.id}
    await _seats(world, association, tokens, ids)
    await _missions(world, association, ids)
    await _engagements(world, association, tokens, ids)
    await _others(world, company, association, tokens, ids)
    return Stage(tokens, ids)


async def _employees(world: World, company: Company) -> dict[str, str | None]:
    tokens: dict[str, str | None] = {}
    base = f"/v1/companies/{company.id}/employees"
    manager_id = None
    for name, roles in (
        ("manager", ["employee", "manager"]),
        ("hr", ["employee", "hr"]),
        ("company_admin", ["employee", "company_admin"]),
        ("colleague", ["employee"]),
        ("employee", ["employee"]),
    ):
        token = tokens[name] = world.employee(company, name, family_name=MARK, email=f"{name}@{MARK}.example")
        job = (await world.ok(token, "GET", "/v1/me"))["employments"][0]["employee_id"]
        edits = {"roles": roles, "site": MARK} | ({"manager_id": manager_id} if name == "employee" else {})
        await world.ok(company.admin, "PATCH", f"{base}/{job}", edits, if_match='"v1-0"')
        manager_id = job if name == "manager" else manager_id
    return tokens


async def _strangers(world: World) -> dict[str, str | None]:
    other = await world.company()
    employee = world.employee(other)
    await world.ok(employee, "GET", "/v1/me")
    return {"other_employee": employee, "other_hr": other.admin}


async def _seats(
    world: World, association: Association, tokens: dict[str, str | None], ids: dict[str, str]
) -> None:
    """Seat a coordinator, invite somebody, and make the key that lacks every scope asked for."""
    base = f"/v1/associations/{association.id}"
    tokens["coordinator"] = await world.person("coordination")
    coordinator = await world.ok(tokens["coordinator"], "GET", "/v1/me")
    async with operations() as connection:
        await connection.execute(
            """INSERT INTO association_member (id, association_id, person_id, role, since)
               VALUES (uuidv7(), $1, $2, 'coordinator', now())""",
            association.id,
            coordinator["id"],
        )
    ids["person_id"] = coordinator["id"]
    invited = {"email": f"invite@{MARK}.example".lower(), "role": "coordinator"}
    ids["invitation_id"] = (await world.ok(association.owner, "POST", f"{base}/members", invited))["id"]
    key = {"name": MARK, "scopes": ["webhooks:write"]}
    made = await world.ok(association.owner, "POST", f"/v1/organisations/{association.id}/api-keys", key)
    tokens["key"], ids["association_key_id"] = made["key"], made["id"]
    sessions = await world.ok(tokens["coordinator"], "GET", "/v1/auth/sessions")
    ids["session_id"] = sessions["items"][0]["id"]


async def _missions(world: World, association: Association, ids: dict[str, str]) -> None:
    ids["mission_id"] = (await world.mission(association, places=5))["id"]
    ids["draft_id"] = (await world.mission(association, publish=False, title=f"{MARK} à venir"))["id"]
    ids["unverified_id"] = (unverified := await world.association(verified=False)).id
    ids["submitted_id"] = (await world.mission(unverified, title=f"{MARK} à relire"))["id"]
    path = f"/v1/missions/{ids['mission_id']}/flags"
    ids["flag_id"] = (await world.ok(await world.person(), "POST", path, {"reason": "spam", "text": MARK}))[
        "id"
    ]
    ids["suspended_id"] = (await world.association()).id
    reason = {"reason": "Le temps de comprendre."}
    path = f"/v1/associations/{ids['suspended_id']}/suspend"
    await world.ok(await world.moderator(), "POST", path, reason)


async def _engagements(
    world: World, association: Association, tokens: dict[str, str | None], ids: dict[str, str]
) -> None:
    """Give the employee an application, an engagement with hours in each state, and one on personal time."""
    employee = str(tokens["employee"])
    mission = {"id": ids["mission_id"]}
    ids["application_id"] = (await _applied(world, employee, mission))["id"]
    engaged = await _applied(world, employee, await world.mission(association))
    ids["engaged_id"] = engaged["id"]
    path = f"/v1/applications/{engaged['id']}"
    await world.ok(association.owner, "POST", f"{path}/accept")
    await world.ok(tokens["manager"], "POST", f"{path}/approve")
    await agreed_earlier(engaged["id"])
    today = clock.today("Europe/Paris")  # the policy that leaves approval to HR begins today
    ids["day"] = str(today - timedelta(days=3))
    for name, days in (("hours_id", 1), ("lowered_id", 2), ("confirmed_id", 0)):
        worked = {"worked_on": str(today - timedelta(days=days)), "minutes": 60, "note": MARK}
        ids[name] = (await world.ok(employee, "POST", f"{path}/hours", worked))["id"]
    lower = {"minutes": 30, "reason": MARK}
    await world.ok(association.owner, "POST", f"/v1/hours/{ids['lowered_id']}/confirm", lower)
    await world.ok(association.owner, "POST", f"/v1/hours/{ids['confirmed_id']}/confirm")
    other = await _applied(world, employee, await world.mission(association))
    await world.ok(association.owner, "POST", f"/v1/applications/{other['id']}/accept")
    ids["change_id"] = (
        await world.ok(
            employee,
            "POST",
            f"/v1/applications/{other['id']}/changes",
            {"effort_minutes": 1500, "message": MARK},
        )
    )["id"]
    done = await _applied(world, employee, await world.mission(association))
    ids["done_id"] = done["id"]
    await world.ok(association.owner, "POST", f"/v1/applications/{done['id']}/accept")
    await world.ok(tokens["manager"], "POST", f"/v1/applications/{done['id']}/approve")
    await world.ok(association.owner, "POST", f"/v1/applications/{done['id']}/complete")
    await begun(done["id"])
    personal = await _applied(world, employee, await world.mission(association), "personal_time")
    ids["personal_id"] = personal["id"]


async def _applied(
    world: World, token: str, mission: dict[str, Any], regime: str = "working_time"
) -> dict[str, Any]:
    path = f"/v1/missions/{mission['id']}/applications"
    made: dict[str, Any] = await world.ok(token, "POST", path, {"regime": regime, "message": MARK})
    return made


async def _others(
    world: World,
    company: Company,
    association: Association,
    tokens: dict[str, str | None],
    ids: dict[str, str],
) -> None:
    """Make what else has an id: a notice, a key, a provider, the employee."""
    me = await world.ok(tokens["employee"], "GET", "/v1/me")
    ids["employee_id"] = me["employments"][0]["employee_id"]
    ids["applicant_id"] = me["id"]
    ids["export_id"] = (await world.ok(tokens["employee"], "POST", "/v1/me/export"))["id"]
    await write_export(UUID(ids["export_id"]), UUID(me["id"]))
    providers = await world.ok(company.admin, "GET", f"/v1/companies/{company.id}/identity-providers")
    ids["provider_id"] = providers["items"][0]["id"]
    ids["slug"] = (await world.ok(company.admin, "GET", f"/v1/companies/{company.id}"))["slug"]
    ids["planned_on"] = str(clock.today("Europe/Paris") + timedelta(days=30))
    planned = {"approval": "hr", "effective_from": ids["planned_on"]}
    await world.ok(company.admin, "PUT", f"/v1/companies/{company.id}/policy", planned)
    key = {"name": MARK, "scopes": ["ledger:read"]}
    made = await world.ok(company.admin, "POST", f"/v1/organisations/{company.id}/api-keys", key)
    ids["company_key_id"] = made["id"]
    token = await world.ok(company.admin, "POST", f"/v1/companies/{company.id}/scim-tokens", {"name": MARK})
    ids["scim_token_id"] = token["id"]
    async with operations() as connection:
        ids["notification_id"] = str(
            await connection.fetchval(
                """INSERT INTO notification (id, person_id, kind, title, text, about_type, about_id, unique_key,
                                             created_at)
                   VALUES (uuidv7(), $1, 'hours_approved', $2, $2, 'hours', $1, 'matrix', now()) RETURNING id""",
                me["id"],
                MARK,
            )
        )

"""Erasing oneself: nothing names the person any more, figures stay, and no token or directory brings them back."""

import itertools
import time
from datetime import timedelta
from typing import Any, NamedTuple
from uuid import UUID

import pytest

from api.applications.facts import ApplicationSubmitted
from api.core import clock
from api.core.actor import system
from api.core.database import operations, transaction
from api.dev.issuer import mint
from api.identity import service as identity
from api.organisations.companies import add_employee
from api.organisations.policy import EmployeeErased
from api.people.service import add_person
from tests.api.core.asking import assert_problem
from tests.api.test_importing import take
from tests.api.test_members import guest, invite, join
from tests.make.world import Association, Company, World, agreed_earlier
from workers.reactions.notices import tell_association_of_application

_TABLES = """
    SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace ORDER BY relname
"""
KEY = {"employee_key": {"claim": "oid", "scim": "externalId"}}
_numbers = itertools.count(1)


class Canary(NamedTuple):
    """An employee whose every text can be found again, with an engagement and its hours."""

    token: str
    company: Company
    association: Association
    person_id: UUID
    employee_id: str
    subject: str
    words: list[str]


async def canary(world: World) -> Canary:
    """Give somebody who left a trace wherever one can, known by `oid` to a company whose provider says it."""
    number = next(_numbers)
    company, association = await world.company(), await world.association()
    await know_by_oid(world, company)
    name, subject = f"Zephirine{number}x", f"sujet-{number}-x"
    address, own = f"zephirine{number}x@entreprise.example", f"moi{number}x@chez-moi.example"
    claims: dict[str, Any] = {
        "given_name": name,
        "family_name": f"Canari{number}x",
        "email": address,
        "oid": f"oid-{number}-x",
    }
    token = mint(world.key, company.issuer, subject, **claims)
    me = await world.ok(token, "GET", "/v1/me")
    person_id = UUID(me["id"])
    await world.ok(token, "PATCH", "/v1/me", {"given_name": name})
    await work(world, token, association, f"message{number}x", f"note{number}x", f"raison{number}x")
    async with operations() as connection:
        await connection.execute(
            "INSERT INTO person_email (id, person_id, email, proved_at) VALUES (uuidv7(), $1, $2, now())",
            person_id,
            own,
        )
    await world.ok(None, "POST", "/v1/auth/magic-links", {"email": own})
    await invite(world, association.owner, association, own, "coordinator")
    await world.ok(await identity.issue_token(own, timedelta(hours=1)), "POST", "/v1/me/export")
    await world.ok(token, "POST", "/v1/me/notifications/read", idempotency_key=f"clé{number}".encode().hex())
    words = [*claims.values(), subject, own, *(f"{word}{number}x" for word in ("message", "note", "raison"))]
    job = me["employments"][0]["employee_id"]
    return Canary(token, company, association, person_id, job, subject, words)


async def work(world: World, token: str, association: Association, *texts: str) -> None:
    """Apply, be accepted, declare hours that are lowered and told about; and apply once more."""
    message, note, reason = texts
    mission = await world.mission(association)
    body = {"regime": "working_time", "message": message}
    application = await world.ok(token, "POST", f"/v1/missions/{mission['id']}/applications", body)
    await tell_of(application)
    await world.ok(token, "POST", f"/v1/missions/{mission['id']}/flags", {"reason": "other", "text": note})
    path = f"/v1/applications/{application['id']}"
    await world.ok(token, "POST", f"{path}/messages", {"text": message})
    await world.ok(association.owner, "POST", f"{path}/messages", {"text": reason})
    other = await world.application(token, await world.mission(association))
    ended = f"/v1/applications/{other['id']}"
    await world.ok(association.owner, "POST", f"{ended}/accept")
    await world.ok(association.owner, "POST", f"{ended}/cancel", {"reason": reason})
    await world.ok(association.owner, "POST", f"{path}/accept")
    async with operations() as connection:
        await connection.execute(
            "UPDATE application SET employer_approval = 'approved' WHERE id = $1", UUID(application["id"])
        )
    await agreed_earlier(application["id"])
    day = clock.today("Europe/Paris")
    for number, confirmed in enumerate(({}, {"minutes": 30, "reason": reason})):
        declared = {"worked_on": str(day - timedelta(days=number)), "minutes": 60, "note": note}
        entry = await world.ok(token, "POST", f"{path}/hours", declared)
        await world.ok(association.owner, "POST", f"/v1/hours/{entry['id']}/confirm", confirmed or None)
    await world.application(token, await world.mission(association), "personal_time")


async def tell_of(application: dict[str, Any]) -> None:
    """Let the worker tell the association, which names the applicant."""
    async with operations() as connection:
        row = await connection.fetchrow(
            "SELECT company_id, association_id FROM application WHERE id = $1", UUID(application["id"])
        )
    async with transaction(system(row["company_id"], row["association_id"])):
        fact = ApplicationSubmitted(application_id=UUID(application["id"]), **row)
        await tell_association_of_application(fact, application["id"])


async def know_by_oid(world: World, company: Company) -> None:
    base = f"/v1/companies/{company.id}/identity-providers"
    provider = (await world.ok(company.admin, "GET", base))["items"][0]["id"]
    await world.ok(company.admin, "PATCH", f"{base}/{provider}", KEY, if_match='"v1-0"')


async def erase(world: World, token: str) -> None:
    answer = await world.call(token, "DELETE", "/v1/me")
    assert answer.status_code == 204, answer.text


async def traces(*words: str) -> set[tuple[str, str]]:
    """Give in which table each word still stands, bytes included."""
    found = set()
    async with operations() as connection:
        for (table,) in await connection.fetch(_TABLES):
            for word in words:
                query = f"SELECT count(*) FROM {table} t WHERE position($1 IN lower(t::text)) > 0"
                for form in (word.lower(), word.lower().encode().hex()):
                    if await connection.fetchval(query, form):
                        found.add((table, word))
    return found


async def figures(world: World, company: Company) -> list[Any]:
    """Give all that a company reports and keeps."""
    base = f"/v1/companies/{company.id}"
    report = f"{base}/reports/engagement?from=2026-01-01&to=2099-12-31&by=month"
    seen = [
        await world.ok(company.admin, "GET", f"{base}/ledger"),
        await world.ok(company.admin, "GET", report),
    ]
    seen[1].pop("as_of", None)
    staff = await world.ok(company.admin, "GET", f"{base}/employees")
    return [*seen, len(staff["items"])]


async def test_nothing_names_the_erased_and_figures_stay(world: World) -> None:
    it = await canary(world)
    lowered = (await world.ok(it.token, "GET", "/v1/me/hours"))["items"]
    entry = next(each for each in lowered if each["state"] == "lowered")
    await world.ok(it.token, "POST", f"/v1/hours/{entry['id']}/accept")
    before = await figures(world, it.company)
    assert {word for _, word in await traces(*it.words)} == set(it.words)
    assert sum(line["minutes"] for line in before[0]["items"]) == 90

    await erase(world, it.token)

    assert await traces(*it.words) == set()
    assert await figures(world, it.company) == before
    for state in ("withdrawn", "accepted"):
        listed = await world.ok(
            it.association.owner, "GET", f"/v1/associations/{it.association.id}/applications?state={state}"
        )
        assert len(listed["items"]) == (2 if state == "withdrawn" else 0)
    assert (await world.call(it.token, "GET", "/v1/me")).status_code == 401


async def test_history_keeps_every_step_without_its_words(world: World) -> None:
    it = await canary(world)
    steps = """SELECT object, object_id, from_state, to_state, at FROM state_event
               WHERE person_id = $1 AND by_person IS DISTINCT FROM $1 ORDER BY id"""
    async with operations() as connection:
        before = await connection.fetch(steps, it.person_id)

    await erase(world, it.token)

    async with operations() as connection:
        after = await connection.fetch(steps, it.person_id)
        assert after[: len(before)] == before
        with pytest.raises(Exception, match="never changed"):
            await connection.execute(
                "UPDATE state_event SET reason = 'autre' WHERE person_id = $1", it.person_id
            )


async def test_it_asks_for_a_sign_in_of_ten_minutes(world: World) -> None:
    token, company = await world.person(), await world.company()
    with clock.at(clock.now() + timedelta(minutes=11)):
        assert_problem(await world.call(token, "DELETE", "/v1/me"), 403, "sign-in-again")
    now = int(time.time())
    for claims in ({"iat": now - 660}, {"auth_time": now - 660}, {"auth_time": "hier"}):
        old = mint(world.key, company.issuer, f"ancien-{now}", **claims)
        assert_problem(await world.call(old, "DELETE", "/v1/me"), 403, "sign-in-again")
    key = {"name": "Clé", "scopes": ["ledger:read"]}
    made = await world.ok(company.admin, "POST", f"/v1/organisations/{company.id}/api-keys", key)
    assert_problem(await world.call(made["key"], "DELETE", "/v1/me"), 403, "forbidden")
    assert (await world.call(None, "DELETE", "/v1/me")).status_code == 401
    assert (await world.call(token, "GET", "/v1/me")).status_code == 200

    await erase(world, token)


async def test_the_last_owner_of_a_living_association_stays_whole(world: World) -> None:
    association = await world.association()
    me = await world.ok(association.owner, "GET", "/v1/me")

    assert_problem(await world.call(association.owner, "DELETE", "/v1/me"), 409, "last-owner")
    assert await world.ok(association.owner, "GET", "/v1/me") == me

    other = await join(world, association, "owner")
    await erase(world, association.owner)
    await world.ok(other.token, "POST", f"/v1/associations/{association.id}/close")
    await erase(world, other.token)


async def test_a_member_joined_is_forgotten_by_those_who_were_told(world: World) -> None:
    association = await world.association()
    newcomer = await join(world, association)
    name = f"Ondine{next(_numbers)}x"
    await world.ok(newcomer.token, "PATCH", "/v1/me", {"given_name": name})
    owner = UUID((await world.ok(association.owner, "GET", "/v1/me"))["id"])
    async with operations() as connection:
        await connection.execute(
            """INSERT INTO notification (id, person_id, kind, title, text, about_type, about_id, unique_key, created_at)
               VALUES (uuidv7(), $1, 'member_joined', $2, $2, 'association', $3, 'joined', now())""",
            owner,
            f"{name} a rejoint",
            UUID(association.id),
        )

    await erase(world, newcomer.token)

    assert await traces(name, newcomer.email) == set()


@pytest.mark.parametrize("known_by", ["subject", "oid"])
async def test_no_token_brings_the_erased_back_and_hr_does(world: World, known_by: str) -> None:
    it = await canary(world)
    await erase(world, it.token)
    oid = it.words[3]
    anew = {"subject": (it.subject, {}), "oid": ("autre-sujet-" + it.subject, {"oid": oid})}[known_by]
    claims: dict[str, Any] = {"given_name": "Zoé", "oid": f"neuf-{oid}"} | anew[1]
    token = mint(world.key, it.company.issuer, anew[0], **claims)

    assert (await world.call(token, "GET", "/v1/me")).status_code == 401

    path = f"/v1/companies/{it.company.id}/employees/{it.employee_id}"
    blank = await world.ok(it.company.admin, "POST", f"{path}/reactivate")
    assert (blank["given_name"], blank["family_name"], blank["email"], blank["active"]) == (
        "",
        "",
        None,
        True,
    )
    back = await world.ok(token, "GET", "/v1/me")
    assert (back["id"], back["given_name"]) == (str(it.person_id), "")
    assert back["employments"][0] == {
        "company": it.company.id,
        "employee_id": it.employee_id,
        "roles": ["employee"],
        "active": True,
    }
    assert len((await world.ok(token, "GET", "/v1/me/applications"))["items"]) == 3


async def test_no_directory_names_the_erased(world: World) -> None:
    it = await canary(world)
    await erase(world, it.token)
    oid, company_id = it.words[3], UUID(it.company.id)
    async with operations() as connection:
        for statement in (
            "UPDATE employee SET (given_name, email, external_id) = ('Zoé', 'z@z.example', $2) WHERE id = $1",
            "UPDATE person SET given_name = $2 WHERE id = (SELECT person_id FROM employee WHERE id = $1)",
        ):
            await connection.execute(statement, UUID(it.employee_id), oid)
    assert await traces(oid, "z@z.example") == set()

    with pytest.raises(EmployeeErased):
        async with transaction(system(company_id)):
            await add_employee(company_id, await add_person("Zoé"), email=None, roles=[], external_id=oid)
    answer = await world.call(
        it.company.admin,
        "POST",
        f"/v1/companies/{it.company.id}/employees/import",
        {"csv": f"external_id;given_name\nG-7;Nadia\n{oid};Zoé\n"},
    )
    told = assert_problem(answer, 422, "invalid", "/csv/3/external_id")
    assert told["errors"][0]["code"] == "erased"
    elsewhere = await world.company()
    assert await take(world, elsewhere, f"external_id;given_name\n{oid};Zoé\n") == {"created": 1}


async def test_an_address_that_was_erased_is_free(world: World) -> None:
    one = await guest(world)
    await erase(world, one.token)

    again = await world.ok(await identity.issue_token(one.email, timedelta(hours=1)), "GET", "/v1/me")

    assert (again["id"] == one.id, again["emails"], again["given_name"]) == (False, [one.email], "")
    assert (await world.call(one.token, "GET", "/v1/me")).status_code == 401


async def test_nobody_erases_somebody_else(world: World) -> None:
    one, other = await guest(world), await guest(world)
    with pytest.raises(Exception, match="one erases oneself"):
        async with transaction(await identity.authenticate(one.token)) as connection:
            await connection.execute("SELECT forget_person($1)", UUID(other.id))
    assert (await world.ok(other.token, "GET", "/v1/me"))["emails"] == [other.email]

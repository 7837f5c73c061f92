"""People, associations, companies and missions for tests: made through the API, as users would."""

import itertools
from collections import Counter
from datetime import timedelta
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID

import httpx

from api.core import clock
from api.core.database import operations
from api.dev.folders import FOLDER_VARIABLE
from api.dev.issuer import mint, signing_key
from api.dev.stack import ISSUER_VARIABLE
from api.identity import service as identity

_numbers = itertools.count(1)


class Association(NamedTuple):
    """A verified association and its owner's token."""

    id: str
    owner: str


class Company(NamedTuple):
    """A company, its issuer, and the token of its administrator, who is HR too."""

    id: str
    issuer: str
    admin: str


class World:
    """Makers over one client: every call makes something new, so that tests never meet."""

    def __init__(self, client: httpx.AsyncClient, environment: dict[str, str]) -> None:
        self.client = client
        self.key = signing_key(Path(environment[FOLDER_VARIABLE]))
        self.provider = environment[ISSUER_VARIABLE]

    async def call(
        self, token: str | None, method: str, path: str, body: Any = None, **headers: str
    ) -> httpx.Response:
        """Ask as somebody; `if_match="…"` becomes the header If-Match."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        if token:
            named["Authorization"] = f"Bearer {token}"
        return await self.client.request(method, path, json=body, headers=named)

    async def ok(self, token: str | None, method: str, path: str, body: Any = None, **headers: str) -> Any:
        """Ask as somebody and give the body of a success."""
        answer = await self.call(token, method, path, body, **headers)
        assert answer.is_success, f"{method} {path}: {answer.status_code} {answer.text}"
        return answer.json()

    async def person(self, name: str = "personne") -> str:
        """Give the token of a new person with an address of their own."""
        return await identity.issue_token(f"{name}-{next(_numbers)}@exemple.example", timedelta(hours=1))

    async def moderator(self) -> str:
        """Give the token of a new moderator."""
        email = f"moderation-{next(_numbers)}@exemple.example"
        await identity.grant_role(email, "moderator")
        return await identity.issue_token(email, timedelta(hours=1))

    async def admin(self) -> str:
        """Give the token of a new administrator."""
        email = f"admin-{next(_numbers)}@exemple.example"
        await identity.grant_role(email, "admin")
        return await identity.issue_token(email, timedelta(hours=1))

    async def association(self, *, verified: bool = True, **fields: Any) -> Association:
        """Give a new association, verified by a moderator; `fields` replace the defaults."""
        owner = await self.person("asso")
        made = await self.ok(
            owner,
            "POST",
            "/v1/associations",
            {
                "name": f"Association {next(_numbers)}",
                "legal_form": "association",
                "purpose": "Apprendre à lire à tout âge.",
                "address": {"postal_code": "69007", "city": "Lyon"},
                "causes": ["education"],
                "contact_email": "contact@exemple.example",
            }
            | fields,
        )
        if verified:
            await self.ok(await self.moderator(), "POST", f"/v1/associations/{made['id']}/verify")
        return Association(made["id"], owner)

    async def company(self, **policy: Any) -> Company:
        """Give a new company with its provider and HR; `policy` replaces the defaults."""
        number = next(_numbers)
        email = f"rh-{number}@entreprise.example"
        made = await self.ok(
            await self.admin(),
            "POST",
            "/v1/companies",
            {
                "slug": f"entreprise-{number}",
                "name": f"Entreprise {number}",
                "siren": siren(number),
                "admin_email": email,
            },
        )
        admin = await identity.issue_token(email, timedelta(hours=1))
        issuer = f"{self.provider}/{made['slug']}"
        base = f"/v1/companies/{made['id']}"
        await self.ok(admin, "POST", f"{base}/identity-providers", {"issuer": issuer, "audience": "maillon"})
        me = await self.ok(admin, "GET", "/v1/me")
        job = f"{base}/employees/{me['employments'][0]['employee_id']}"
        tag = (await self.call(admin, "GET", job)).headers["etag"]
        roles = {"roles": ["employee", "hr", "company_admin"]}
        await self.ok(admin, "PATCH", job, roles, if_match=tag)
        if policy:
            await self.ok(admin, "PUT", f"{base}/policy", policy)
        return Company(made["id"], issuer, admin)

    def employee(self, company: Company, name: str = "camille", **claims: Any) -> str:
        """Give a token of the company's own provider for a new subject."""
        number = next(_numbers)
        given = {
            "given_name": name.title(),
            "family_name": f"Nom{number}",
            "email": f"{name}-{number}@entreprise.example",
        }
        return mint(self.key, company.issuer, f"{name}-{number}", **given | claims)

    async def managed(self, company: Company) -> tuple[str, str]:
        """Give the tokens of a new manager of a company, and of an employee of theirs."""
        manager, employee = self.employee(company, "cheffe"), self.employee(company)
        ids = [
            (await self.ok(who, "GET", "/v1/me"))["employments"][0]["employee_id"]
            for who in (manager, employee)
        ]
        job = f"/v1/companies/{company.id}/employees/{ids[1]}"
        tag = (await self.call(company.admin, "GET", job)).headers["etag"]
        await self.ok(company.admin, "PATCH", job, {"manager_id": ids[0]}, if_match=tag)
        return manager, employee

    async def mission(
        self, association: Association, *, publish: bool = True, **fields: Any
    ) -> dict[str, Any]:
        """Give a new mission of an association, published unless told otherwise."""
        today = clock.today("Europe/Paris")
        body = {
            "association_id": association.id,
            "title": "Refondre notre site web",
            "summary": "Un site lisible sur un téléphone.",
            "description": "Notre site date de 2014 et ne se lit pas sur un téléphone.",
            "format": "project",
            "causes": ["education"],
            "places": 1,
            "effort_minutes": 1800,
            "remote": "possible",
            "starts_on": (today + timedelta(days=7)).isoformat(),
            "ends_on": (today + timedelta(days=60)).isoformat(),
        } | fields
        made: dict[str, Any] = await self.ok(association.owner, "POST", "/v1/missions", body)
        if publish:
            made = await self.ok(association.owner, "POST", f"/v1/missions/{made['id']}/submit")
        return made

    async def application(
        self, token: str, mission: dict[str, Any], regime: str = "working_time"
    ) -> dict[str, Any]:
        """Apply as an employee."""
        made: dict[str, Any] = await self.ok(
            token,
            "POST",
            f"/v1/missions/{mission['id']}/applications",
            {"regime": regime, "message": "Bonjour"},
        )
        return made

    async def engagement(
        self, association: Association, company: Company, regime: str = "working_time"
    ) -> tuple[str, dict[str, Any]]:
        """Give an employee's token and their accepted application, agreed by the employer."""
        token = self.employee(company)
        application = await self.application(token, await self.mission(association), regime)
        path = f"/v1/applications/{application['id']}"
        accepted = await self.ok(association.owner, "POST", f"{path}/accept")
        if accepted["employer_approval"] == "pending":
            accepted = await self.ok(company.admin, "POST", f"{path}/approve")
        return token, accepted


def siren(number: int) -> str:
    """Give a SIREN that passes Luhn, one for each number."""
    stem = f"{90_000_000 + number:08d}"
    digits = [int(digit) for digit in stem]
    doubled = [sum(divmod(digit * 2, 10)) if index % 2 else digit for index, digit in enumerate(digits)]
    return stem + str(-sum(doubled) % 10)


async def facts_of(application_id: str) -> Counter[str]:
    """Count the facts of an application, by their names."""
    async with operations() as connection:
        rows = await connection.fetch(
            "SELECT fact FROM outbox WHERE strpos(encode(payload, 'escape'), $1) > 0", application_id
        )
    return Counter(row["fact"] for row in rows)


async def agreed_earlier(application_id: str, days: int = 7) -> None:
    """Let an engagement have begun so many days ago."""
    async with operations() as connection:
        await connection.execute(
            "UPDATE application SET engaged_on = engaged_on - $2::integer WHERE id = $1",
            UUID(application_id),
            days,
        )


async def begun(application_id: str) -> None:
    """Let today be the first day of an engagement."""
    async with operations() as connection:
        await connection.execute(
            "UPDATE application SET agreed_starts_on = $2 WHERE id = $1",
            UUID(application_id),
            clock.today("Europe/Paris"),
        )

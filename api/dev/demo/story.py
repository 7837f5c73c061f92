"""What `maillon demo` prints: where to look, who to be, and lines to paste."""

import os
from datetime import timedelta
from pathlib import Path
from typing import NamedTuple

from api.applications.queries import Wanted, list_applications
from api.core import clock
from api.core.actor import Actor
from api.core.database import read
from api.core.net import reach
from api.core.settings import read_settings
from api.dev.demo.days import TIME_ZONE, month
from api.dev.demo.people import MODERATOR
from api.dev.demo.plan import hero_of
from api.dev.demo.territory import Employee, Territory, make_staff, read_territory
from api.dev.folders import FOLDER_VARIABLE
from api.dev.issuer import mint, signing_key
from api.dev.stack import ISSUER_VARIABLE
from api.identity import service as identity
from api.missions.moderation import list_moderation_queue
from api.missions.queries import list_association_missions
from api.missions.search import Question, search_missions

LIFETIME = timedelta(days=1)
MOST = 100
_CURL = r"curl -sS -w '\n'"
Command = tuple[str, str]
"""A title and a line of shell."""


class Role(NamedTuple):
    """Somebody to be: the variable of their token, who they are, and what they may."""

    name: str
    who: str
    token: str
    actor: Actor


async def story() -> str:
    """Give the text: addresses, tokens of a day, and commands that work as they stand."""
    territory, settings = read_territory(), read_settings(os.environ)
    roles = await _roles(territory)
    lines = [
        "",
        "La métropole de Lyon est chargée. · The Lyon metropolis is loaded.",
        f"  API   {settings.public_url}   docs {settings.public_url}/docs",
        f"  mails {Path(os.environ[FOLDER_VARIABLE]) / 'mail'}",
        "",
        "# Qui être, pour un jour · Who to be, for a day",
        f"export MAILLON={settings.public_url}",
        *(f"export {role.name}={role.token}  # {role.who}" for role in roles),
    ]
    for title, command in await _commands(*roles):
        lines += ["", f"# {title}", command]
    return "\n".join(lines)


async def _roles(territory: Territory) -> tuple[Role, Role, Role, Role]:
    staff, host = make_staff(territory), territory.associations[0]
    hero, owner, firm = hero_of(staff), host.owner, territory.companies[0]
    hr = staff[firm.slug][0]
    return (
        await _role("EMPLOYEE", f"{hero.given_name} {hero.family_name}, {firm.name}", _company_token(hero)),
        await _role(
            "COORDINATOR",
            f"{owner.given_name} {owner.family_name}, {host.name}",
            await identity.issue_token(owner.email, LIFETIME),
        ),
        await _role("HR", f"{hr.given_name} {hr.family_name}, {firm.name}", _company_token(hr)),
        await _role("MODERATOR", MODERATOR, await identity.issue_token(MODERATOR, LIFETIME)),
    )


async def _role(name: str, who: str, token: str) -> Role:
    return Role(name, who, token, await identity.authenticate(token, reach(read_settings(os.environ))))


def _company_token(employee: Employee) -> str:
    return mint(
        signing_key(Path(os.environ[FOLDER_VARIABLE])),
        f"{os.environ[ISSUER_VARIABLE]}/{employee.company}",
        employee.subject,
        lifetime=int(LIFETIME.total_seconds()),
        given_name=employee.given_name,
        family_name=employee.family_name,
        email=employee.email,
    )


async def _commands(employee: Role, coordinator: Role, hr: Role, moderator: Role) -> list[Command]:
    """Give titles and commands; what there is nothing left to do on is left out."""
    return [
        ("Les missions ouvertes · Open missions", _get("/v1/missions?has_places=true&limit=5")),
        *await _joining(employee.actor),
        ("Mes candidatures · My applications", _get("/v1/me/applications", "EMPLOYEE")),
        *await _answering(coordinator.actor, employee.actor),
        *_figures(hr.actor),
        *await _moderating(moderator.actor),
        ("Ce que l’on m’a dit · What I was told", _get("/v1/me/notifications", "EMPLOYEE")),
        ("Et à l’association · And the association", _get("/v1/me/notifications", "COORDINATOR")),
    ]


async def _joining(actor: Actor) -> list[Command]:
    """Look at a mission still to come that the employee has not applied to, and apply."""
    async with read(actor) as connection:
        question = Question(regime=["working_time"], has_places=True)
        page = await search_missions(connection, question, MOST, None)
        mine = await list_applications(connection, "person", actor.author, actor, Wanted(), MOST, None)
    asked, today = {one.mission_id for one in mine.items}, clock.today(TIME_ZONE)
    for mission in page.items:
        if mission.id not in asked and (mission.apply_by or mission.starts_on) > today:
            path = f"/v1/missions/{mission.id}"
            body = '{"regime": "working_time", "message": "Bonjour, votre mission me tente."}'
            return [
                (f"Une mission · One mission: {mission.title}", _get(path)),
                ("Candidater · Apply", _post(f"{path}/applications", "EMPLOYEE", body)),
            ]
    return []


async def _answering(actor: Actor, employee: Actor) -> list[Command]:
    """Look at what waits for the association and accept, the employee of the story first."""
    (association_id,) = actor.memberships
    async with read(actor) as connection:
        missions = await list_association_missions(connection, association_id, "published", MOST, None)
        page = await list_applications(
            connection, "association", association_id, actor, Wanted("submitted"), MOST, None
        )
    listed = _get(f"/v1/associations/{association_id}/applications?state=submitted", "COORDINATOR")
    commands = [("Les candidatures reçues · The association’s applications", listed)]
    open_ones = {mission.id for mission in missions.items if mission.places_left}
    waiting = [one for one in page.items if one.mission_id in open_ones]
    for one in sorted(waiting, key=lambda one: one.person.id != employee.person_id)[:1]:
        path = f"/v1/applications/{one.id}"
        commands.append((f"Accepter · Accept {one.person.name}", _post(f"{path}/accept", "COORDINATOR")))
        if one.person.id == employee.person_id and one.employer_approval == "pending":
            commands.append(
                ("L’employeur est d’accord · The employer agrees", _post(f"{path}/approve", "HR"))
            )
    return commands


def _figures(actor: Actor) -> list[Command]:
    today = clock.today(TIME_ZONE)
    company, months = f"/v1/companies/{actor.company_id}", f"from={month(today, -3)}&to={today}"
    return [
        ("Les heures comptées · The company’s ledger", _get(f"{company}/ledger?{months}&limit=5", "HR")),
        ("Trois mois · Three months", _get(f"{company}/reports/engagement?{months}&by=month", "HR")),
    ]


async def _moderating(actor: Actor) -> list[Command]:
    """Look at what waits for a moderator, and publish the first mission in the version read."""
    async with read(actor) as connection:
        waiting = await list_moderation_queue(connection, ["mission"], 1, None)
    queue = _get("/v1/moderation/queue", "MODERATOR")
    commands = [("Ce qui attend la modération · What waits for a moderator", queue)]
    for one in waiting.items:
        publish = _post(f"/v1/missions/{one.id}/publish", "MODERATOR", version=one.version)
        commands.append((f"La publier · Publish it: {one.title}", publish))
    return commands


def _get(path: str, role: str | None = None) -> str:
    return f'{_CURL} {_bearer(role)}"$MAILLON{path}"'


def _post(path: str, role: str, body: str | None = None, version: int | None = None) -> str:
    sent = f"-H 'Content-Type: application/json' -d '{body}' " if body else ""
    read_as = f"-H 'If-Match: \"v{version}-0\"' " if version else ""
    return f'{_CURL} -X POST {_bearer(role)}{read_as}{sent}"$MAILLON{path}"'


def _bearer(role: str | None) -> str:
    return f'-H "Authorization: Bearer ${role}" ' if role else ""

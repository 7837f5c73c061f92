"""Use cases of identity: who a credential is, tokens and roles that an operator gives."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

import msgspec

from api.core import clock
from api.core.actor import Actor, Employment, system
from api.core.database import read, transaction
from api.core.ids import new_id
from api.core.net import Reach
from api.core.problems import NotFound
from api.identity.arrivals import arrive, find
from api.identity.company_tokens import read_company_token, refused
from api.identity.schemas import PlatformRolesOut
from api.identity.sessions import PREFIX, digest, open_session
from api.identity.tables import PlatformRole
from api.people.service import person_of_email
from api.people.tables import Person

BY_SESSION = "SELECT * FROM actor_by_session($1, $2)"


async def authenticate(token: str, networks: Reach = ()) -> Actor:
    """Give whom a bearer token is: a session, or a company's own JWT, whose keys may lie in the networks.

    Raises Unauthenticated, Unavailable.
    """
    if token.startswith(PREFIX):
        async with read(None) as connection:
            row = await connection.fetchrow(BY_SESSION, digest(token), clock.now())
        if row is None:
            raise refused()
        return _actor(row)
    if token.count(".") != 2 or len(token) > 16_000:
        raise refused()
    presented = await read_company_token(token, networks)
    row = await find(presented) or await arrive(presented)
    if row["company_id"] != presented.company_id:
        # Deactivated, or gone to another company: what came through this one is closed.
        raise refused()
    return _actor(row, presented.roles)


def _actor(row: Any, roles: frozenset[str] = frozenset()) -> Actor:
    company_id = row["company_id"]
    return Actor(
        person_id=row["person_id"],
        language=row["language"],
        employment=Employment(company_id, row["employee_id"], frozenset(row["employee_roles"]) | roles)
        if company_id
        else None,
        memberships=msgspec.json.decode(row["memberships"], type=dict[UUID, str]),
        roles=frozenset(row["platform_roles"]),
    )


async def issue_token(email: str, lifetime: timedelta) -> str:
    """Give a session token of the person of an address, made when unknown: the operator's own door."""
    async with transaction(system()):
        return await open_session(await person_of_email(email), lifetime)


async def grant_role(email: str, role: str) -> UUID:
    """Give a platform role to the person of an address, made when unknown."""
    async with transaction(system()):
        person_id = await person_of_email(email)
        held = await PlatformRole.exists().where(
            (PlatformRole.person_id == person_id) & (PlatformRole.role == role)
        )
        if not held:
            await PlatformRole.insert(PlatformRole(id=new_id(), person_id=person_id, role=role))
        return person_id


async def set_platform_roles(actor: Actor, person_id: UUID, roles: Sequence[str]) -> PlatformRolesOut:
    """Set which roles a person has on the platform, as an administrator; raises NotFound."""
    inside = msgspec.structs.replace(actor, roles=actor.roles | {"system"})
    async with transaction(inside):
        if not await Person.exists().where(Person.id == person_id):
            raise NotFound
        await PlatformRole.delete().where(
            (PlatformRole.person_id == person_id) & PlatformRole.role.not_in([*roles, ""])
        )
        for role in sorted(set(roles)):
            await PlatformRole.insert(PlatformRole(id=new_id(), person_id=person_id, role=role)).on_conflict(
                target=(PlatformRole.person_id, PlatformRole.role), action="DO NOTHING"
            )
    return PlatformRolesOut(person_id=person_id, roles=sorted(set(roles)))


async def revoke_role(email: str, role: str) -> None:
    """Take a platform role from the person of an address; raises NotFound."""
    async with transaction(system()) as connection:
        person_id = await connection.fetchval("SELECT person_by_email($1)", email.lower())
        if person_id is None:
            raise NotFound
        await PlatformRole.delete().where((PlatformRole.person_id == person_id) & (PlatformRole.role == role))

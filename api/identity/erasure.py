"""Erasing a person (RGPD art. 17): what names them goes, hours and ledger stay under ids alone."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import asyncpg
import msgspec

from api.core import clock
from api.core.actor import Actor, system
from api.core.database import read, retried, transaction
from api.core.language import Words
from api.core.net import Reach
from api.core.problems import Problem
from api.identity.company_tokens import read_company_token
from api.identity.leaving import deactivate
from api.identity.sessions import PREFIX, digest
from api.organisations.members import LastOwner

RECENT = timedelta(minutes=10)

_SIGNED_IN = "SELECT created_at FROM session WHERE digest = $1"
# As whoever changes an association's members does, before any other lock.
_LOCK_ASSOCIATIONS = """
    SELECT lock_association(association_id)
    FROM (SELECT association_id FROM association_member WHERE person_id = $1 ORDER BY association_id) mine
"""
_FORGET = "SELECT forget_person($1)"


class SignInAgain(Problem):
    """The act asks for a sign-in of the last ten minutes."""

    status = 403
    slug = "sign-in-again"
    title = Words("Sign in again, then ask again", "Reconnectez-vous, puis recommencez")


async def erase_me(actor: Actor, token: str, networks: Reach) -> None:
    """Erase the caller, who came with a token of the last ten minutes.

    Raises SignInAgain, LastOwner, Unauthenticated, Unavailable.
    """
    if not await _is_recent(actor, token, networks):
        raise SignInAgain
    await erase(actor)


@retried
async def erase(actor: Actor) -> None:
    """Erase a person in one transaction: their job ends as a leaver's, then nothing names them; raises LastOwner."""
    person_id, inside = actor.author, msgspec.structs.replace(actor, roles=actor.roles | {"system"})
    try:
        async with transaction(inside) as connection:
            await connection.execute(_LOCK_ASSOCIATIONS, person_id)
            if actor.employment:
                await deactivate(actor.employment.company_id, actor.employment.employee_id)
            await connection.execute(_FORGET, person_id)
    except asyncpg.CheckViolationError as error:
        raise _translated(error) from None


@retried
async def erase_inactive(person_id: UUID) -> None:
    """Erase a person without a job, as the system; raises LastOwner."""
    try:
        async with transaction(system()) as connection:
            await connection.execute(_FORGET, person_id)
    except asyncpg.CheckViolationError as error:
        raise _translated(error) from None


def _translated(error: asyncpg.CheckViolationError) -> Exception:
    return LastOwner() if error.constraint_name == "association_keeps_an_owner" else error


async def _is_recent(actor: Actor, token: str, networks: Reach) -> bool:
    if token.startswith(PREFIX):
        async with read(actor) as connection:
            since = await connection.fetchval(_SIGNED_IN, digest(token))
        return since is not None and clock.now() - since <= RECENT
    claims = (await read_company_token(token, networks)).claims
    # When the person signed in where the provider says it, else when it wrote the token (OpenID Connect Core, 2).
    said: Any = claims.get("auth_time", claims.get("iat"))
    return isinstance(said, int | float) and clock.now().timestamp() - said <= RECENT.total_seconds()

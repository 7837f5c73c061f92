"""First arrivals: the employee whom a company's own provider vouches for, met or made."""

from typing import Any
from uuid import UUID

import asyncpg

from api.core import clock
from api.core.actor import system
from api.core.database import Connection, read, transaction
from api.core.ids import new_id
from api.core.language import Words
from api.core.problems import Unauthenticated
from api.identity.company_tokens import CompanyToken
from api.identity.tables import Identity
from api.organisations.queries import get_company, get_policy
from api.organisations.service import add_employee
from api.people.service import add_person

_BY_IDENTITY = "SELECT * FROM actor_by_identity($1, $2, $3)"
_BY_KEY = (
    "SELECT person_id, active FROM employee WHERE company_id = $1 AND external_id = $2 FOR NO KEY UPDATE"
)
_DIRECTORY = "SELECT EXISTS (SELECT FROM employee WHERE company_id = $1 AND external_id IS NOT NULL)"


async def find(token: CompanyToken) -> Any:
    """Give the actor's row of a token's subject, None where this company never saw them."""
    async with read(None) as connection:
        return await connection.fetchrow(_BY_IDENTITY, token.company_id, token.issuer, token.subject)


async def arrive(token: CompanyToken) -> Any:
    """Give the actor's row of a first valid token: two at once make one employee. Raises Unauthenticated.

    They meet the directory's record of them by the provider's `employee_key`; without a record they are made where
    the policy allows it. Who was deactivated or deleted stays so: only the directory or HR brings them back.
    """
    try:
        await _add(token)
    except asyncpg.UniqueViolationError:
        # The same token, or the directory, made them at the same moment: now there is somebody to meet.
        if await find(token) is None:
            await _add(token)
    return await find(token)


async def _add(token: CompanyToken) -> None:
    async with transaction(system(company_id=token.company_id)) as connection:
        await _add_identity(token, await _meet(connection, token) or await _make(connection, token))


async def _meet(connection: Connection, token: CompanyToken) -> UUID | None:
    """Give the person of the directory's record that bears the token's key; raises Unauthenticated."""
    if token.key is None:
        # Nothing tells whether this subject is one whom the directory has deactivated.
        if await connection.fetchval(_DIRECTORY, token.company_id):
            raise _not_added()
        return None
    row = await connection.fetchrow(_BY_KEY, token.company_id, token.key.value)
    if row is None:
        return None
    if not row["active"]:
        raise _not_added()
    person_id: UUID = row["person_id"]
    return person_id


async def _make(connection: Connection, token: CompanyToken) -> UUID:
    company = await get_company(connection, token.company_id)
    policy = await get_policy(connection, company.id, clock.today(company.time_zone))
    if not policy.just_in_time:
        raise _not_added()
    claims = token.claims
    given, family = _text(claims, "given_name"), _text(claims, "family_name")
    language = "en" if str(claims.get("locale", "fr")).lower().startswith("en") else "fr"
    person_id = await add_person(given, family, language)
    await add_employee(
        company.id,
        person_id,
        email=_text(claims, "email").lower() or None,
        roles=["employee"],  # a token's roles last as long as the token
        given_name=given,
        family_name=family,
        external_id=token.key.value if token.key else None,
    )
    return person_id


async def _add_identity(token: CompanyToken, person_id: UUID) -> None:
    await Identity.insert(
        Identity(
            id=new_id(),
            person_id=person_id,
            company_id=token.company_id,
            issuer=token.issuer,
            subject=token.subject,
            created_at=clock.now(),
        )
    )


def _not_added() -> Unauthenticated:
    return Unauthenticated(
        Words("Your company has not added you yet.", "Votre entreprise ne vous a pas encore ajouté.")
    )


def _text(claims: dict[str, Any], name: str) -> str:
    text = claims.get(name)
    return "".join(filter(str.isprintable, text))[:200] if isinstance(text, str) else ""

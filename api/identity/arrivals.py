"""First arrivals: the employee whom a company's own provider vouches for, met or made."""

from typing import Any
from uuid import UUID

import asyncpg

from api.core import clock
from api.core.actor import system
from api.core.database import Connection, read, transaction
from api.core.ids import new_id
from api.core.language import Words
from api.core.problems import Problem, Unauthenticated
from api.identity.company_tokens import CompanyToken
from api.identity.tables import Identity
from api.organisations.companies import add_employee
from api.organisations.queries import get_company, get_policy
from api.organisations.tables import Employee
from api.people.service import add_person

_BY_IDENTITY = "SELECT * FROM actor_by_identity($1, $2, $3)"
# A name may be another's once its bearer was deleted: the living come first, the deleted keep theirs out.
_BY_KEY = """
    SELECT person_id, active FROM employee WHERE company_id = $1 AND CASE $2
        WHEN 'external_id' THEN external_id = $3
        WHEN 'user_name' THEN user_name IS NOT NULL AND user_name_key = lower($3)
        WHEN 'employee_number' THEN employee_number = $3 END
    ORDER BY active DESC, deactivated_at DESC LIMIT 1 FOR NO KEY UPDATE
"""
_COLUMNS = {"externalId": "external_id", "userName": "user_name", "employeeNumber": "employee_number"}
_BY_TOMBSTONE = """
    SELECT e.id, e.person_id, e.active FROM tombstone t JOIN employee e ON e.id = t.employee_id
    WHERE t.company_id = $1 AND t.digest IN (tombstone_digest('subject', $1::uuid::text, $2, $3),
                                             tombstone_digest($5, $1::uuid::text, $4))
    ORDER BY e.id FOR NO KEY UPDATE OF e
"""
_BURY = "DELETE FROM tombstone WHERE company_id = $1 AND employee_id = $2"
_USED = "SELECT person_in_use($1)"
_GIVE = "UPDATE employee SET person_id = $3 WHERE company_id = $1 AND person_id = $2"
_DIRECTORY = """
    SELECT EXISTS (SELECT FROM employee WHERE company_id = $1 AND external_id IS NOT NULL)
        OR EXISTS (SELECT FROM employee WHERE company_id = $1 AND provisioned_at IS NOT NULL)
"""


class EmployedElsewhere(Problem):
    """The person works for another company by now."""

    status = 409
    slug = "employed-elsewhere"
    title = Words(
        "This person works for another company", "Cette personne travaille pour une autre entreprise"
    )


class IdentityTaken(Problem):
    """The identity is somebody else's already."""

    status = 409
    slug = "identity-taken"
    title = Words("This identity is another person’s", "Cette identité est celle d’une autre personne")


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
    back = await _meet_again(connection, token)
    if back is not None:
        return back
    if token.key is None:
        # Nothing tells whether this subject is one whom the directory has deactivated.
        if await connection.fetchval(_DIRECTORY, token.company_id):
            raise _not_added()
        return None
    row = await connection.fetchrow(_BY_KEY, token.company_id, _COLUMNS[token.key.attribute], token.key.value)
    if row is None:
        return None
    if not row["active"]:
        raise _not_added()
    person_id: UUID = row["person_id"]
    return person_id


async def _meet_again(connection: Connection, token: CompanyToken) -> UUID | None:
    """Give the person who was erased under this name and whom HR has brought back; raises Unauthenticated."""
    column, key = (_COLUMNS[token.key.attribute], token.key.value) if token.key else (None, None)
    rows = await connection.fetch(_BY_TOMBSTONE, token.company_id, token.issuer, token.subject, key, column)
    if not rows:
        return None
    if not all(row["active"] for row in rows):
        raise _not_added()
    employee = rows[0]
    await connection.execute(_BURY, token.company_id, employee["id"])
    await _name(employee["id"], token)
    person_id: UUID = employee["person_id"]
    return person_id


async def _make(connection: Connection, token: CompanyToken, person_id: UUID | None = None) -> UUID:
    company = await get_company(connection, token.company_id, system(company_id=token.company_id))
    policy = await get_policy(connection, company.id, clock.today(company.time_zone))
    if not policy.just_in_time:
        raise _not_added()
    claims = token.claims
    given, family = _text(claims, "given_name"), _text(claims, "family_name")
    language = "en" if str(claims.get("locale", "fr")).lower().startswith("en") else "fr"
    person_id = person_id or await add_person(given, family, language)
    employee_id = await add_employee(
        company.id,
        person_id,
        email=_text(claims, "email").lower() or None,
        roles=["employee"],  # a token's roles last as long as the token
        given_name=given,
        family_name=family,
    )
    await _name(employee_id, token)
    return person_id


async def _name(employee_id: UUID, token: CompanyToken) -> None:
    """Write the key of a token on an employee, so that the directory's record meets them."""
    if token.key:
        change: dict[Any, Any] = {_COLUMNS[token.key.attribute]: token.key.value}
        await Employee.update(change).where(Employee.id == employee_id)


async def link_identity(token: CompanyToken, person_id: UUID) -> None:
    """Add to a person, who asked for it, the identity that a company's provider vouches for.

    The directory's record of them becomes theirs where nobody has used it yet. Raises Unauthenticated, IdentityTaken,
    EmployedElsewhere.
    """
    known = await find(token)
    if known is not None:
        if known["person_id"] != person_id:
            raise IdentityTaken
        return
    try:
        async with transaction(system(company_id=token.company_id)) as connection:
            met = await _meet(connection, token)
            if met is None:
                await _make(connection, token, person_id)
            elif met != person_id:
                await _hand_over(connection, token.company_id, met, person_id)
            await _add_identity(token, person_id)
    except asyncpg.UniqueViolationError as error:
        if error.constraint_name in ("employee_one_active_job", "employee_person_unique"):
            raise EmployedElsewhere from None
        raise IdentityTaken from None


async def _hand_over(connection: Connection, company_id: UUID, unused: UUID, person_id: UUID) -> None:
    """Give the directory's record to a person, and forget the one it was made with; raises IdentityTaken."""
    if await connection.fetchval(_USED, unused):
        raise IdentityTaken
    await connection.execute(_GIVE, company_id, unused, person_id)
    await connection.execute("DELETE FROM person WHERE id = $1", unused)


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

"""Users of a directory: a company's employees, as SCIM reads and edits them."""

from typing import Any
from uuid import UUID

import asyncpg
import msgspec
from scim2_models import InvalidValueException, Reference, Resource, SearchRequest, UniquenessException
from scim2_server.storage import SearchPage

from api.core import clock, schemas
from api.core.database import bound
from api.identity.leaving import deactivate, reactivate
from api.identity.scim.description import (
    Email,
    Employee,
    EnterpriseUser,
    MaillonUser,
    Manager,
    Name,
    User,
)
from api.identity.scim.filters import Column, Columns, order, read_id, where
from api.identity.scim.values import bounded, found, meta_of, read_reference
from api.organisations import tables
from api.organisations.companies import add_employee
from api.people.service import add_person

COLUMNS: Columns = {
    ("id", None): Column("id", "uuid"),
    ("external_id", None): Column("external_id", "exact"),
    ("meta", "resource_type"): Column("'User'::text", "exact"),
    ("meta", "created"): Column("created_at", "plain"),
    ("meta", "last_modified"): Column("updated_at", "plain"),
    ("user_name", None): Column("user_name_key", "key"),
    ("name", None): Column("nullif(given_name || family_name, '')"),
    ("name", "given_name"): Column("nullif(given_name, '')"),
    ("name", "family_name"): Column("nullif(family_name, '')"),
    ("preferred_language", None): Column("preferred_language"),
    ("active", None): Column("active", "plain"),
    ("emails", "value"): Column("email_key", "key"),
    ("emails", "type"): Column("CASE WHEN email IS NOT NULL THEN 'work' END", "key"),
    ("employee_number", None): Column("employee_number"),
    ("department", None): Column("department"),
    ("manager", "value"): Column("manager_id", "uuid"),
    ("site", None): Column("site"),
    ("grade", None): Column("grade"),
}

_LIVING = "FROM employee WHERE company_id = $1 AND deleted_at IS NULL "
_USER = """
    SELECT id, version, person_id, created_at, updated_at, external_id,
           coalesce(user_name, email, id::text) AS user_name, given_name, family_name, preferred_language, active,
           email, employee_number, department, manager_id, site, grade, provisioned_at
"""
_ONE = _USER + _LIVING + "AND id = $2"
_LOCKED = _USER + "FROM employee WHERE company_id = $1 AND id = $2 FOR NO KEY UPDATE"
_ALIKE = """
    SELECT id, external_id, user_name, provisioned_at, deleted_at, coalesce(external_id = $2, false) AS same
    FROM employee WHERE company_id = $1 AND (external_id = $2 OR user_name_key = lower($3::text))
    ORDER BY id FOR NO KEY UPDATE
"""
# What a person has made their own stays; what the company had said of them follows the company.
_FOLLOW = """
    UPDATE person SET
        given_name = CASE WHEN given_name = $2 THEN $3 ELSE given_name END,
        family_name = CASE WHEN family_name = $4 THEN $5 ELSE family_name END,
        language = CASE WHEN language = $6 THEN $7 ELSE language END
    WHERE id = $1
"""


async def get(company_id: UUID, user_id: str, *, whole: bool, lock: bool) -> Resource[Any]:
    """Give a User, locked until the transaction ends where it will be edited; raises NotFoundException."""
    query = _ONE + (" FOR NO KEY UPDATE" if lock else "")
    return _user(found("User", await bound().fetchrow(query, company_id, read_id(user_id))))


async def search(
    company_id: UUID, asked: SearchRequest[Any], start: int, count: int | None, *, whole: bool
) -> SearchPage:
    """Give a page of the Users that match, and how many do."""
    condition = where(COLUMNS, Employee, asked, company_id)
    matching = _LIVING + "AND " + condition.sql
    total = await bound().fetchval("SELECT count(*) " + matching, *condition.values)
    # SCIM pages by index alone: there is no last row to go on from (RFC 7644, 3.4.2.4).
    limits = f" LIMIT ${len(condition.values) + 1} OFFSET ${len(condition.values) + 2}"
    query = _USER + matching + " ORDER BY " + order(COLUMNS, Employee, asked) + limits
    rows = await bound().fetch(query, *condition.values, count, start)
    return SearchPage(total, [_user(row) for row in rows])


async def add(company_id: UUID, user: Any) -> Resource[Any]:
    """Make a person and an employee, or meet those who are here already.

    Whom a token made before the directory spoke is adopted, whom the directory had deleted comes back; both by
    `externalId`, and only without one by `userName`, which another human may bear by now.
    Raises UniquenessException, InvalidValueException, EmployedElsewhere.
    """
    fields = _fields(user)
    employee_id = await _alike(company_id, fields)
    if employee_id is None:
        try:
            async with bound().transaction():
                employee_id = await _make(company_id, fields, active=user.active)
        except asyncpg.UniqueViolationError:
            # A first token made them at this moment.
            employee_id = await _alike(company_id, fields)
            if employee_id is None:
                raise
    return await _write(company_id, employee_id, fields, active=user.active)


async def change(company_id: UUID, user: Any, expected_version: str | None) -> Resource[Any]:
    """Edit an employee; raises NotFoundException, PreconditionFailedException, and as `add` does."""
    user_id = read_id(user.id)
    query = _ONE + " FOR NO KEY UPDATE"
    row = found("User", await bound().fetchrow(query, company_id, user_id), expected_version)
    return await _write(company_id, row["id"], _fields(user), active=user.active)


async def remove(company_id: UUID, user_id: str, expected_version: str | None) -> None:
    """Deactivate an employee and leave a tombstone: only the directory or HR brings them back."""
    query = _ONE + " FOR NO KEY UPDATE"
    row = found("User", await bound().fetchrow(query, company_id, read_id(user_id)), expected_version)
    await bound().execute(
        "DELETE FROM scim_group_member WHERE company_id = $1 AND employee_id = $2", company_id, row["id"]
    )
    await deactivate(company_id, row["id"])
    await tables.Employee.update({tables.Employee.deleted_at: clock.now()}).where(
        tables.Employee.id == row["id"]
    )


async def _alike(company_id: UUID, fields: dict[str, Any]) -> UUID | None:
    """Give the employee whom a new User is, None where nobody is; raises UniquenessException."""
    key = fields["external_id"]
    rows = await bound().fetch(_ALIKE, company_id, key, fields["user_name"])
    for row in rows:
        if row["same"]:
            if row["provisioned_at"] and not row["deleted_at"]:
                raise UniquenessException(detail="externalId is taken")
            return UUID(str(row["id"]))
    made = [row for row in rows if row["user_name"] and not row["provisioned_at"] and not row["deleted_at"]]
    if made and made[0]["external_id"] is None:  # by a token whose provider names people by userName
        return UUID(str(made[0]["id"]))
    if any(row["deleted_at"] is None for row in rows):
        raise UniquenessException(detail="userName is taken: find that User by it, and edit them")
    gone = [row for row in rows if None in (row["external_id"], key)]
    return max(gone, key=lambda row: row["deleted_at"])["id"] if gone else None


async def _make(company_id: UUID, fields: dict[str, Any], *, active: bool) -> UUID:
    language = _language(fields["preferred_language"])
    person_id = await add_person(fields["given_name"], fields["family_name"], language)
    employee_id = await add_employee(
        company_id,
        person_id,
        email=fields["email"],
        roles=["employee"],
        given_name=fields["given_name"],
        family_name=fields["family_name"],
        external_id=fields["external_id"],
    )
    if not active:
        # Nobody who was here leaves: there is nothing to end, and no departure to count.
        await tables.Employee.update({tables.Employee.active: False}).where(tables.Employee.id == employee_id)
    return employee_id


async def _write(
    company_id: UUID, employee_id: UUID, fields: dict[str, Any], *, active: bool
) -> Resource[Any]:
    row = await bound().fetchrow(_LOCKED, company_id, employee_id)
    # First the doors: leaving closes the address that the employee had until now.
    if active and not row["active"]:
        await reactivate(company_id, employee_id)
    elif row["active"] and not active:
        await deactivate(company_id, employee_id)
    edits: dict[Any, Any] = fields | {
        "deleted_at": None,
        "provisioned_at": row["provisioned_at"] or clock.now(),
    }
    await tables.Employee.update(edits).where(tables.Employee.id == employee_id)
    await _follow(row, fields)
    return _user(await bound().fetchrow(_ONE, company_id, employee_id))


async def _follow(row: asyncpg.Record, fields: dict[str, Any]) -> None:
    names = [name for part in ("given_name", "family_name") for name in (row[part], fields[part])]
    languages = _language(row["preferred_language"]), _language(fields["preferred_language"])
    await bound().execute(_FOLLOW, row["person_id"], *names, *languages)


def _language(tag: str | None) -> str:
    return "en" if (tag or "").lower().startswith("en") else "fr"


def _fields(user: Any) -> dict[str, Any]:
    job, own, name = user[EnterpriseUser] or EnterpriseUser(), user[MaillonUser] or MaillonUser(), user.name
    manager = job.manager.value if job.manager else None
    fields = bounded(
        "user_name",
        {
            "user_name": user.user_name,
            "external_id": user.external_id,
            "email": _work_address(user.emails or []),
            "preferred_language": user.preferred_language,
            "employee_number": job.employee_number,
            "department": job.department,
            "manager_id": read_reference("manager.value", manager) if manager else None,
            "site": own.site,
            "grade": own.grade,
            "given_name": name.given_name if name else None,
            "family_name": name.family_name if name else None,
        },
    )
    return fields | {part: fields[part] or "" for part in ("given_name", "family_name")}


def _work_address(emails: list[Email]) -> str | None:
    """Give the address at work; one at home is the person's own, and not the company's to tell."""
    given = [email for email in emails if email.value and email.type != "home"]
    at_work = [email.value for email in given if email.type == "work"] + [email.value for email in given]
    if not at_work:
        return None
    try:
        return msgspec.convert(at_work[0], schemas.Email)
    except msgspec.ValidationError:
        raise InvalidValueException(attribute="emails.value", detail="Not a mail address") from None


def _user(row: asyncpg.Record) -> Resource[Any]:
    named, manager = row["given_name"] or row["family_name"], row["manager_id"]
    user = Employee(
        id=str(row["id"]),
        meta=meta_of("User", row),
        external_id=row["external_id"],
        user_name=row["user_name"],
        preferred_language=row["preferred_language"],
        active=row["active"],
        name=Name(given_name=row["given_name"] or None, family_name=row["family_name"] or None)
        if named
        else None,
        emails=[Email(value=row["email"], type=Email.Type.work)] if row["email"] else None,
    )
    if row["employee_number"] or row["department"] or manager:
        user[EnterpriseUser] = EnterpriseUser(
            employee_number=row["employee_number"],
            department=row["department"],
            manager=Manager(value=str(manager), ref=Reference[User](f"Users/{manager}")) if manager else None,
        )
    if row["site"] or row["grade"]:
        user[MaillonUser] = MaillonUser(site=row["site"], grade=row["grade"])
    result: Resource[Any] = user
    return result

"""Groups of a directory; the database gives their members the roles that the company allow-lists."""

import re
from typing import Any, NamedTuple
from uuid import UUID

import asyncpg
from scim2_models import InvalidValueException, Reference, Resource, SearchRequest
from scim2_server.storage import SearchPage

from api.core import clock
from api.core.database import bound
from api.core.ids import new_id
from api.identity.scim.description import Group, GroupMember, User
from api.identity.scim.filters import Column, Columns, order, read_id, where
from api.identity.scim.values import bounded, found, meta_of, read_reference
from api.identity.tables import ScimGroup

MOST_MEMBERS = 10_000
"""In one group: those that give a role are small, and a whole one is answered in one piece."""

MEMBERS = (
    "SELECT m.employee_id FROM scim_group_member m WHERE m.company_id = $1 AND m.group_id = scim_group.id"
)
COLUMNS: Columns = {
    ("id", None): Column("id", "uuid"),
    ("external_id", None): Column("external_id", "exact"),
    ("meta", "resource_type"): Column("'Group'::text", "exact"),
    ("meta", "created"): Column("created_at", "plain"),
    ("meta", "last_modified"): Column("updated_at", "plain"),
    ("display_name", None): Column("display_name"),
    ("members", "value"): Column(MEMBERS, "member"),
}

_ONE_MEMBER = re.compile(r'members\[value eq "(?P<id>[^"]+)"\]', re.IGNORECASE)
_BARE = "SELECT id, version, created_at, updated_at, display_name, external_id, "
_GROUPS = "FROM scim_group WHERE company_id = $1 "
_SHAPES = {
    True: _BARE + f"ARRAY({MEMBERS} ORDER BY m.employee_id) AS members " + _GROUPS,
    False: _BARE + "'{}'::uuid[] AS members " + _GROUPS,
}
_LEAVE = """
    DELETE FROM scim_group_member WHERE company_id = $1 AND group_id = $2 AND employee_id <> ALL ($3::uuid[])
"""
_GO = """
    DELETE FROM scim_group_member WHERE company_id = $1 AND group_id = $2 AND employee_id = ANY ($3::uuid[])
"""
# A deletion takes its user out of the groups, behind the same lock: neither may miss the other.
_PRESENT = """
    SELECT count(*) FROM (SELECT FROM employee WHERE company_id = $1 AND id = ANY ($2::uuid[]) AND deleted_at IS NULL
                          ORDER BY id FOR NO KEY UPDATE) e
"""
_JOIN = """
    INSERT INTO scim_group_member (id, company_id, group_id, employee_id)
    SELECT uuidv7(), $1, $2, employee_id FROM unnest($3::uuid[]) employee_id ON CONFLICT DO NOTHING
"""
_COUNT = "SELECT count(*) FROM scim_group_member WHERE company_id = $1 AND group_id = $2"


class Move(NamedTuple):
    """Members who come into a group, or go."""

    comes: bool
    ids: list[str]


async def get(company_id: UUID, group_id: str, *, whole: bool, lock: bool) -> Resource[Any]:
    """Give a Group, with its members where the whole is wanted; raises NotFoundException."""
    return _group(await _row(company_id, group_id, whole=whole, lock=lock))


async def search(
    company_id: UUID, asked: SearchRequest[Any], start: int, count: int | None, *, whole: bool
) -> SearchPage:
    """Give a page of the Groups that match, and how many do."""
    condition = where(COLUMNS, Group, asked, company_id)
    total = await bound().fetchval("SELECT count(*) " + _GROUPS + "AND " + condition.sql, *condition.values)
    # SCIM pages by index alone: there is no last row to go on from (RFC 7644, 3.4.2.4).
    limits = f" LIMIT ${len(condition.values) + 1} OFFSET ${len(condition.values) + 2}"
    query = _SHAPES[whole] + "AND " + condition.sql + " ORDER BY " + order(COLUMNS, Group, asked) + limits
    rows = await bound().fetch(query, *condition.values, count, start)
    return SearchPage(total, [_group(row) for row in rows])


async def add(company_id: UUID, group: Any) -> Resource[Any]:
    """Make a group; raises UniquenessException, InvalidValueException where a member is no User."""
    group_id = new_id()
    fields = _fields(group)
    await ScimGroup.insert(ScimGroup(id=group_id, company_id=company_id, created_at=clock.now(), **fields))
    await _keep_members(company_id, group_id, group)
    return await get(company_id, str(group_id), whole=True, lock=False)


async def change(company_id: UUID, group: Any, expected_version: str | None) -> Resource[Any]:
    """Edit a group; raises NotFoundException, PreconditionFailedException, and as `add` does."""
    row = await _row(company_id, group.id, whole=False, lock=True, expected_version=expected_version)
    fields: dict[Any, Any] = _fields(group)
    await ScimGroup.update(fields).where(ScimGroup.id == row["id"])
    await _keep_members(company_id, row["id"], group)
    return await get(company_id, group.id, whole=True, lock=False)


async def remove(company_id: UUID, group_id: str, expected_version: str | None) -> None:
    """Delete a group, and the roles it gave; raises NotFoundException, PreconditionFailedException."""
    row = await _row(company_id, group_id, whole=False, lock=True, expected_version=expected_version)
    await ScimGroup.delete().where(ScimGroup.id == row["id"])


def moves_of(patch: Any) -> list[Move] | None:
    """Give the members who come and go by a patch, None where it edits anything else."""
    moves = [_move_of(str(each.path or ""), each.op, each.value) for each in patch.operations or []]
    known = [move for move in moves if move]
    return known if len(known) == len(moves) else None


def _move_of(path: str, op: str, value: Any) -> Move | None:
    one = _ONE_MEMBER.fullmatch(path)
    if one and op == "remove":
        return Move(comes=False, ids=[one["id"]])
    if path.lower() != "members" or op == "replace" or not isinstance(value, list):
        return None
    ids = [each["value"] for each in value if isinstance(each, dict) and isinstance(each.get("value"), str)]
    return Move(comes=op == "add", ids=ids) if len(ids) == len(value) else None


async def move(company_id: UUID, group_id: str, moves: list[Move]) -> Resource[Any]:
    """Let members come and go in turn; raises InvalidValueException where one who comes is no User."""
    group = read_id(group_id)
    for each in moves:
        if each.comes:
            wanted = {read_reference("members.value", member) for member in each.ids}
            await _join(company_id, group, wanted)
        else:
            gone = [member for text in each.ids if (member := read_id(text))]
            await bound().execute(_GO, company_id, group, gone)
    return await get(company_id, group_id, whole=False, lock=False)


async def _row(
    company_id: UUID, group_id: str, *, whole: bool, lock: bool, expected_version: str | None = None
) -> asyncpg.Record:
    query = _SHAPES[whole] + "AND id = $2" + (" FOR NO KEY UPDATE" if lock else "")
    return found("Group", await bound().fetchrow(query, company_id, read_id(group_id)), expected_version)


async def _keep_members(company_id: UUID, group_id: UUID, group: Any) -> None:
    wanted = {read_reference("members.value", member.value) for member in group.members or []}
    await bound().execute(_LEAVE, company_id, group_id, list(wanted))
    await _join(company_id, group_id, wanted)


async def _join(company_id: UUID, group_id: UUID | None, wanted: set[UUID]) -> None:
    if await bound().fetchval(_PRESENT, company_id, list(wanted)) != len(wanted):
        raise InvalidValueException(attribute="members.value", detail="members.value names no User")
    await bound().execute(_JOIN, company_id, group_id, list(wanted))
    if await bound().fetchval(_COUNT, company_id, group_id) > MOST_MEMBERS:
        raise InvalidValueException(
            attribute="members", detail=f"A group takes {MOST_MEMBERS} members at most"
        )


def _fields(group: Any) -> dict[str, Any]:
    return bounded("display_name", {"display_name": group.display_name, "external_id": group.external_id})


def _group(row: asyncpg.Record) -> Resource[Any]:
    members = [GroupMember(value=str(each), ref=Reference[User](f"Users/{each}")) for each in row["members"]]
    return Group(
        id=str(row["id"]),
        meta=meta_of("Group", row),
        external_id=row["external_id"],
        display_name=row["display_name"],
        members=members or None,
    )

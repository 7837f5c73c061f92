"""Who is told: members of an association, and whoever answers for an employee in a company."""

from typing import Any, NamedTuple
from uuid import UUID

from api.core.database import bound

_MEMBERS = """
    SELECT person_id FROM association_member
    WHERE association_id = $1 AND role = ANY ($2::text[]) AND person_id IS DISTINCT FROM $3
"""
_KEEPERS = """
    SELECT am.person_id FROM association_member am JOIN mission m ON m.association_id = am.association_id
    WHERE m.id = $1 AND (m.managers = '{}' OR am.person_id = ANY (m.managers))
"""
_MANAGER = "SELECT person_id FROM employee WHERE id = $1 AND company_id = $2 AND active AND person_id <> $3"
_WITH_ROLE = """
    SELECT person_id FROM employee
    WHERE company_id = $2 AND active AND $1 = ANY (roles || group_roles) AND person_id <> $3
"""
_ADMINISTRATORS = """
    SELECT person_id FROM employee WHERE company_id = $1 AND active AND 'company_admin' = ANY (roles || group_roles)
"""
_DECIDED = """
    SELECT e.by_person, e.from_state, e.reason
    FROM outbox o JOIN state_event e ON e.object_id = $2 AND e.to_state = $3
    WHERE o.id = $1 ORDER BY abs(extract(epoch FROM e.at - o.recorded_at)), e.id LIMIT 1
"""
"""The nearest in time: one transaction wrote both, by two clocks."""


async def keepers_of(mission_id: UUID) -> list[UUID]:
    """Give who keeps a mission: its managers, or where it names none every member of its association."""
    rows = await bound().fetch(_KEEPERS, mission_id)
    return [row["person_id"] for row in rows]


async def members_of(association_id: UUID, besides: UUID | None = None, *roles: str) -> list[UUID]:
    """Give the members of an association, of all roles or of some, without the person named."""
    wanted = list(roles or ("owner", "coordinator"))
    rows = await bound().fetch(_MEMBERS, association_id, wanted, besides)
    return [row["person_id"] for row in rows]


async def employers_of(person_id: UUID, company_id: UUID, manager_id: UUID | None) -> list[UUID]:
    """Give who decides for an employee: their manager, without one HR, without any the administrators."""
    for sql, whom in ((_MANAGER, manager_id), (_WITH_ROLE, "hr"), (_WITH_ROLE, "company_admin")):
        rows = await bound().fetch(sql, whom, company_id, person_id)
        if rows:
            return [row["person_id"] for row in rows]
    return []


async def administrators_of(company_id: UUID) -> list[UUID]:
    """Give the administrators of a company."""
    rows = await bound().fetch(_ADMINISTRATORS, company_id)
    return [row["person_id"] for row in rows]


async def row_of(sql: str, which: UUID) -> Any:
    """Give the row of what a fact is about; raises LookupError where the fact's tenant does not see it."""
    row = await bound().fetchrow(sql, which)
    if row is None:
        raise LookupError("the fact is of another tenant than its object")
    return row


class Decision(NamedTuple):
    """What brought an object to a state: who did, None when it was the system, from where, and why."""

    by_person: UUID | None = None
    from_state: str | None = None
    reason: str | None = None

    @property
    def reasons(self) -> list[str]:
        """Give the reasons that a moderator wrote, a line each."""
        return (self.reason or "").splitlines()


async def decision(key: str, object_id: UUID, state: str) -> Decision:
    """Give the decision that the fact of a reaction's key is about: its object may have moved on, and back, since."""
    row = await bound().fetchrow(_DECIDED, UUID(key.partition(":")[0]), object_id, state)
    return Decision(*row) if row else Decision()

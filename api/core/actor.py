"""Who is asking, what they may be, and the guards routes declare."""

from typing import Any, TypeAlias
from uuid import UUID

import msgspec
from litestar.connection import ASGIConnection
from litestar.handlers import BaseRouteHandler

from api.core.language import Language
from api.core.problems import Forbidden, Unauthenticated


class Employment(msgspec.Struct, frozen=True):
    """An active employee's row, as the actor holds it: roles are employee, manager, hr, company_admin."""

    company_id: UUID
    employee_id: UUID
    roles: frozenset[str]


class Actor(msgspec.Struct, frozen=True, kw_only=True):
    """The caller of a use case: a person, or the system acting inside one tenant."""

    person_id: UUID | None
    language: Language = "fr"
    employment: Employment | None = None
    memberships: dict[UUID, str] = {}
    roles: frozenset[str] = frozenset()

    @property
    def company_id(self) -> UUID | None:
        """Give the company the actor works for, if any."""
        return self.employment.company_id if self.employment else None

    def has_company_role(self, company_id: UUID, *roles: str) -> bool:
        """Tell whether the actor holds one of the roles in that company."""
        return self.company_id == company_id and bool(self.employment and self.employment.roles & set(roles))

    @property
    def author(self) -> UUID:
        """Give the person acting; only for use cases that a person alone can call."""
        if self.person_id is None:
            raise Unauthenticated
        return self.person_id


def system(company_id: UUID | None = None, association_id: UUID | None = None, *roles: str) -> Actor:
    """Make the actor of background work: everything inside the tenant of a fact, nothing outside it."""
    return Actor(
        person_id=None,
        employment=Employment(company_id, company_id, frozenset()) if company_id else None,
        memberships={association_id: "system"} if association_id else {},
        roles=frozenset({"system", *roles}),
    )


# Guards are async: Litestar would run a sync one in a thread, and hide it behind a wrapper.
Connection: TypeAlias = ASGIConnection[Any, Any, Any, Any]


async def public(connection: Connection, _: BaseRouteHandler) -> None:
    """Let anyone in: declared, never forgotten."""


async def signed_in(connection: Connection, _: BaseRouteHandler) -> None:
    """Let in whoever proved who they are; raises Unauthenticated."""
    if connection.user is None:
        raise Unauthenticated


async def employed(connection: Connection, _: BaseRouteHandler) -> None:
    """Let in the active employees of a company; raises Unauthenticated, Forbidden."""
    await signed_in(connection, _)
    if connection.user.employment is None:
        raise Forbidden


async def moderator(connection: Connection, _: BaseRouteHandler) -> None:
    """Let in the platform's moderators; raises Unauthenticated, Forbidden."""
    await signed_in(connection, _)
    if "moderator" not in connection.user.roles:
        raise Forbidden


async def admin(connection: Connection, _: BaseRouteHandler) -> None:
    """Let in the platform's administrators; raises Unauthenticated, Forbidden."""
    await signed_in(connection, _)
    if "admin" not in connection.user.roles:
        raise Forbidden

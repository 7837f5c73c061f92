"""Who is asking, what they may be, and the guards routes declare."""

from typing import Any, TypeAlias
from uuid import UUID

import msgspec
from litestar.connection import ASGIConnection
from litestar.handlers import BaseRouteHandler

from api.core.language import Language, Words
from api.core.problems import Forbidden, Unauthenticated


class Employment(msgspec.Struct, frozen=True):
    """An active employee's row, as the actor holds it: roles are employee, manager, hr, company_admin.

    `stands_in_for`: the person for whom they answer in HR's place.
    """

    company_id: UUID
    employee_id: UUID
    roles: frozenset[str]
    stands_in_for: UUID | None = None


class Actor(msgspec.Struct, frozen=True, kw_only=True):
    """The caller of a use case: a person, an organisation's key, or the system acting inside one tenant.

    A key may do what its `scopes` say and nothing else, and knows who made it; a person and the system have neither.
    """

    person_id: UUID | None
    key_id: UUID | None = None
    scopes: frozenset[str] | None = None
    made_by: UUID | None = None
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

    def acts_for(self, person_id: UUID) -> bool:
        """Tell whether what the caller does is that person's own act: theirs, or of a key that they made."""
        return person_id in (self.person_id, self.made_by)

    @property
    def author(self) -> UUID:
        """Give the person or the key acting; raises Unauthenticated for the system."""
        author = self.person_id or self.key_id
        if author is None:
            raise Unauthenticated
        return author


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


async def public(connection: Connection, handler: BaseRouteHandler) -> None:
    """Let anyone in: declared, never forgotten; a key as far as its scopes go, raises Forbidden."""
    user = connection.scope.get("user")  # none is set where a route reads its own credentials
    if user is not None and "scope" in handler.opt:
        _check_scope(user, handler)


async def signed_in(connection: Connection, handler: BaseRouteHandler) -> None:
    """Let in whoever proved who they are, a key where the route names a scope it has.

    Raises Unauthenticated, Forbidden.
    """
    if connection.user is None:
        raise Unauthenticated
    _check_scope(connection.user, handler)


def _check_scope(actor: Actor, handler: BaseRouteHandler) -> None:
    if actor.scopes is not None and handler.opt.get("scope") not in actor.scopes:
        raise Forbidden(
            Words("This key’s scopes do not go so far.", "Les droits de cette clé ne vont pas jusque-là.")
        )


_NO_EMPLOYER = Words(
    "This goes through a company that is on Maillon: sign in with the account it gives you.",
    "Cela passe par une entreprise présente sur Maillon : connectez-vous avec le compte qu’elle vous donne.",
)


async def employed(connection: Connection, handler: BaseRouteHandler) -> None:
    """Let in the active employees of a company; raises Unauthenticated, Forbidden."""
    await signed_in(connection, handler)
    if connection.user.employment is None:
        raise Forbidden(_NO_EMPLOYER)


async def moderator(connection: Connection, handler: BaseRouteHandler) -> None:
    """Let in the platform's moderators; raises Unauthenticated, Forbidden."""
    await signed_in(connection, handler)
    if "moderator" not in connection.user.roles:
        raise Forbidden


async def admin(connection: Connection, handler: BaseRouteHandler) -> None:
    """Let in the platform's administrators; raises Unauthenticated, Forbidden."""
    await signed_in(connection, handler)
    if "admin" not in connection.user.roles:
        raise Forbidden

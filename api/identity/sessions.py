"""Session tokens: random, shown once, kept as a digest; listed and ended by their person."""

import hashlib
import secrets
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from piccolo.columns.combination import Where

from api.core import clock
from api.core.actor import Actor
from api.core.database import read, transaction
from api.core.ids import new_id
from api.core.problems import NotFound
from api.core.schemas import Page
from api.identity import queries
from api.identity.schemas import SessionOut
from api.identity.tables import Session

PREFIX = "mls_"
COOKIE = "__Host-maillon"


class OpenedSession(NamedTuple):
    """A session just opened, with the token that nothing shows again."""

    id: UUID
    token: str
    expires_at: datetime


def digest(token: str) -> bytes:
    """Give what is stored of a token; a random token needs no salt."""
    return hashlib.sha256(token.encode()).digest()


async def begin_session(
    person_id: UUID,
    lifetime: timedelta,
    *,
    company_id: UUID | None = None,
    provider_id: UUID | None = None,
    roles: frozenset[str] = frozenset(),
) -> OpenedSession:
    """Open a session of a person, in the open transaction of the system.

    One that came through a company ends with the job there, and with the provider that vouched for it; `roles` are
    what that one said of the person.
    """
    now = clock.now()
    opened = OpenedSession(new_id(), PREFIX + secrets.token_urlsafe(32), now + lifetime)
    await Session.insert(
        Session(
            id=opened.id,
            person_id=person_id,
            digest=digest(opened.token),
            company_id=company_id,
            provider_id=provider_id,
            roles=sorted(roles),
            created_at=now,
            expires_at=opened.expires_at,
        )
    )
    return opened


async def open_session(person_id: UUID, lifetime: timedelta) -> str:
    """Give a new session token of a person, in the open transaction of the system."""
    return (await begin_session(person_id, lifetime)).token


async def list_sessions(actor: Actor, token: str, limit: int, cursor: str | None) -> Page[SessionOut]:
    """List the caller's living sessions, the newest first; `token` is what they asked with."""
    async with read(actor) as connection:
        return await queries.list_sessions(connection, actor.author, digest(token), limit, cursor)


async def end_session(actor: Actor, token: str) -> None:
    """End the session of a token; raises NotFound where it is none of ours to end, as a company's token."""
    await _end(actor, Session.digest == digest(token))


async def revoke_session(actor: Actor, session_id: UUID) -> None:
    """End one of the caller's sessions; raises NotFound."""
    await _end(actor, Session.id == session_id)


async def _end(actor: Actor, which: Where) -> None:
    async with transaction(actor):
        mine = which & (Session.person_id == actor.author)
        if not await Session.delete().where(mine).returning(Session.id):
            raise NotFound

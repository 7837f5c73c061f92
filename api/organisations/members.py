"""Use cases of an association's members: invited by mail, changed, gone; it never loses its last owner."""

import hashlib
import secrets
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg
import msgspec

from api.core import clock
from api.core.actor import Actor
from api.core.database import Connection, found, read, transaction
from api.core.ids import new_id
from api.core.language import Language, Words
from api.core.outbox import record
from api.core.problems import Forbidden, NotFound, Problem, TooManyRequests, VersionChanged, WrongState
from api.core.schemas import Page
from api.notifications.kinds import CODES
from api.notifications.service import mail_code
from api.organisations import policy, queries
from api.organisations.facts import MemberChanged, MemberJoined, MemberRemoved
from api.organisations.lifecycle import enter
from api.organisations.schemas import InvitationOut, MemberIn, MemberOut
from api.organisations.tables import AssociationMember, Invitation
from api.people.schemas import MembershipOut

WINDOW = timedelta(hours=1)
MOST_INVITATIONS = 20
"""Of one association within the window."""

_OWNER_LEFT = "SELECT owner_is_left($1)"
_INVITED = """
    SELECT count(*) AS sent, min(created_at) AS since FROM invitation
    WHERE association_id = $1 AND created_at > $2
"""
_REVOKE = """
    UPDATE invitation SET revoked_at = $2
    WHERE association_id = $1 AND email = $3 AND accepted_at IS NULL AND revoked_at IS NULL
"""
_REVOKE_ONE = """
    UPDATE invitation SET revoked_at = $2
    WHERE id = $1 AND accepted_at IS NULL AND revoked_at IS NULL AND expires_at > $2 RETURNING id
"""
_WHICH = "SELECT association_id FROM invitation WHERE id = $1"
_BY_CODE = "SELECT id, association_id, email FROM invitation_by_digest($1)"
_PROVED = """
    SELECT EXISTS (SELECT FROM person_email WHERE person_id = $1 AND email = $2 AND proved_at IS NOT NULL)
"""
_ACCEPT = """
    UPDATE invitation SET accepted_at = $2, accepted_by = $3
    WHERE id = $1 AND accepted_at IS NULL AND revoked_at IS NULL AND expires_at > $2 RETURNING role
"""
_ACCEPTED = "SELECT FROM invitation WHERE id = $1 AND accepted_by = $2"
# An owner who accepts another seat keeps their own: it may be the last.
_JOIN = """
    INSERT INTO association_member (id, association_id, person_id, role, since) VALUES ($1, $2, $3, $4, $5)
    ON CONFLICT ON CONSTRAINT association_member_unique
        DO UPDATE SET role = excluded.role WHERE association_member.role <> 'owner'
"""


class LastOwner(Problem):
    """The association would be left without an owner."""

    status = 409
    slug = "last-owner"
    title = Words("An association keeps an owner", "Une association garde quelqu’un à sa tête")


async def list_members(actor: Actor, association_id: UUID, limit: int, cursor: str | None) -> Page[MemberOut]:
    """List the members, to themselves and to moderators; raises NotFound, Forbidden."""
    async with read(_within(actor, association_id)) as connection:
        await queries.association_state(connection, association_id, actor)
        policy.require_member(_within(actor, association_id), association_id)
        return await queries.list_members(connection, association_id, limit, cursor)


async def list_invitations(
    actor: Actor, association_id: UUID, limit: int, cursor: str | None
) -> Page[InvitationOut]:
    """List the invitations that wait, to whoever may take them back; raises NotFound, Forbidden."""
    async with read(_within(actor, association_id)) as connection:
        await queries.association_state(connection, association_id, actor)
        owner_left = await connection.fetchval(_OWNER_LEFT, association_id)
        policy.require_keeper(actor, actor.memberships.get(association_id), owner_left=owner_left)
        return await queries.list_invitations(connection, association_id, limit, cursor)


async def invite_member(actor: Actor, association_id: UUID, given: MemberIn) -> InvitationOut:
    """Mail an invitation that works once, for 7 days, and replaces the address's former one.

    Raises NotFound, Forbidden, WrongState, TooManyRequests.
    """
    code, now, within = secrets.token_hex(16), clock.now(), _within(actor, association_id)
    offered = InvitationOut(
        id=new_id(), email=given.email.lower(), role=given.role, expires_at=now + CODES["invitation"]
    )
    async with transaction(within) as connection:
        present = await _keep(connection, actor, association_id)
        await _require_calm(connection, association_id, now)
        await connection.execute(_REVOKE, association_id, now, offered.email)
        await Invitation.insert(
            Invitation(
                association_id=association_id,
                digest=_digest(code),
                invited_by=actor.author,
                created_at=now,
                **msgspec.structs.asdict(offered),
            )
        )
        await _mail(within, offered, present["name"], code)
    return offered


async def _require_calm(connection: Connection, association_id: UUID, now: datetime) -> None:
    invited: Any = await connection.fetchrow(_INVITED, association_id, now - WINDOW)
    if invited["sent"] >= MOST_INVITATIONS:
        raise TooManyRequests(seconds=int((invited["since"] + WINDOW - now).total_seconds()) + 1)


async def _mail(within: Actor, offered: InvitationOut, association: str, code: str) -> None:
    """Queue the mail, which only the system may write, in the language of whoever invites."""
    language: Language = within.language
    values: dict[str, object] = {"association": association, "role": offered.role, "code": code}
    async with transaction(msgspec.structs.replace(within, roles=within.roles | {"system"})):
        await mail_code("invitation", offered.email, language, values, f"{offered.id}:invitation")


def _digest(code: str) -> bytes:
    return hashlib.sha256(code.encode()).digest()


async def accept_invitation(actor: Actor, code: str) -> MembershipOut:
    """Take the seat that was offered to an address of the caller; raises NotFound, Forbidden.

    The caller must have proved that address themselves: a mail passed on gives neither the seat nor the address.
    """
    async with transaction(actor) as connection:
        offered = found(await connection.fetchrow(_BY_CODE, _digest(code)))
        if not await connection.fetchval(_PROVED, actor.author, offered["email"]):
            raise Forbidden(
                Words(
                    "Sign in with the address that was invited, or add it to yours.",
                    "Connectez-vous avec l’adresse invitée, ou ajoutez-la aux vôtres.",
                )
            )
        async with transaction(_joining(actor, offered["association_id"])):
            return await _take_seat(connection, actor, offered)


async def _take_seat(connection: Connection, actor: Actor, offered: asyncpg.Record) -> MembershipOut:
    association_id, now = offered["association_id"], clock.now()
    await enter(connection, actor, association_id)
    role = await connection.fetchval(_ACCEPT, offered["id"], now, actor.author)
    if role:
        await connection.execute(_JOIN, new_id(), association_id, actor.author, role, now)
        await record(MemberJoined(association_id=association_id, person_id=actor.author))
    elif await connection.fetchrow(_ACCEPTED, offered["id"], actor.author) is None:
        raise NotFound
    member = await queries.get_member(connection, association_id, actor.author)
    return MembershipOut(association=association_id, role=member.role)


async def revoke_invitation(actor: Actor, invitation_id: UUID) -> None:
    """Take back an invitation that waits; raises NotFound, Forbidden, WrongState."""
    async with transaction(actor) as connection:
        association_id = found(await connection.fetchval(_WHICH, invitation_id))
        if association_id not in actor.memberships and "moderator" not in actor.roles:
            raise NotFound
        async with transaction(_within(actor, association_id)):
            await _keep(connection, actor, association_id)
            found(await connection.fetchval(_REVOKE_ONE, invitation_id, clock.now()))


async def update_member(
    actor: Actor, association_id: UUID, person_id: UUID, role: str, edited: int
) -> MemberOut:
    """Change a member's role; raises NotFound, Forbidden, WrongState, VersionChanged, LastOwner."""
    try:
        async with transaction(_within(actor, association_id)) as connection:
            await _keep(connection, actor, association_id)
            member = await queries.get_member(connection, association_id, person_id)
            if member.version != edited:
                raise VersionChanged
            if member.role != role:
                await AssociationMember.update({AssociationMember.role: role}).where(
                    (AssociationMember.association_id == association_id)
                    & (AssociationMember.person_id == person_id)
                )
                if person_id != actor.person_id:
                    await record(MemberChanged(association_id=association_id, person_id=person_id))
            return await queries.get_member(connection, association_id, person_id)
    except asyncpg.CheckViolationError:
        raise LastOwner from None


async def remove_member(actor: Actor, association_id: UUID, person_id: UUID) -> None:
    """Remove a member, or leave; raises NotFound, Forbidden, WrongState, LastOwner."""
    keeps = enter if person_id == actor.person_id else _keep
    try:
        async with transaction(_within(actor, association_id)) as connection:
            await keeps(connection, actor, association_id)
            gone = (
                await AssociationMember.delete()
                .where(
                    (AssociationMember.association_id == association_id)
                    & (AssociationMember.person_id == person_id)
                )
                .returning(AssociationMember.id)
            )
            found(gone or None)
            if person_id != actor.person_id:
                await record(MemberRemoved(association_id=association_id, person_id=person_id))
    except asyncpg.CheckViolationError:
        raise LastOwner from None


def _within(actor: Actor, association_id: UUID) -> Actor:
    """Let a moderator inside an association's walls: `_keep` says whether they may act there."""
    if "moderator" not in actor.roles or association_id in actor.memberships:
        return actor
    return _joining(actor, association_id)


def _joining(actor: Actor, association_id: UUID) -> Actor:
    return msgspec.structs.replace(actor, memberships={**actor.memberships, association_id: "system"})


async def _keep(connection: Connection, actor: Actor, association_id: UUID) -> asyncpg.Record:
    """Lock an association for who looks after its members; raises NotFound, Forbidden, WrongState."""
    present = await enter(connection, actor, association_id)
    owner_left = await connection.fetchval(_OWNER_LEFT, association_id)
    policy.require_keeper(actor, present["role"], owner_left=owner_left)
    if present["state"] == "closed":
        raise WrongState(state="closed", allowed=sorted(policy.CLOSE.sources))
    return present

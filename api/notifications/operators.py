"""What an operator does about mails whose fate is unknown (`maillon notices`)."""

from datetime import datetime
from typing import Literal
from uuid import UUID

from api.core import clock
from api.core.actor import system
from api.core.database import fetch_all, operations, transaction
from api.core.schemas import Out
from api.notifications.delivery import requeue

_IN_DOUBT = """
    SELECT id, kind, split_part(to_address, '@', 2) AS domain, created_at, attempting_at, reply
    FROM mail WHERE state = 'unknown' ORDER BY created_at, id LIMIT 1000
"""
_SETTLE = "UPDATE mail SET state = $2, finished_at = $3 WHERE id = $1 AND state = 'unknown' RETURNING id"


class MailInDoubt(Out, frozen=True, kw_only=True):
    """A mail that was sent or not: `domain` and `attempting_at` find it in a server's log."""

    id: UUID
    kind: str
    domain: str
    created_at: datetime
    attempting_at: datetime | None
    reply: str | None


async def mails_in_doubt() -> list[MailInDoubt]:
    """Give the mails in doubt, the oldest first, at most 1000."""
    async with operations() as connection:
        return await fetch_all(connection, MailInDoubt, _IN_DOUBT)


async def resend(mail_id: UUID) -> bool:
    """Send a mail in doubt, or one that failed, again; tells whether it was one."""
    async with transaction(system()):
        return await requeue(mail_id, "unknown", "failed")


async def settle(mail_id: UUID, state: Literal["sent", "failed"]) -> bool:
    """Say what became of a mail in doubt; tells whether it was one."""
    async with operations() as connection:
        return await connection.fetchval(_SETTLE, mail_id, state, clock.now()) is not None

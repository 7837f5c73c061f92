"""The life of a mail: pending → attempting, committed before DATA, → sent | failed | unknown.

Until the server has taken sender and recipient nothing is promised, and a mail is tried again. From DATA on,
only an answer of the server tells what became of it; without one it is `unknown`, and never sent again by
itself, save for the kinds that say so.
"""

import asyncio
from collections.abc import Awaitable
from datetime import datetime, timedelta
from email.errors import MessageError
from typing import TypeVar
from uuid import UUID

import msgspec
import structlog
from aiosmtplib import SMTP
from prometheus_client import Counter

from api.core import clock
from api.core.actor import system
from api.core.database import AWAY, Connection, bound, transaction
from api.core.language import Language
from api.core.outbox import record
from api.core.settings import Settings
from api.notifications.facts import MailQueued
from api.notifications.kinds import CODES, KINDS
from api.notifications.message import MailText, compose, mailbox
from api.notifications.smtp import Outcome, announce, client, transmit

T = TypeVar("T")

LONGEST_PAUSE = timedelta(hours=1)
MAILS = Counter("maillon_mails_total", "Mails, by what became of an attempt.", ["kind", "state"])

_MAIL = """
    SELECT id, kind, to_address, subject, text, language, state, attempts, not_before, paced, calendars, page,
           coalesce(resent_at, created_at) AS queued_at, created_at
    FROM mail WHERE id = $1 FOR UPDATE
"""
_SLOT = """
    INSERT INTO mail_domain AS d (domain, next_at)
    VALUES ($1, $2::timestamptz + $3::integer * interval '1 millisecond')
    ON CONFLICT (domain) DO UPDATE
        SET next_at = greatest(d.next_at, $2::timestamptz) + $3::integer * interval '1 millisecond'
    RETURNING next_at - $3::integer * interval '1 millisecond'
"""
_WAIT = "UPDATE mail SET not_before = $2, paced = true WHERE id = $1"
_BEGIN = "UPDATE mail SET not_before = $2, paced = false, attempts = attempts + 1 WHERE id = $1"
_CLAIM = """
    UPDATE mail SET state = 'attempting', attempting_at = $2 WHERE id = $1 AND state = 'pending' RETURNING id
"""
# `attempting_at` names the attempt: what an old one learns late must not touch a newer one.
_PUT_OFF = """
    UPDATE mail SET state = 'pending', not_before = $3, paced = false, attempting_at = NULL, reply = $4
    WHERE id = $1 AND attempting_at IS NOT DISTINCT FROM $2 AND state IN ('pending', 'attempting')
"""
_FINISH = """
    UPDATE mail SET state = $3, finished_at = $4, reply = $5,
        calendars = CASE $3 WHEN 'sent' THEN '{}' ELSE calendars END
    WHERE id = $1 AND attempting_at IS NOT DISTINCT FROM $2 AND state IN ('pending', 'attempting', 'unknown')
    RETURNING resent_at
"""
_STUCK = """
    UPDATE mail SET state = 'unknown', finished_at = $2, reply = 'interrupted'
    WHERE state = 'attempting' AND attempting_at < $1 RETURNING id, kind, resent_at
"""
_REQUEUE = """
    UPDATE mail SET state = 'pending', finished_at = NULL, attempting_at = NULL, reply = NULL, attempts = 0,
        not_before = $2, paced = false, resent_at = $2
    WHERE id = $1 AND state = ANY ($3::text[]) AND text <> '' RETURNING id
"""
_FORGET = "UPDATE mail SET text = '' WHERE id = $1 AND kind = ANY ($2::text[]) AND finished_at IS NOT NULL"

log = structlog.get_logger()


class Mail(msgspec.Struct, frozen=True):
    """A mail whose delivery is asked."""

    id: UUID
    kind: str
    to_address: str
    subject: str
    text: str
    language: Language
    state: str
    attempts: int
    not_before: datetime
    paced: bool
    queued_at: datetime
    created_at: datetime
    calendars: list[str]
    page: str | None

    def is_too_late(self, now: datetime, settings: Settings) -> bool:
        """Tell whether it waited for so long that it is worth nothing."""
        given_up = self.queued_at + timedelta(hours=settings.mail_give_up_hours) < now
        return given_up or (self.kind in CODES and self.created_at + CODES[self.kind] < now)


async def deliver(mail_id: UUID, settings: Settings) -> datetime | None:
    """Send a mail when its turn has come; gives the instant to call again, None when all is done."""
    turn = await _take_turn(mail_id, settings)
    if not isinstance(turn, Mail):
        return turn
    try:
        message = _write(turn, settings)
    except (ValueError, MessageError):
        return await _settle(turn, None, Outcome("failed", "address"), settings)
    smtp = client(settings)
    try:
        return await _send(smtp, turn, message, settings)
    finally:
        smtp.close()


async def _take_turn(mail_id: UUID, settings: Settings) -> Mail | datetime | None:
    """Give the mail when it may leave now, held for one attempt; else the instant to ask again, or None."""
    now = clock.now()
    async with transaction(system()) as connection:
        row = await connection.fetchrow(_MAIL, mail_id)
        if row is None or row["state"] != "pending":
            return None
        mail = Mail(**row)
        if mail.not_before > now:
            return mail.not_before
        if mail.is_too_late(now, settings):
            await connection.execute(_FINISH, mail.id, None, "failed", now, "too late")
            await _forget_code(mail.id)
            MAILS.labels(mail.kind, "failed").inc()
            return None
        slot = now if mail.paced else await _reserve(connection, mail, now, settings)
        if slot > now:
            await connection.execute(_WAIT, mail.id, slot)
            return slot
        # Nobody else takes it while this attempt talks to the server; if we die, it is free again after that.
        held = timedelta(seconds=min(settings.mail_timeout_seconds, settings.job_timeout_seconds) + 1)
        await connection.execute(_BEGIN, mail.id, now + held)
        return mail


async def _reserve(connection: Connection, mail: Mail, now: datetime, settings: Settings) -> datetime:
    """Take the next instant at which a mail may leave for this domain, whichever the worker."""
    if settings.mail_domain_interval_ms == 0:
        return now
    domain = mail.to_address.rpartition("@")[2].lower()
    slot: datetime = await connection.fetchval(_SLOT, domain, now, settings.mail_domain_interval_ms)
    return slot


def _write(mail: Mail, settings: Settings) -> bytes:
    said = MailText(mail.subject, mail.text, mail.language, mail.calendars, mail.page)
    return compose(mail.id, mailbox(mail.to_address), said, clock.now(), settings)


async def _send(smtp: SMTP, mail: Mail, message: bytes, settings: Settings) -> datetime | None:
    refusal = await announce(smtp, mailbox(mail.to_address), settings)
    if refusal:
        return await _settle(mail, None, refusal, settings)
    began = clock.now()
    async with transaction(system()) as connection:
        if await connection.fetchval(_CLAIM, mail.id, began) is None:
            return None
    return await _whatever_happens(_promised(smtp, mail, message, began, settings))


async def _promised(
    smtp: SMTP, mail: Mail, message: bytes, began: datetime, settings: Settings
) -> datetime | None:
    return await _settle(mail, began, await transmit(smtp, message, settings), settings)


async def _whatever_happens(work: Awaitable[T]) -> T:
    """Bring work to its end although the job is cancelled meanwhile; it must be bounded by itself."""
    task, cancelled = asyncio.ensure_future(work), False
    while not task.done():
        try:
            await asyncio.wait([task])
        except asyncio.CancelledError:
            cancelled = True
    if cancelled:
        raise asyncio.CancelledError
    return task.result()


async def _settle(
    mail: Mail, began: datetime | None, outcome: Outcome, settings: Settings
) -> datetime | None:
    """Write down what became of an attempt; once DATA has begun, a database away is waited for a little."""
    pauses = [0.2, 1.0, 3.0] if began else []
    while True:
        try:
            again = await _settle_once(mail, began, outcome, settings)
        except AWAY:
            if not pauses:
                raise
            await asyncio.sleep(pauses.pop(0))
            continue
        MAILS.labels(mail.kind, outcome.state).inc()
        log.info("mail", mail_id=str(mail.id), kind=mail.kind, state=outcome.state, reply_code=outcome.reply)
        return again


async def _settle_once(
    mail: Mail, began: datetime | None, outcome: Outcome, settings: Settings
) -> datetime | None:
    now = clock.now()
    async with transaction(system()) as connection:
        if outcome.state == "pending":
            pause = timedelta(seconds=settings.mail_retry_seconds * 2 ** min(mail.attempts, 20))
            again = now + min(pause, LONGEST_PAUSE)
            await connection.execute(_PUT_OFF, mail.id, began, again, outcome.reply)
            return again
        row = await connection.fetchrow(_FINISH, mail.id, began, outcome.state, now, outcome.reply)
        if row and outcome.state == "unknown":
            await _resend_if_kind_allows(mail.id, mail.kind, row["resent_at"])
        await _forget_code(mail.id)
        return None


async def doubt_stuck_mails(settings: Settings) -> int:
    """Put in doubt the mails that have been `attempting` for longer than an attempt can last."""
    now = clock.now()
    async with transaction(system()) as connection:
        stuck = await connection.fetch(
            _STUCK, now - timedelta(seconds=2 * settings.mail_timeout_seconds + 30), now
        )
        for row in stuck:
            await _resend_if_kind_allows(row["id"], row["kind"], row["resent_at"])
            await _forget_code(row["id"])
            MAILS.labels(row["kind"], "unknown").inc()
    return len(stuck)


async def _resend_if_kind_allows(mail_id: UUID, kind: str, resent_at: datetime | None) -> None:
    if KINDS.get(kind) == "resend" and resent_at is None:
        await requeue(mail_id, "unknown")


async def _forget_code(mail_id: UUID) -> None:
    """Blank the text of a mail with a code that will not be sent again."""
    await bound().execute(_FORGET, mail_id, list(CODES))


async def requeue(mail_id: UUID, *states: str) -> bool:
    """Queue again, in the open transaction, a mail in one of the states; tells whether it was in one.

    A mail whose code is forgotten says nothing any more, and stays where it is.
    """
    if await bound().fetchval(_REQUEUE, mail_id, clock.now(), list(states)) is None:
        return False
    await record(MailQueued(mail_id=mail_id))
    return True

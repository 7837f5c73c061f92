"""Telling people: the notice in the application, and the mail that will be sent."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import msgspec

from api.core import clock
from api.core.actor import Actor
from api.core.database import bound, fetch_all, transaction
from api.core.ids import new_id
from api.core.language import Language
from api.core.outbox import record
from api.notifications import queries
from api.notifications.facts import MailQueued
from api.notifications.kinds import NEUTRAL
from api.notifications.render import Notice, render
from api.notifications.schemas import AllReadOut, NotificationOut

_CONTACTS = "SELECT person_id, language, email, at_work FROM contacts_of($1) ORDER BY person_id"
_NOTICE = """
    INSERT INTO notification (id, person_id, kind, title, text, about_type, about_id, unique_key, created_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
    ON CONFLICT ON CONSTRAINT notification_once DO NOTHING
"""
_MAIL = """
    INSERT INTO mail (id, person_id, kind, to_address, language, subject, text, unique_key,
                      not_before, created_at, calendars, page)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $9, $10, $11)
    ON CONFLICT ON CONSTRAINT mail_once DO NOTHING RETURNING id
"""
_READ = """
    UPDATE notification SET read_at = $3 WHERE id = $1 AND person_id = $2 AND read_at IS NULL
"""
_READ_ALL = "UPDATE notification SET read_at = $2 WHERE person_id = $1 AND read_at IS NULL"


class Contact(msgspec.Struct, frozen=True):
    """How a person is written to; `at_work`: the address is their employer's."""

    person_id: UUID
    language: Language
    email: str | None
    at_work: bool


class News(msgspec.Struct, frozen=True, kw_only=True):
    """What people are told: a kind, what it is about, and the values its text names.

    `personal`: it concerns a personal-time mission, which a mail to a work address must not name.
    `page`: the path of ours that its mail leads to.
    """

    kind: str
    about_type: str
    about_id: UUID
    values: dict[str, Any]
    personal: bool = False
    page: str | None = None


async def contacts(person_ids: list[UUID]) -> list[Contact]:
    """Give how people are written to, at an address of their own where they proved one; the erased are not."""
    return await fetch_all(bound(), Contact, _CONTACTS, person_ids)


async def notify(person_ids: list[UUID], news: News, unique_key: str, calendars: Sequence[str] = ()) -> None:
    """Tell people once for a key, in the open transaction of the system: a notice each, and a mail.

    The mail carries the iCalendar objects, unless it must not name the mission.
    """
    connection = bound()
    key = f"{unique_key}:{news.kind}"
    for contact in await contacts(person_ids):
        notice = render(news.kind, contact.language, news.values)
        await connection.execute(
            _NOTICE,
            *(new_id(), contact.person_id, news.kind, *notice),
            *(news.about_type, news.about_id, key, clock.now()),
        )
        if contact.email:
            neutral = news.personal and contact.at_work
            said = render(NEUTRAL, contact.language, {}) if neutral else notice
            carried = ([], None) if neutral else (list(calendars), news.page)
            await _queue_mail(contact, news.kind, said, key, carried)


async def _queue_mail(
    contact: Contact, kind: str, notice: Notice, key: str, carried: tuple[list[str], str | None]
) -> None:
    mail_id = await bound().fetchval(
        _MAIL,
        *(new_id(), contact.person_id, kind, contact.email, contact.language),
        *(*notice, key, clock.now(), *carried),
    )
    if mail_id:
        await record(MailQueued(mail_id=mail_id))


async def mail_code(
    kind: str, address: str, language: Language, values: dict[str, object], unique_key: str
) -> None:
    """Queue a mail that carries a code, in the open transaction of the system; no notice goes with it."""
    mail_id = await bound().fetchval(
        _MAIL,
        *(new_id(), None, kind, address, language),
        *(*render(kind, language, values), unique_key, clock.now(), [], None),
    )
    await record(MailQueued(mail_id=mail_id))


async def read_notification(actor: Actor, notification_id: UUID) -> NotificationOut:
    """Mark one of the caller's notices as read; raises NotFound."""
    async with transaction(actor) as connection:
        await connection.execute(_READ, notification_id, actor.author, clock.now())
        return await queries.get_notification(connection, actor, notification_id)


async def read_all_notifications(actor: Actor) -> AllReadOut:
    """Mark all of the caller's notices as read."""
    async with transaction(actor) as connection:
        done = await connection.execute(_READ_ALL, actor.author, clock.now())
    return AllReadOut(read=int(done.rpartition(" ")[2]))

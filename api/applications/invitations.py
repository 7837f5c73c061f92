"""Invitations to the days of an engagement, by mail (RFC 5546): what a calendar lacks, and what it must drop."""

from uuid import UUID

import msgspec

from api.applications.calendar import Slot, Telling, write_message
from api.applications.queries_calendar import Engagement, engagement
from api.core import clock
from api.core.database import bound
from api.notifications.service import Contact, contacts

_LOCK = "SELECT FROM application WHERE id = $1 FOR NO KEY UPDATE"
_NOTE = """
    INSERT INTO calendar_invitation (application_id, association_id, company_id, person_id, events, told_at)
    VALUES ($1, $2, $3, $4, $5, $6)
    ON CONFLICT (application_id) DO UPDATE SET events = excluded.events, told_at = excluded.told_at
"""


async def news_for_calendar(application_id: UUID) -> list[str]:
    """Give the iCalendar objects that the applicant's mail is to carry, and note that it does.

    Runs in the open transaction of the system, whose mail it is for. Empty where the calendar is right, where the
    employer's word is awaited, and where an employer's mailbox would read of personal time.
    """
    await bound().execute(_LOCK, application_id)  # reactions to one engagement take turns
    it = await engagement(bound(), application_id)
    if it is None or not (contact := await _contact(it)):
        return []
    told = {slot.uid: slot for slot in it.told or [] if slot.ends_at > clock.now()}
    wanted = _wanted(it, told)
    gone = [slot for uid, slot in told.items() if uid not in wanted]
    fresh = [slot for uid, slot in wanted.items() if told.get(uid) != slot]
    if not gone and not fresh:
        return []
    past = [slot for slot in it.told or [] if slot.uid not in told | wanted]
    await _note(it, [*past, *wanted.values()])
    telling = Telling(it.sequence + 1, clock.now(), contact.language, it.contact)
    return [
        *(write_message("REQUEST", slot, telling) for slot in fresh),
        *(write_message("CANCEL", slot, telling._replace(contact=None, cancelled=True)) for slot in gone),
    ]


def _wanted(it: Engagement, told: dict[UUID, Slot]) -> dict[UUID, Slot]:
    """Give what is yet to come and should be in the calendar, what it holds where that is to stay."""
    if it.state in ("completed", "no_show") or (it.state == "accepted" and not it.settled):
        return told
    if it.state != "accepted":
        return {}
    return {slot.uid: slot for slot in it.slots if slot.ends_at > clock.now()}


async def _contact(it: Engagement) -> Contact | None:
    for contact in await contacts([it.person_id]):
        if contact.email and not (it.personal and contact.at_work):
            return contact
    return None


async def _note(it: Engagement, events: list[Slot]) -> None:
    """Note what the calendar holds from now on; that it was told once more raises the SEQUENCE."""
    await bound().execute(
        _NOTE,
        *(it.id, it.association_id, it.company_id, it.person_id),
        *(msgspec.json.encode(events).decode(), clock.now()),
    )

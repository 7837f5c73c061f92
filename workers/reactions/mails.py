"""Sending queued mails: the one reaction that works outside of a transaction."""

from datetime import datetime

from api.core.settings import Settings
from api.notifications.delivery import deliver
from api.notifications.facts import MailQueued
from workers.registry import reacts_outside_to


@reacts_outside_to(MailQueued)
async def deliver_mail(fact: MailQueued, settings: Settings) -> datetime | None:
    """Send the mail, or say when to try again."""
    return await deliver(fact.mail_id, settings)

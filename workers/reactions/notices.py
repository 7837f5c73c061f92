"""Whom each fact is told to, in the application and by mail.

The employer is told of working time alone, never reads a motivation message, and whoever did the act knows.
"""

from datetime import date
from uuid import UUID

import msgspec

from api.applications.facts import (
    ApplicationAccepted,
    ApplicationCancelled,
    ApplicationCompleted,
    ApplicationDeclined,
    ApplicationEnded,
    ApplicationExpired,
    ApplicationFact,
    ApplicationOffered,
    ApplicationReopened,
    ApplicationShortlisted,
    ApplicationSubmitted,
    ApplicationWaitlisted,
    ApplicationWithdrawn,
    EmployerApprovalAsked,
    EmployerApproved,
    EmployerRefused,
    MarkedNoShow,
    MessageSent,
    OfferAccepted,
    OfferExpired,
    ReplyReminded,
)
from api.applications.invitations import news_for_calendar
from api.core.database import bound, fetch_one
from api.notifications.service import News, notify
from workers.reactions.people import decision, employers_of, keepers_of
from workers.registry import reacts_to

_APPLICATION = """
    SELECT a.id, a.mission_id, a.person_id, a.manager_id, a.company_id, a.association_id, a.regime, a.state,
           a.state_reason, a.employer_approval, a.employer_reason, a.applicant_name AS applicant,
           m.title AS mission, s.name AS association,
           CASE a.state WHEN 'accepted' THEN a.agreed_minutes ELSE a.asked_minutes END AS effort_minutes,
           coalesce(a.agreed_starts_on, m.starts_on) AS starts_on, a.engaged_on,
           coalesce(m.state_reason, '') AS mission_reason,
           (a.reply_due_at AT TIME ZONE m.time_zone)::date AS reply_due_on
    FROM application a JOIN mission m ON m.id = a.mission_id JOIN association s ON s.id = a.association_id
    WHERE a.id = $1
"""
_SLUG = "SELECT slug FROM company WHERE id = $1"
_AUTHOR = "SELECT author_id FROM message WHERE id = $1"

ENDED_IN: dict[type[ApplicationFact], str] = {ApplicationDeclined: "declined", ApplicationEnded: "cancelled"}
ENDED_IN |= dict.fromkeys((ApplicationExpired, OfferExpired), "expired")


class Dossier(msgspec.Struct, frozen=True, kw_only=True):
    """What notices say of an application or of an hours entry."""

    id: UUID
    mission_id: UUID
    person_id: UUID
    manager_id: UUID | None
    company_id: UUID
    association_id: UUID
    regime: str
    state: str
    state_reason: str | None
    applicant: str
    mission: str
    association: str
    employer_approval: str = ""
    employer_reason: str | None = None
    from_state: str | None = None
    taken_back: bool = False
    again: bool = False
    effort_minutes: int | None = None
    starts_on: date | None = None
    engaged_on: date | None = None
    worked_on: date | None = None
    minutes: int = 0
    declared_minutes: int = 0
    mission_reason: str = ""
    reply_due_on: date | None = None

    def news(self, kind: str, about: str, *names: str) -> News:
        """Make the news of a kind, whose text names the fields named."""
        values = {name: getattr(self, name) for name in names}
        personal = self.regime == "personal_time"
        return News(kind=kind, about_type=about, about_id=self.id, values=values, personal=personal)


@reacts_to(ApplicationSubmitted)
async def tell_association_of_application(fact: ApplicationSubmitted, key: str) -> None:
    """Tell the association that somebody applied."""
    it = await application(fact, key)
    news = it.news("application_submitted", "application", "applicant", "mission")
    await notify(await keepers_of(it.mission_id), news, key)


@reacts_to(ApplicationAccepted)
async def tell_applicant_of_acceptance(fact: ApplicationAccepted, key: str) -> None:
    """Tell the applicant that they have a place."""
    it = await application(fact, key)
    names = ("mission", "association", "employer_approval")
    await _notify_with_calendar(it, "application_accepted", names, key)


@reacts_to(ApplicationDeclined)
async def tell_applicant_of_decline(fact: ApplicationDeclined, key: str) -> None:
    """Tell the applicant that they were declined, and why."""
    it = await application(fact, key)
    names = ("mission", "association", "state_reason")
    await notify([it.person_id], it.news("application_declined", "application", *names), key)


@reacts_to(ApplicationWithdrawn)
async def tell_association_of_withdrawal(fact: ApplicationWithdrawn, key: str) -> None:
    """Tell the association that an applicant withdrew, and the employer of who was engaged on its time.

    The applicant is told where it was their leaving that did it: the employer knows then.
    """
    it = await application(fact, key)
    news = it.news("application_withdrawn", "application", "applicant", "mission")
    await notify(await keepers_of(it.mission_id), news, key)
    withdrawal = await decision(key, it.id, "withdrawn")
    if withdrawal.by_person != it.person_id:
        await _notify_with_calendar(it, "application_left", ("mission", "association"), key)
    elif withdrawal.from_state == "accepted":
        await _tell_employer(it, "engagement_withdrawn", key)


@reacts_to(EmployerApprovalAsked)
async def ask_employer_for_approval(fact: EmployerApprovalAsked, key: str) -> None:
    """Ask the employer for a decision that is still to be made, on working time alone."""
    it = await application(fact, key)
    if it.regime != "working_time" or it.employer_approval != "pending":
        return
    names = ("applicant", "mission", "association", "effort_minutes", "starts_on", "engaged_on")
    people = await employers_of(it.person_id, it.company_id, it.manager_id)
    slug = await bound().fetchval(_SLUG, it.company_id)
    page = f"/approvals/{it.id}?company={slug}"
    news = msgspec.structs.replace(it.news("approval_asked", "application", *names), page=page)
    await notify(people, news, key)


@reacts_to(EmployerApproved)
async def tell_applicant_of_approval(fact: EmployerApproved, key: str) -> None:
    """Tell the applicant that their employer agrees, and the association that accepted them already."""
    it = await application(fact, key)
    await _notify_with_calendar(it, "employer_approved", ("mission", "association"), key)
    if it.state == "accepted":
        told = msgspec.structs.replace(it, again=fact.to == "effort")
        news = told.news("applicant_approved", "application", "applicant", "mission", "again")
        await notify(await keepers_of(it.mission_id), news, key)


@reacts_to(EmployerRefused)
async def tell_both_of_refusal(fact: EmployerRefused, key: str) -> None:
    """Tell the applicant why their employer refused, and the association only that it is over."""
    it = msgspec.structs.replace(await application(fact, key), taken_back=fact.before == "approved")
    names = ("mission", "association", "employer_reason", "taken_back")
    await _notify_with_calendar(it, "employer_refused", names, key)
    news = it.news("applicant_refused", "application", "applicant", "mission", "taken_back")
    await notify(await keepers_of(it.mission_id), news, key)


TOLD_APPLICANT: dict[type[ApplicationFact], str] = {
    ApplicationShortlisted: "application_shortlisted",
    ApplicationWaitlisted: "application_waitlisted",
    ApplicationOffered: "application_offered",
    OfferExpired: "offer_expired",
    ApplicationReopened: "application_reopened",
    MarkedNoShow: "marked_no_show",
    ApplicationCompleted: "application_completed",
    ApplicationExpired: "application_expired",
}
"""What an applicant is told by each fact that concerns them alone."""


@reacts_to(*TOLD_APPLICANT)
async def tell_applicant(fact: ApplicationFact, key: str) -> None:
    """Tell an applicant what became of their application."""
    it = await application(fact, key)
    names = ("mission", "association", "state_reason", "from_state")
    await notify([it.person_id], it.news(TOLD_APPLICANT[type(fact)], "application", *names), key)


@reacts_to(OfferAccepted)
async def tell_association_of_taken_offer(fact: OfferAccepted, key: str) -> None:
    """Tell the association that who waited took the place."""
    it = await application(fact, key)
    news = it.news("offer_accepted", "application", "applicant", "mission")
    await notify(await keepers_of(it.mission_id), news, key)


@reacts_to(ReplyReminded)
async def remind_association(fact: ReplyReminded, key: str) -> None:
    """Remind the association of a reply that is still owed."""
    it = await application(fact, key)
    if it.state in ("submitted", "shortlisted"):
        news = it.news("reply_reminder", "application", "applicant", "mission", "reply_due_on")
        await notify(await keepers_of(it.mission_id), news, key)


@reacts_to(ApplicationEnded)
async def tell_both_of_end(fact: ApplicationEnded, key: str) -> None:
    """Tell who was engaged why it is over, and their employer that it is, on working time."""
    it = await application(fact, key)
    names = ("mission", "association", "state_reason")
    await _notify_with_calendar(it, "application_ended", names, key)
    await _tell_employer(it, "engagement_ended", key)


@reacts_to(MessageSent)
async def tell_other_side(fact: MessageSent, key: str) -> None:
    """Tell the other side that somebody wrote, without what they wrote."""
    it = await application(fact, key)
    author = await bound().fetchval(_AUTHOR, fact.message_id)
    people = await keepers_of(it.mission_id) if author == it.person_id else [it.person_id]
    await notify(people, it.news("message_received", "application", "mission", "association"), key)


@reacts_to(ApplicationCancelled)
async def tell_both_of_cancellation(fact: ApplicationCancelled, key: str) -> None:
    """Tell the applicant why their mission is cancelled, and their employer where they were engaged on its time."""
    it = await application(fact, key)
    names = ("mission", "association", "mission_reason")
    await _notify_with_calendar(it, "application_cancelled", names, key)
    if (await decision(key, it.id, "cancelled")).from_state == "accepted":
        await _tell_employer(it, "engagement_cancelled", key)


async def _tell_employer(it: Dossier, kind: str, key: str) -> None:
    """Tell who answers for the applicant, on working time alone."""
    if it.regime == "working_time":
        people = await employers_of(it.person_id, it.company_id, it.manager_id)
        news = it.news(kind, "application", "applicant", "mission", "association")
        await notify(people, news, key)


async def _notify_with_calendar(it: Dossier, kind: str, names: tuple[str, ...], key: str) -> None:
    """Tell the applicant, whose calendar learns by the same mail what follows for it."""
    calendars = await news_for_calendar(it.id)
    await notify([it.person_id], it.news(kind, "application", *names), key, calendars)


async def application(fact: ApplicationFact, key: str) -> Dossier:
    """Give what notices say of the application of a fact; of one that it ended, why it did, reopened since or not."""
    it = await dossier(_APPLICATION, fact.application_id)
    if state := ENDED_IN.get(type(fact)):
        ended = await decision(key, it.id, state)
        return msgspec.structs.replace(it, state_reason=ended.reason, from_state=ended.from_state)
    return it


async def dossier(sql: str, which: UUID) -> Dossier:
    """Give what notices say, by a query of one id; raises LookupError where the fact's tenant does not see it."""
    told = await fetch_one(bound(), Dossier, sql, which)
    if told is None:
        raise LookupError("the fact is of another tenant than its object")
    return told

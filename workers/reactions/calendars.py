"""Whom the calendar of an engagement is told to, where they are told of nothing else: it was their own act."""

from api.applications.facts import ApplicationFact, ApplicationWithdrawn, OfferAccepted, TermsChanged
from api.applications.invitations import news_for_calendar
from api.notifications.service import notify
from workers.reactions.changes import proposed_by_association
from workers.reactions.notices import application
from workers.reactions.people import decision
from workers.registry import reacts_to

KINDS: dict[type[ApplicationFact], str] = {
    OfferAccepted: "calendar_invited",
    TermsChanged: "calendar_changed",
    ApplicationWithdrawn: "calendar_cancelled",
}


@reacts_to(*KINDS)
async def tell_calendar(fact: ApplicationFact, key: str) -> None:
    """Tell a calendar what its person took, agreed to or gave back; nothing where it holds what it should."""
    if isinstance(fact, TermsChanged) and not await proposed_by_association(fact):
        return  # the applicant proposed: they are told with the answer
    it = await application(fact, key)
    if isinstance(fact, ApplicationWithdrawn):
        withdrawal = await decision(key, it.id, "withdrawn")
        if withdrawal.by_person != it.person_id:
            return  # who left is told with the departure
    if calendars := await news_for_calendar(it.id):
        news = it.news(KINDS[type(fact)], "application", "mission", "association")
        await notify([it.person_id], news, key, calendars)

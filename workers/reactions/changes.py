"""Whom a proposed change of an engagement is told to: always the other side."""

import msgspec

from api.applications.facts import ChangeDeclined, ChangeFact, ChangeProposed, ChangeWithdrawn, TermsChanged
from api.applications.invitations import news_for_calendar
from api.notifications.service import notify
from workers.reactions.notices import application
from workers.reactions.people import keepers_of, row_of
from workers.registry import reacts_to

_PROPOSAL = """
    SELECT from_association, starts_on, ends_on, effort_minutes, sessions IS NOT NULL AS moves_sessions
    FROM change_proposal WHERE id = $1
"""
KINDS: dict[type[ChangeFact], str] = {
    ChangeProposed: "change_proposed",
    ChangeWithdrawn: "change_withdrawn",
    TermsChanged: "change_accepted",
    ChangeDeclined: "change_declined",
}
ANSWERS = (TermsChanged, ChangeDeclined)


@reacts_to(*KINDS)
async def tell_other_side_of_change(fact: ChangeFact, key: str) -> None:
    """Tell who is to answer that a change is proposed, or taken back; and who proposed it, what was answered."""
    it = await application(fact, key)
    proposed = await row_of(_PROPOSAL, fact.change_id)
    to_applicant = proposed["from_association"] != isinstance(fact, ANSWERS)
    people = [it.person_id] if to_applicant else await keepers_of(it.mission_id)
    changed = to_applicant and isinstance(fact, TermsChanged)
    calendars = await news_for_calendar(it.id) if changed else ()
    names = ("mission", "association", "employer_approval")
    news = it.news(KINDS[type(fact)], "application", *names)
    await notify(people, msgspec.structs.replace(news, values=news.values | dict(proposed)), key, calendars)


async def proposed_by_association(fact: ChangeFact) -> bool:
    """Tell whether it was the association that proposed."""
    return bool((await row_of(_PROPOSAL, fact.change_id))["from_association"])

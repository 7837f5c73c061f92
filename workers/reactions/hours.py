"""Whom what becomes of hours is told to: working time alone reaches the employer."""

from api.hours.facts import (
    HoursApproved,
    HoursConfirmed,
    HoursDeclared,
    HoursFact,
    HoursHandedOn,
    HoursLowered,
    HoursRejected,
)
from api.notifications.service import notify
from workers.reactions.notices import Dossier, dossier
from workers.reactions.people import employers_of, keepers_of
from workers.registry import reacts_to

_HOURS = """
    SELECT h.id, h.mission_id, h.person_id, h.manager_id, h.company_id, h.association_id, h.regime, h.state,
           h.state_reason, h.worked_on, h.minutes, h.declared_minutes, a.applicant_name AS applicant,
           m.title AS mission, s.name AS association
    FROM hours_entry h JOIN application a ON a.id = h.application_id
    JOIN mission m ON m.id = h.mission_id JOIN association s ON s.id = h.association_id
    WHERE h.id = $1
"""


@reacts_to(HoursDeclared)
async def tell_association_of_hours(fact: HoursDeclared, key: str) -> None:
    """Tell the association that there are hours to confirm."""
    it = await _hours(fact)
    news = it.news("hours_declared", "hours", "applicant", "mission", "worked_on", "declared_minutes")
    await notify(await keepers_of(it.mission_id), news, key)


@reacts_to(HoursConfirmed, HoursHandedOn)
async def ask_employer_for_hours(fact: HoursFact, key: str) -> None:
    """Ask the employer to approve hours that still wait for it, on working time alone."""
    it = await _hours(fact)
    if it.regime != "working_time" or it.state != "confirmed":
        return
    names = ("applicant", "mission", "association", "worked_on", "minutes")
    people = await employers_of(it.person_id, it.company_id, it.manager_id)
    await notify(people, it.news("hours_to_approve", "hours", *names), key)


@reacts_to(HoursLowered)
async def ask_author_for_lowered_hours(fact: HoursLowered, key: str) -> None:
    """Tell the author that the association confirms fewer minutes, which they have yet to accept."""
    it = await _hours(fact)
    if it.state == "lowered":
        names = ("mission", "association", "worked_on", "minutes", "declared_minutes", "state_reason")
        await notify([it.person_id], it.news("hours_lowered", "hours", *names), key)


@reacts_to(HoursApproved)
async def tell_author_of_approved_hours(fact: HoursApproved, key: str) -> None:
    """Tell the author that their hours count."""
    it = await _hours(fact)
    await notify([it.person_id], it.news("hours_approved", "hours", "mission", "worked_on", "minutes"), key)


@reacts_to(HoursRejected)
async def tell_author_of_rejected_hours(fact: HoursRejected, key: str) -> None:
    """Tell the author that their hours were rejected, and why."""
    it = await _hours(fact)
    names = ("mission", "worked_on", "declared_minutes", "state_reason")
    await notify([it.person_id], it.news("hours_rejected", "hours", *names), key)


async def _hours(fact: HoursFact) -> Dossier:
    return await dossier(_HOURS, fact.hours_id)

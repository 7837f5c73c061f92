"""Whom facts of missions are told to: their association, whoever applied, whoever flagged one."""

from typing import Any

from api.applications.invitations import news_for_calendar
from api.core.database import bound
from api.missions.facts import (
    FlagResolved,
    MissionCancelled,
    MissionChanged,
    MissionCompleted,
    MissionExpired,
    MissionFact,
    MissionPaused,
    MissionPublished,
    MissionRejected,
    MissionResumed,
    MissionReviewed,
)
from api.notifications.service import News, notify
from workers.reactions.people import Decision, decision, members_of, row_of
from workers.registry import reacts_to

_MISSION = """
    SELECT m.id, m.association_id, m.regimes, m.title AS mission, s.name AS association
    FROM mission m JOIN association s ON s.id = m.association_id WHERE m.id = $1
"""
_APPLICANTS = """
    SELECT id, person_id, regime FROM application
    WHERE mission_id = $1 AND state IN ('submitted', 'shortlisted', 'waitlisted', 'offered', 'accepted')
    ORDER BY id
"""
_FLAG = "SELECT mission_id, person_id, outcome FROM flag WHERE id = $1"


TOLD_ASSOCIATION: dict[type[MissionFact], tuple[str, str | None]] = {
    MissionPublished: ("mission_published", "published"),
    MissionRejected: ("mission_rejected", "rejected"),
    MissionPaused: ("mission_paused", "paused"),
    MissionResumed: ("mission_resumed", "published"),
    MissionReviewed: ("mission_reviewed", None),
    MissionCancelled: ("mission_cancelled", "cancelled"),
    MissionExpired: ("mission_expired", "expired"),
    MissionCompleted: ("mission_completed", "completed"),
}
"""What an association is told by each fact of its mission, and the state it came to, None where it stayed."""


@reacts_to(*TOLD_ASSOCIATION)
async def tell_association(fact: MissionFact, key: str) -> None:
    """Tell the association what became of its mission, but for whoever of them did it."""
    kind, state = TOLD_ASSOCIATION[type(fact)]
    row = await bound().fetchrow(_MISSION, fact.mission_id)
    if row is None:
        return  # It was rejected, and thrown away since.
    decided = await decision(key, fact.mission_id, state) if state else Decision()
    people = await members_of(row["association_id"], decided.by_person)
    await notify(people, _news(row, kind, {"mission": row["mission"], "reasons": decided.reasons}), key)


@reacts_to(MissionChanged)
async def tell_applicants_of_change(fact: MissionChanged, key: str) -> None:
    """Tell whoever applied what changed of the mission, on whose time they did."""
    row = await row_of(_MISSION, fact.mission_id)
    values = {"mission": row["mission"], "association": row["association"], "fields": fact.fields}
    for applicant in await bound().fetch(_APPLICANTS, fact.mission_id):
        personal = applicant["regime"] == "personal_time"
        news = _news(row, "mission_changed", values, personal=personal)
        calendars = await news_for_calendar(applicant["id"])
        await notify([applicant["person_id"]], news, key, calendars)


@reacts_to(FlagResolved)
async def tell_author_of_flag(fact: FlagResolved, key: str) -> None:
    """Tell whoever flagged a mission what the moderators decided."""
    flag = await row_of(_FLAG, fact.flag_id)
    row = await row_of(_MISSION, flag["mission_id"])
    values = {"mission": row["mission"], "outcome": flag["outcome"]}
    await notify([flag["person_id"]], _news(row, "flag_resolved", values), key)


def _news(row: Any, kind: str, values: dict[str, Any], *, personal: bool | None = None) -> News:
    return News(
        kind=kind,
        about_type="mission",
        about_id=row["id"],
        values=values,
        personal=row["regimes"] == ["personal_time"] if personal is None else personal,
    )

"""The lifecycle of applications, and who may move one."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from api.core.actor import Actor, Employment
from api.core.language import Words
from api.core.lifecycle import move
from api.core.problems import Forbidden, NotFound

LIVE = frozenset({"submitted", "shortlisted", "waitlisted", "offered", "accepted"})
DONE = frozenset({"completed", "no_show"})
HOLDING = DONE | {"offered", "accepted"}
"""States that hold a place."""
OPEN_TO_ANSWERS = frozenset({"published", "paused", "in_progress"})
"""States of a mission whose applications are still answered."""

SHORTLIST = move("shortlisted", "submitted")
ACCEPT = move("accepted", "submitted", "shortlisted")
WAITLIST = move("waitlisted", "submitted", "shortlisted")
ACCEPT_OFFER = move("accepted", "offered")
DECLINE = move("declined", "submitted", "shortlisted", "waitlisted")
REOPEN = move("submitted", "declined", "expired")
CANCEL = move("cancelled", "accepted")
NO_SHOW = move("no_show", "accepted", "completed")
COMPLETE = move("completed", "accepted", "no_show")
EXPIRE = move("expired", "submitted", "shortlisted", "offered")
WITHDRAW = move("withdrawn", *LIVE)
REFUSE = move("employer_refused", *LIVE)
APPROVE = move("approved", "pending")
SETTLED = frozenset({"not_required", "approved"})
"""Employer approvals with which an engagement may begin: contact details, hours."""
OWN = Words("Nobody decides for themselves.", "Nul ne décide pour soi-même.")
NOT_OWN = frozenset(
    {
        "application_not_decided_by_applicant",
        "application_not_answered_by_applicant",
        "change_proposal_not_answered_by_author",
        "hours_entry_not_decided_by_author",
        "hours_entry_not_rejected_by_author",
    }
)
"""Constraints by which the database refuses it."""


def require_sight(actor: Actor, row: Mapping[str, Any]) -> None:
    """Show an application, or its hours, to its two sides, and on working time to who answers for the person.

    Raises NotFound.
    """
    if not (is_side(actor, row) or _employs(actor, row)):
        raise NotFound


def is_side(actor: Actor, row: Mapping[str, Any]) -> bool:
    """Tell whether the caller is the applicant, or of the association."""
    return actor.person_id == row["person_id"] or row["association_id"] in actor.memberships


def _employs(actor: Actor, row: Mapping[str, Any]) -> bool:
    if actor.employment is None or actor.company_id != row["company_id"]:
        return False
    if "system" in actor.roles:
        return True
    return bool(row["regime"] == "working_time") and _in_charge(
        actor.employment, row["manager_id"], row["person_id"]
    )


def _in_charge(job: Employment, manager_id: UUID | None, person_id: UUID) -> bool:
    return "hr" in job.roles or job.employee_id == manager_id or job.stands_in_for == person_id


def team_of(actor: Actor) -> list[UUID] | None:
    """Give of whom the employer's lists are, by manager or by person, None for the whole company: HR, and its keys."""
    job = actor.employment
    if job is None or "hr" in job.roles:
        return None
    return [one for one in (job.employee_id, job.stands_in_for) if one]


def require_applicant(actor: Actor, person_id: UUID) -> None:
    """Let in the applicant alone; raises Forbidden."""
    if actor.person_id != person_id:
        raise Forbidden


def require_another(actor: Actor, person_id: UUID) -> None:
    """Let nobody decide for themselves, by a key that they made neither; raises Forbidden."""
    if actor.acts_for(person_id):
        raise Forbidden(OWN)


def require_employer(actor: Actor, company_id: UUID, manager_id: UUID | None, person_id: UUID) -> None:
    """Let in the manager in charge, or HR or who stands in for it, never on one's own behalf; raises Forbidden."""
    require_another(actor, person_id)
    job = actor.employment
    if job is None or job.company_id != company_id or not _in_charge(job, manager_id, person_id):
        raise Forbidden

"""The lifecycle of applications, and who may move one."""

from uuid import UUID

from api.core.actor import Actor
from api.core.language import Words
from api.core.lifecycle import move
from api.core.problems import Forbidden

ACCEPT = move("accepted", "submitted")
DECLINE = move("declined", "submitted")
WITHDRAW = move("withdrawn", "submitted", "accepted")
REFUSE = move("employer_refused", "submitted", "accepted")
APPROVE = move("approved", "pending")
LIVE = frozenset({"submitted", "shortlisted", "waitlisted", "offered", "accepted"})
SETTLED = frozenset({"not_required", "approved"})
"""Employer approvals with which an engagement may begin: contact details, hours."""


def require_applicant(actor: Actor, person_id: UUID) -> None:
    """Let in the applicant alone; raises Forbidden."""
    if actor.person_id != person_id:
        raise Forbidden


def require_employer(actor: Actor, company_id: UUID, manager_id: UUID | None, person_id: UUID) -> None:
    """Let in the manager in charge, or HR, never on one's own behalf; raises Forbidden."""
    if actor.person_id == person_id:
        raise Forbidden(Words("Nobody decides for themselves.", "Nul ne décide pour soi-même."))
    in_charge = (
        manager_id is not None and actor.employment is not None and actor.employment.employee_id == manager_id
    )
    if not (in_charge or actor.has_company_role(company_id, "hr")):
        raise Forbidden

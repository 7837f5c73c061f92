"""What happened to applications."""

from typing import ClassVar, Literal
from uuid import UUID

from api.core.outbox import Fact


class ApplicationFact(Fact, frozen=True, kw_only=True):
    """A fact of one application, in its association and its company."""

    about: ClassVar[str] = "application_id"
    application_id: UUID


class ApplicationSubmitted(ApplicationFact, frozen=True, kw_only=True):
    """An employee applied."""


class ApplicationAccepted(ApplicationFact, frozen=True, kw_only=True):
    """The association accepted: a place is held."""


class ApplicationShortlisted(ApplicationFact, frozen=True, kw_only=True):
    """The association keeps the applicant for later."""


class ApplicationWaitlisted(ApplicationFact, frozen=True, kw_only=True):
    """The association put the applicant at the end of the queue of a full mission."""


class ApplicationOffered(ApplicationFact, frozen=True, kw_only=True):
    """A freed place is kept for who was first in the queue, until they confirm or the deadline."""


class OfferAccepted(ApplicationFact, frozen=True, kw_only=True):
    """Who waited took the place that was offered."""


class OfferExpired(ApplicationFact, frozen=True, kw_only=True):
    """Who waited did not take the place in time: it went to the next one."""


class ApplicationReopened(ApplicationFact, frozen=True, kw_only=True):
    """The association brought a declined or expired application back."""


class ApplicationEnded(ApplicationFact, frozen=True, kw_only=True):
    """The association ended an engagement, with a reason."""


class MarkedNoShow(ApplicationFact, frozen=True, kw_only=True):
    """The association says that the person did not come."""


class ReplyReminded(ApplicationFact, frozen=True, kw_only=True):
    """The date by which the association is to reply comes near."""


class MessageSent(ApplicationFact, frozen=True, kw_only=True):
    """One side wrote to the other."""

    message_id: UUID


class ApplicationDeclined(ApplicationFact, frozen=True, kw_only=True):
    """The association declined, with a reason."""


class ApplicationWithdrawn(ApplicationFact, frozen=True, kw_only=True):
    """The applicant withdrew, with a reason."""


class EmployerApprovalAsked(ApplicationFact, frozen=True, kw_only=True):
    """A working-time application waits for the employer's word."""


class EmployerApproved(ApplicationFact, frozen=True, kw_only=True):
    """The employer agreed, to an engagement or to the longer effort of one."""

    to: Literal["engagement", "effort"] = "engagement"


class EmployerRefused(ApplicationFact, frozen=True, kw_only=True):
    """The employer refused, or took its agreement back, which ended the application; `before`: its word until then."""

    before: Literal["pending", "approved"] = "pending"


class ApplicationCancelled(ApplicationFact, frozen=True, kw_only=True):
    """The application ended with its mission."""


class ApplicationCompleted(ApplicationFact, frozen=True, kw_only=True):
    """The mission is over and the person did it."""


class ApplicationExpired(ApplicationFact, frozen=True, kw_only=True):
    """The application ended without an answer."""


class ChangeFact(ApplicationFact, frozen=True, kw_only=True):
    """A fact of a proposed change of an engagement."""

    change_id: UUID


class ChangeProposed(ChangeFact, frozen=True, kw_only=True):
    """One side proposes to change what was agreed."""


class TermsChanged(ChangeFact, frozen=True, kw_only=True):
    """The other side accepted: what was agreed is changed."""


class ChangeDeclined(ChangeFact, frozen=True, kw_only=True):
    """The other side declined: what was agreed stays."""


class ChangeWithdrawn(ChangeFact, frozen=True, kw_only=True):
    """Who proposed took it back."""

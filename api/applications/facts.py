"""What happened to applications."""

from uuid import UUID

from api.core.outbox import Fact


class ApplicationFact(Fact, frozen=True, kw_only=True):
    """A fact of one application, in its association and its company."""

    application_id: UUID


class ApplicationSubmitted(ApplicationFact, frozen=True, kw_only=True):
    """An employee applied."""


class ApplicationAccepted(ApplicationFact, frozen=True, kw_only=True):
    """The association accepted: a place is held."""


class ApplicationDeclined(ApplicationFact, frozen=True, kw_only=True):
    """The association declined, with a reason."""


class ApplicationWithdrawn(ApplicationFact, frozen=True, kw_only=True):
    """The applicant withdrew, with a reason."""


class EmployerApprovalAsked(ApplicationFact, frozen=True, kw_only=True):
    """A working-time application waits for the employer's word."""


class EmployerApproved(ApplicationFact, frozen=True, kw_only=True):
    """The employer agreed."""


class EmployerRefused(ApplicationFact, frozen=True, kw_only=True):
    """The employer refused, which ended the application."""


class ApplicationCancelled(ApplicationFact, frozen=True, kw_only=True):
    """The application ended with its mission."""


class ApplicationCompleted(ApplicationFact, frozen=True, kw_only=True):
    """The mission is over and the person did it."""


class ApplicationExpired(ApplicationFact, frozen=True, kw_only=True):
    """The application ended without an answer."""

"""Bodies and answers about applications."""

from datetime import date, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from msgspec import Meta

from api.core.schemas import NO_CONTROL_BUT_LINES, WORDED, In, Minutes, Out
from api.missions.schemas import Session, SessionIn
from api.organisations.schemas import Regime

Message = Annotated[str, Meta(max_length=2000, pattern=NO_CONTROL_BUT_LINES)]
DeclineReason = Literal["requirements_not_met", "no_reply", "mission_filled", "mission_changed", "other"]
WithdrawReason = Literal["not_available", "changed_mind", "no_reply", "other"]


ApplicationState = Literal[
    "submitted",
    "shortlisted",
    "waitlisted",
    "offered",
    "accepted",
    "completed",
    "no_show",
    "declined",
    "withdrawn",
    "expired",
    "cancelled",
    "employer_refused",
]


EmployerApproval = Literal["not_required", "pending", "approved", "refused"]


class ApplicationIn(In, frozen=True, kw_only=True):
    """An application: on whose time, why, and to which sessions (all when none is named).

    The employer never reads the message.
    """

    regime: Regime
    message: Message = ""
    sessions: Annotated[list[UUID], Meta(max_length=100)] = []


class Declined(In, frozen=True, kw_only=True):
    """Why an application is declined; `message` is written to the applicant."""

    reason: DeclineReason
    message: Message = ""


class Withdrawn(In, frozen=True, kw_only=True):
    """Why an application is withdrawn; `message` is written to the association."""

    reason: WithdrawReason
    message: Message = ""


class ApplicationMission(Out, frozen=True, kw_only=True):
    """The mission applied to."""

    title: str
    association: str
    starts_on: date | None
    ends_on: date | None


class Applicant(Out, frozen=True, kw_only=True):
    """The applicant as the reader may see them: the address only once accepted."""

    id: UUID
    name: str
    email: str | None


class ReachableContact(Out, frozen=True, kw_only=True):
    """Whom to write to in the association."""

    name: str | None = None
    email: str | None = None
    phone: str | None = None


class ApplicationEvent(Out, frozen=True, kw_only=True):
    """A step of the application's history."""

    state: str
    reason: str | None
    at: datetime


class AgreedTerms(Out, frozen=True, kw_only=True):
    """What both sides agreed on; the mission's own until a change is accepted. `effort_minutes`: of this person."""

    starts_on: date
    ends_on: date | None
    effort_minutes: int
    sessions: list[Session]


class CompanyParty(Out, frozen=True, kw_only=True):
    """The company of a convention; `siren` is its register number."""

    name: str
    siren: str
    legal_form: str | None


class AssociationParty(Out, frozen=True, kw_only=True):
    """The association of a convention, by whichever identifiers it has."""

    name: str
    legal_form: str
    rna: str | None
    siren: str | None
    siret: str | None
    street: str | None
    postal_code: str | None
    city: str | None


class Place(Out, frozen=True, kw_only=True):
    """Where the work is done; `remote` as on the mission."""

    label: str | None
    postal_code: str | None
    remote: str


class Convention(Out, frozen=True, kw_only=True):
    """The parties and the place as they were when a place was given; dates and hours are in `agreed`."""

    company: CompanyParty
    association: AssociationParty
    place: Place


class ApplicationWarning(Out, frozen=True, kw_only=True):
    """What the applicant should know, and nothing blocks: `overlap` with the engagement named."""

    code: Literal["overlap"]
    detail: str
    application_id: UUID


class ApplicationOut(Out, frozen=True, kw_only=True):
    """An application; `message` is null to the employer, `contact` to all but the applicant once accepted: whom the
    mission names, else the association.

    `employer_approval`: `not_required` on personal time, and of what ended before the employer had answered.
    `employer_reason`: why the employer refused (`no_answer`: by its silence), null to the association.
    `approval_due_at` while the employer's word is asked, `reply_due_at` while the association has not answered,
    `offer_expires_at` while a place is kept, and `waitlist_position` (1 is next) while it waits: null otherwise.
    `sessions`: those asked for, empty for all; `agreed` once a place was held, and `convention` where that was on
    working time. `warnings` are for the applicant alone. `history`: its last 100 steps, the oldest first.
    """

    id: UUID
    version: int
    state: str
    reason: str | None
    mission_id: UUID
    mission: ApplicationMission
    person: Applicant
    regime: str
    legal_form: str | None
    employer_approval: str
    employer_reason: str | None
    message: str | None
    contact: ReachableContact | None
    created_at: datetime
    approval_due_at: datetime | None
    reply_due_at: datetime | None
    offer_expires_at: datetime | None
    waitlist_position: int | None
    sessions: list[UUID]
    agreed: AgreedTerms | None
    convention: Convention | None
    warnings: list[ApplicationWarning] = []
    history: list[ApplicationEvent] = []


Ids = Annotated[list[UUID], Meta(min_length=1, max_length=500)]


class ManyIn(In, frozen=True, kw_only=True):
    """Which applications to act on."""

    ids: Ids


class ManyDeclined(ManyIn, frozen=True, kw_only=True):
    """Which applications to decline, and why."""

    reason: DeclineReason = "other"


class OneOfMany(Out, frozen=True, kw_only=True, omit_defaults=True):
    """What became of one: its `state`, or the `problem` that it alone met."""

    id: UUID
    status: int
    state: str | None = None
    problem: dict[str, Any] | None = None


class ManyOut(Out, frozen=True, kw_only=True):
    """What became of each, in the order given."""

    items: list[OneOfMany]


class MessageIn(In, frozen=True, kw_only=True):
    """What to write to the other side."""

    text: Annotated[str, Meta(min_length=1, max_length=5000, pattern=WORDED)]


class MessageOut(Out, frozen=True, kw_only=True):
    """What one side wrote; `from_association`: the other side is the applicant."""

    id: UUID
    author_id: UUID
    from_association: bool
    text: str
    created_at: datetime


class AllowanceOut(Out, frozen=True, kw_only=True):
    """Minutes of working time that an employer gives its employee in a year, both days included.

    `reserved` by engagements, `used` by the hours declared; `granted` and `left` are null where there is no limit, and
    nothing is left where more was worked than granted. `day_minutes`: what a working day counts.
    """

    starts_on: date
    ends_on: date
    granted: int | None
    reserved: int
    used: int
    left: int | None
    day_minutes: int


class ChangeIn(In, frozen=True, kw_only=True):
    """What to change of what was agreed: at least one of them, within the mission's days and its format's bounds."""

    starts_on: date | None = None
    ends_on: date | None = None
    effort_minutes: Minutes | None = None
    sessions: Annotated[list[SessionIn], Meta(max_length=100)] | None = None
    message: Message = ""


class ChangeOut(Out, frozen=True, kw_only=True):
    """A proposed change; what is null stays as it was agreed. `from_association`: who answers is the applicant."""

    id: UUID
    version: int
    application_id: UUID
    state: str
    from_association: bool
    starts_on: date | None
    ends_on: date | None
    effort_minutes: int | None
    sessions: list[Session] | None
    message: str
    created_at: datetime

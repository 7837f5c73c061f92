"""Applications: one person's wish to take one place of one mission."""

from piccolo.columns import JSONB, UUID, Array, BigInt, Boolean, Date, ForeignKey, Integer, Text, Timestamptz
from piccolo.columns.base import OnDelete
from piccolo.table import Table

from api.core.database import ENGINE
from api.missions.tables import Mission


class Application(Table, db=ENGINE, tablename="application"):
    """An application carries its three tenants, and the applicant's name as given to the association."""

    id = UUID(primary_key=True, default=None)
    version = Integer(default=1)
    mission_id = ForeignKey(Mission, null=False, default=None, on_delete=OnDelete.restrict)
    association_id = UUID(default=None)
    company_id = UUID(default=None)
    employee_id = UUID(default=None)
    manager_id = UUID(null=True, default=None)
    person_id = UUID(default=None)
    applicant_name = Text(default=None)
    applicant_email = Text(null=True, default=None)
    state = Text(default="submitted")
    state_reason = Text(null=True, default=None)
    regime = Text(default=None)
    legal_form = Text(null=True, default=None)
    employer_approval = Text(default="not_required")
    employer_reason = Text(null=True, default=None)
    message = Text(default="")
    created_at = Timestamptz(default=None)
    reply_due_at = Timestamptz(default=None)
    replied_at = Timestamptz(null=True, default=None)
    reminded = Integer(default=0)
    waitlisted_at = Timestamptz(null=True, default=None)
    offer_expires_at = Timestamptz(null=True, default=None)
    ended_at = Timestamptz(null=True, default=None)
    approval_due_at = Timestamptz(null=True, default=None)
    approval_asked_at = Timestamptz(null=True, default=None)
    wanted_sessions = Array(base_column=UUID(), default=list)
    agreed_starts_on = Date(null=True, default=None)
    agreed_ends_on = Date(null=True, default=None)
    agreed_minutes = Integer(null=True, default=None)
    agreed_sessions = JSONB(null=True, default=None)
    convention = JSONB(null=True, default=None)
    engaged_on = Date(null=True, default=None)
    engaged_until = Date(null=True, default=None)
    asked_minutes = Integer(null=True, default=None)
    approved_minutes = Integer(null=True, default=None)
    missed_at = Timestamptz(null=True, default=None)
    reply_since = Timestamptz(null=True, default=None)


class Message(Table, db=ENGINE, tablename="message"):
    """What one side of an application wrote to the other; the employer never reads it."""

    id = UUID(primary_key=True, default=None)
    application_id = ForeignKey(Application, null=False, default=None, on_delete=OnDelete.restrict)
    association_id = UUID(default=None)
    person_id = UUID(default=None)
    author_id = UUID(default=None)
    from_association = Boolean(default=False)
    text = Text(default="")
    created_at = Timestamptz(default=None)


class ChangeProposal(Table, db=ENGINE, tablename="change_proposal"):
    """A change of what was agreed, proposed by one side and answered by the other."""

    id = UUID(primary_key=True, default=None)
    version = Integer(default=1)
    application_id = ForeignKey(Application, null=False, default=None, on_delete=OnDelete.restrict)
    association_id = UUID(default=None)
    person_id = UUID(default=None)
    author_id = UUID(default=None)
    from_association = Boolean(default=False)
    state = Text(default="proposed")
    starts_on = Date(null=True, default=None)
    ends_on = Date(null=True, default=None)
    effort_minutes = Integer(null=True, default=None)
    sessions = JSONB(null=True, default=None)
    message = Text(default="")
    created_at = Timestamptz(default=None)


class Reservation(Table, db=ENGINE, tablename="reservation"):
    """What an engagement may still take of its employer's time, in the year of its first day."""

    application_id = ForeignKey(
        Application, primary_key=True, null=False, default=None, on_delete=OnDelete.restrict
    )
    company_id = UUID(default=None)
    employee_id = UUID(default=None)
    year = Date(default=None)
    minutes = Integer(default=None)


class Allowance(Table, db=ENGINE, tablename="allowance"):
    """What is reserved and used of an employee's year; of the whole company's where no employee is named."""

    id = UUID(primary_key=True, default=None)
    company_id = UUID(default=None)
    employee_id = UUID(null=True, default=None)
    year = Date(default=None)
    reserved = BigInt(default=None)
    used = BigInt(default=None)


class CalendarInvitation(Table, db=ENGINE, tablename="calendar_invitation"):
    """What a person's calendar was last told of an engagement."""

    application_id = ForeignKey(
        Application, primary_key=True, null=False, default=None, on_delete=OnDelete.restrict
    )
    association_id = UUID(default=None)
    company_id = UUID(default=None)
    person_id = UUID(default=None)
    version = Integer(default=1)
    events = JSONB(default=None)
    told_at = Timestamptz(default=None)


class Feedback(Table, db=ENGINE, tablename="feedback"):
    """What one side says at the end; `counted`: it is in the figures, and can no longer be told apart."""

    id = UUID(primary_key=True, default=None)
    application_id = ForeignKey(Application, null=False, default=None, on_delete=OnDelete.restrict)
    association_id = UUID(default=None)
    person_id = UUID(default=None)
    from_association = Boolean(default=None)
    again = Boolean(default=None)
    deliverable_used = Text(null=True, default=None)
    given_at = Timestamptz(default=None)
    counted = Boolean(default=False)


class FeedbackTotal(Table, db=ENGINE, tablename="feedback_total"):
    """How many answers of a side are counted, and what they say: figures that anyone may read."""

    id = UUID(primary_key=True, default=None)
    association_id = UUID(default=None)
    from_association = Boolean(default=None)
    answers = Integer(default=0)
    again = Integer(default=0)
    used = Integer(default=0)

"""The kinds of notices, and what is done about a mail of each kind whose fate is unknown."""

from datetime import timedelta
from typing import Literal

WhenInDoubt = Literal["hold", "resend"]
"""`hold`: an operator settles it. `resend`: sent once more, where a second copy harms nobody and a missing
one locks a person out."""

KINDS: dict[str, WhenInDoubt] = {
    "application_submitted": "hold",
    "application_accepted": "hold",
    "application_declined": "hold",
    "application_withdrawn": "hold",
    "application_left": "hold",
    "approval_asked": "hold",
    "employer_approved": "hold",
    "employer_refused": "hold",
    "applicant_refused": "hold",
    "hours_declared": "hold",
    "hours_to_approve": "hold",
    "hours_approved": "hold",
    "hours_rejected": "hold",
    "hours_lowered": "hold",
    "mission_published": "hold",
    "mission_rejected": "hold",
    "mission_changed": "hold",
    "mission_paused": "hold",
    "mission_resumed": "hold",
    "mission_reviewed": "hold",
    "mission_cancelled": "hold",
    "mission_expired": "hold",
    "mission_completed": "hold",
    "flag_resolved": "hold",
    "application_cancelled": "hold",
    "application_completed": "hold",
    "application_expired": "hold",
    "applicant_approved": "hold",
    "engagement_cancelled": "hold",
    "engagement_ended": "hold",
    "engagement_withdrawn": "hold",
    "application_ended": "hold",
    "application_offered": "hold",
    "application_reopened": "hold",
    "application_shortlisted": "hold",
    "application_waitlisted": "hold",
    "marked_no_show": "hold",
    "message_received": "hold",
    "change_proposed": "hold",
    "change_accepted": "hold",
    "change_declined": "hold",
    "change_withdrawn": "hold",
    "offer_accepted": "hold",
    "offer_expired": "hold",
    "calendar_invited": "hold",
    "calendar_changed": "hold",
    "calendar_cancelled": "hold",
    "reply_reminder": "hold",
    "association_verified": "hold",
    "association_refused": "hold",
    "association_suspended": "hold",
    "association_reinstated": "hold",
    "association_closed": "hold",
    "member_joined": "hold",
    "member_changed": "hold",
    "member_removed": "hold",
    "many_deactivated": "hold",
    "erasure_near": "hold",
    "sign_in": "resend",
    "address_proof": "resend",
    "invitation": "resend",
}

CODES = {
    "sign_in": timedelta(minutes=15),
    "address_proof": timedelta(minutes=15),
    "invitation": timedelta(days=7),
}
"""The kinds of mail that carry a code, and how long it works: later the mail is not sent any more, and its text
is forgotten once nothing is left to send."""

NEUTRAL = "neutral"
"""The text of a mail to a work address about personal time: it names neither mission nor association."""

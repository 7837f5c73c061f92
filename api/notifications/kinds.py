"""The kinds of notices, and what is done about a mail of each kind whose fate is unknown."""

from typing import Literal

WhenInDoubt = Literal["hold", "resend"]
"""`hold`: an operator settles it. `resend`: sent once more, where a second copy harms nobody and a missing
one locks a person out."""

KINDS: dict[str, WhenInDoubt] = {
    "application_submitted": "hold",
    "application_accepted": "hold",
    "application_declined": "hold",
    "application_withdrawn": "hold",
    "approval_asked": "hold",
    "employer_approved": "hold",
    "employer_refused": "hold",
    "applicant_refused": "hold",
    "hours_declared": "hold",
    "hours_to_approve": "hold",
    "hours_approved": "hold",
    "hours_rejected": "hold",
    "mission_published": "hold",
    "mission_rejected": "hold",
    "association_verified": "hold",
    "association_refused": "hold",
}

NEUTRAL = "neutral"
"""The text of a mail to a work address about personal time: it names neither mission nor association."""

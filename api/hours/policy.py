"""The lifecycle of hours entries, and the days that they are of."""

from datetime import date

from api.core.language import Words
from api.core.lifecycle import move
from api.core.problems import Fault
from api.notifications.render import day

CONFIRM = move("confirmed", "declared")
LOWER = move("lowered", "declared")
ACCEPT = move("confirmed", "lowered")
APPROVE = move("approved", "confirmed")
REJECT = move("rejected", "declared", "confirmed")
CANCEL = move("cancelled", "declared", "lowered")
WORKING = frozenset({"accepted", "completed"})
"""States of an application on which hours may be declared."""


def before_engagement(engaged_on: date) -> Fault:
    """Say on which day the engagement began, of hours of a day before it."""
    words = Words(
        f"Your engagement begins on {day(engaged_on, 'en')}, when it was agreed.",
        f"Votre engagement commence le {day(engaged_on, 'fr')}, jour où il a été convenu.",
    )
    return Fault("/worked_on", "before-engagement", words)


def after_engagement(engaged_until: date) -> Fault:
    """Say on which day the engagement ended, of hours of a day after it."""
    words = Words(
        f"Your engagement ended on {day(engaged_until, 'en')}.",
        f"Votre engagement s’est terminé le {day(engaged_until, 'fr')}.",
    )
    return Fault("/worked_on", "after-engagement", words)

"""What both sides say at the end of an engagement, short, and shown in aggregate alone."""

from uuid import UUID

import asyncpg

from api.applications import policy
from api.applications.moves import ApplicantGone, lock
from api.applications.schemas_feedback import FeedbackIn, FeedbackOut
from api.core import clock
from api.core.actor import Actor
from api.core.database import Connection, fetch_one, found, retried, transaction
from api.core.ids import new_id
from api.core.language import Words
from api.core.problems import Fault, Forbidden, Invalid, Problem, WrongState

_ONE = """
    SELECT application_id, from_association, again, deliverable_used, given_at FROM feedback
    WHERE application_id = $1 AND from_association = $2
"""
_SAY = """
    INSERT INTO feedback (id, application_id, association_id, person_id, from_association, again, deliverable_used,
                          given_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
    ON CONFLICT ON CONSTRAINT feedback_once_a_side
    DO UPDATE SET again = excluded.again, deliverable_used = excluded.deliverable_used, given_at = excluded.given_at
"""
_MISSING = Words("Say whether what was delivered is used.", "Dites si ce qui a été livré sert.")
_NOT_YOURS = Words("The association says it.", "C’est à l’association de le dire.")


class FeedbackClosed(Problem):
    """The 90 days are over, or the answer is counted already: nothing tells it from the others any more."""

    status = 409
    slug = "feedback-closed"
    title = Words(
        "It is too late to say it, or to say it otherwise", "Il est trop tard pour le dire, ou pour changer"
    )


_REFUSALS = {"feedback_in_time": FeedbackClosed, "feedback_of_living_person": ApplicantGone}


@retried
async def give_feedback(actor: Actor, application_id: UUID, given: FeedbackIn) -> FeedbackOut:
    """Say how a completed engagement went, for one's own side, within 90 days of its end.

    The last word of a side counts until it is counted: with those about four other people, never alone.
    Raises NotFound, Forbidden, WrongState, Invalid, FeedbackClosed, ApplicantGone.
    """
    try:
        async with transaction(actor) as connection:
            present = await lock(connection, application_id, actor)
            from_association = _require_side(actor, present)
            _require_fitting(given, from_association=from_association)
            if present["state"] != "completed":
                raise WrongState(state=present["state"], allowed=["completed"])
            return await _say(connection, present, given, from_association=from_association)
    except asyncpg.CheckViolationError as error:
        if error.constraint_name not in _REFUSALS:
            raise
        raise _REFUSALS[error.constraint_name] from None


async def _say(
    connection: Connection, present: asyncpg.Record, given: FeedbackIn, *, from_association: bool
) -> FeedbackOut:
    side = (present["id"], from_association)
    said = await fetch_one(connection, FeedbackOut, _ONE, *side)
    if said and (said.again, said.deliverable_used) == (given.again, given.deliverable_used):
        return said
    of = (present["association_id"], present["person_id"], from_association)
    answer = (given.again, given.deliverable_used, clock.now())
    await connection.execute(_SAY, new_id(), present["id"], *of, *answer)
    return found(await fetch_one(connection, FeedbackOut, _ONE, *side))


def _require_side(actor: Actor, present: asyncpg.Record) -> bool:
    """Tell whether the caller speaks for the association; raises Forbidden to who is of neither side."""
    if actor.person_id is None or not policy.is_side(actor, present):
        raise Forbidden
    return bool(actor.person_id != present["person_id"])


def _require_fitting(given: FeedbackIn, *, from_association: bool) -> None:
    if from_association != (given.deliverable_used is not None):
        code, words = ("required", _MISSING) if from_association else ("not-yours", _NOT_YOURS)
        raise Invalid(faults=[Fault("/deliverable_used", code, words)])

"""What both sides say at the end, over HTTP."""

from uuid import UUID

from litestar import Router, post
from litestar.params import FromPath, JSONBody

from api.applications import feedback
from api.applications.moves import ApplicantGone
from api.applications.schemas_feedback import FeedbackIn, FeedbackOut
from api.core.actor import signed_in
from api.core.problems import Forbidden, Invalid, NotFound, WrongState
from api.core.routing import Caller


@post(
    "/v1/applications/{application_id:uuid}/feedback",
    operation_id="giveFeedback",
    guards=[signed_in],
    status_code=200,
    raises=[NotFound, Forbidden, WrongState, Invalid, feedback.FeedbackClosed, ApplicantGone],
)
async def give_feedback(
    actor: Caller, application_id: FromPath[UUID], data: JSONBody[FeedbackIn]
) -> FeedbackOut:
    """Say how a completed engagement went, as the person or the association; nobody else reads a single answer."""
    return await feedback.give_feedback(actor, application_id, data)


router = Router("/", route_handlers=[give_feedback], tags=["applications"])

"""What an association answers, one by one and in bulk, and what the two sides write, over HTTP."""

from uuid import UUID

from litestar import Response, Router, get, post
from litestar.params import FromPath, JSONBody

from api.applications import answers, messages
from api.applications.many import answer_many
from api.applications.moves import (
    ApplicantGone,
    AssociationSuspended,
    EmployerConditions,
    EmployerPending,
    MissionFull,
)
from api.applications.schemas import (
    ApplicationOut,
    Declined,
    ManyDeclined,
    ManyIn,
    ManyOut,
    MessageIn,
    MessageOut,
)
from api.applications.service import AlreadyApplied
from api.core.actor import signed_in
from api.core.database import read
from api.core.pagination import CursorText, Limit
from api.core.problems import Forbidden, Invalid, NotFound, VersionChanged, WrongState
from api.core.routing import AskedVersion, Caller, created
from api.core.schemas import Page, Reasoned

ACT = [NotFound, Forbidden, WrongState, VersionChanged]


@post(
    "/v1/applications/{application_id:uuid}/shortlist",
    operation_id="shortlistApplication",
    scope="applications:write",
    guards=[signed_in],
    status_code=200,
    raises=ACT,
)
async def shortlist_application(
    actor: Caller, application_id: FromPath[UUID], asked: AskedVersion
) -> ApplicationOut:
    """Keep an applicant for later; the date of the reply moves once."""
    return await answers.shortlist_application(actor, application_id, asked)


@post(
    "/v1/applications/{application_id:uuid}/accept",
    operation_id="acceptApplication",
    scope="applications:write",
    guards=[signed_in],
    status_code=200,
    raises=[*ACT, MissionFull, AssociationSuspended, EmployerConditions],
)
async def accept_application(
    actor: Caller, application_id: FromPath[UUID], asked: AskedVersion
) -> ApplicationOut:
    """Give a place to an applicant, as the association."""
    return await answers.accept_application(actor, application_id, asked)


@post(
    "/v1/applications/{application_id:uuid}/waitlist",
    operation_id="waitlistApplication",
    scope="applications:write",
    guards=[signed_in],
    status_code=200,
    raises=[*ACT, answers.MissionNotFull],
)
async def waitlist_application(
    actor: Caller, application_id: FromPath[UUID], asked: AskedVersion
) -> ApplicationOut:
    """Put an applicant at the end of the queue of a full mission."""
    return await answers.waitlist_application(actor, application_id, asked)


@post(
    "/v1/applications/{application_id:uuid}/decline",
    operation_id="declineApplication",
    scope="applications:write",
    guards=[signed_in],
    status_code=200,
    raises=[*ACT, Invalid],
)
async def decline_application(
    actor: Caller, application_id: FromPath[UUID], data: JSONBody[Declined], asked: AskedVersion
) -> ApplicationOut:
    """Decline an applicant, with a reason they are told."""
    return await answers.decline_application(actor, application_id, data, asked)


@post(
    "/v1/applications/{application_id:uuid}/reopen",
    operation_id="reopenApplication",
    scope="applications:write",
    guards=[signed_in],
    status_code=200,
    raises=[*ACT, AlreadyApplied, ApplicantGone, AssociationSuspended],
)
async def reopen_application(
    actor: Caller, application_id: FromPath[UUID], asked: AskedVersion
) -> ApplicationOut:
    """Bring a declined or expired application back; its person is told, and may withdraw."""
    return await answers.reopen_application(actor, application_id, asked)


@post(
    "/v1/applications/{application_id:uuid}/cancel",
    operation_id="cancelApplication",
    scope="applications:write",
    guards=[signed_in],
    status_code=200,
    raises=[*ACT, Invalid],
)
async def cancel_application(
    actor: Caller, application_id: FromPath[UUID], data: JSONBody[Reasoned], asked: AskedVersion
) -> ApplicationOut:
    """End an engagement as the association; the place comes back."""
    return await answers.cancel_application(actor, application_id, data.reason, asked)


@post(
    "/v1/applications/{application_id:uuid}/no-show",
    operation_id="markNoShow",
    scope="applications:write",
    guards=[signed_in],
    status_code=200,
    raises=[*ACT, answers.NotAbsent, EmployerPending],
)
async def mark_no_show(actor: Caller, application_id: FromPath[UUID], asked: AskedVersion) -> ApplicationOut:
    """Say that an accepted person did not come, from their first day on."""
    return await answers.mark_no_show(actor, application_id, asked)


@post(
    "/v1/applications/{application_id:uuid}/complete",
    operation_id="completeApplication",
    scope="applications:write",
    guards=[signed_in],
    status_code=200,
    raises=[*ACT, EmployerPending],
)
async def complete_application(
    actor: Caller, application_id: FromPath[UUID], asked: AskedVersion
) -> ApplicationOut:
    """Say that an accepted person did the mission."""
    return await answers.complete_application(actor, application_id, asked)


@post(
    "/v1/applications/accept",
    operation_id="acceptManyApplications",
    scope="applications:write",
    guards=[signed_in],
    status_code=200,
    raises=[Forbidden, Invalid],
)
async def accept_many_applications(actor: Caller, data: JSONBody[ManyIn]) -> ManyOut:
    """Accept up to 500 applicants, each in a transaction of its own, those of a mission in the order given."""
    return await answer_many(actor, data.ids, lambda one: answers.accept_application(actor, one, None))


@post(
    "/v1/applications/decline",
    operation_id="declineManyApplications",
    scope="applications:write",
    guards=[signed_in],
    status_code=200,
    raises=[Forbidden, Invalid],
)
async def decline_many_applications(actor: Caller, data: JSONBody[ManyDeclined]) -> ManyOut:
    """Decline up to 500 applicants, each in a transaction of its own."""
    given = Declined(reason=data.reason)
    return await answer_many(
        actor, data.ids, lambda one: answers.decline_application(actor, one, given, None)
    )


@post(
    "/v1/applications/{application_id:uuid}/messages",
    operation_id="sendMessage",
    guards=[signed_in],
    raises=[NotFound, Forbidden, Invalid, WrongState, ApplicantGone],
)
async def send_message(
    actor: Caller, application_id: FromPath[UUID], data: JSONBody[MessageIn]
) -> Response[MessageOut]:
    """Write to the other side of an application; the employer never reads it."""
    message = await messages.send_message(actor, application_id, data)
    return created(message, f"/v1/applications/{application_id}/messages")


@get(
    "/v1/applications/{application_id:uuid}/messages",
    operation_id="listMessages",
    guards=[signed_in],
    raises=[NotFound, Forbidden],
)
async def list_messages(
    actor: Caller, application_id: FromPath[UUID], limit: Limit = 20, cursor: CursorText = None
) -> Page[MessageOut]:
    """List what the two sides wrote, the oldest first."""
    async with read(actor) as connection:
        return await messages.list_messages(connection, application_id, actor, limit, cursor)


router = Router(
    "/",
    route_handlers=[
        shortlist_application,
        accept_application,
        waitlist_application,
        decline_application,
        reopen_application,
        cancel_application,
        mark_no_show,
        complete_application,
        accept_many_applications,
        decline_many_applications,
        send_message,
        list_messages,
    ],
    tags=["applications"],
)

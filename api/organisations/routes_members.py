"""Members of an association and its life, over HTTP."""

from uuid import UUID

from litestar import Response, Router, delete, get, patch, post
from litestar.params import FromPath, JSONBody

from api.core.actor import moderator, signed_in
from api.core.etag import Answer
from api.core.pagination import CursorText, Limit
from api.core.problems import (
    Forbidden,
    Invalid,
    NotFound,
    TooManyRequests,
    VersionChanged,
    VersionRequired,
    WrongState,
)
from api.core.routing import AskedVersion, Caller, EditedVersion
from api.core.schemas import Page, Reasoned
from api.organisations import lifecycle, members
from api.organisations.schemas import AssociationOut, InvitationOut, MemberIn, MemberOut, MemberPatch
from api.people.schemas import MembershipOut

KEEP = [NotFound, Forbidden, WrongState]
MOVE = [NotFound, Forbidden, WrongState, VersionChanged]


@get(
    "/v1/associations/{association_id:uuid}/members",
    operation_id="listMembers",
    guards=[signed_in],
    raises=[NotFound, Forbidden],
)
async def list_members(
    actor: Caller, association_id: FromPath[UUID], limit: Limit = 20, cursor: CursorText = None
) -> Page[MemberOut]:
    """List the members of an association, to themselves and to moderators."""
    return await members.list_members(actor, association_id, limit, cursor)


@post(
    "/v1/associations/{association_id:uuid}/members",
    operation_id="inviteMember",
    guards=[signed_in],
    status_code=202,
    raises=[*KEEP, Invalid, TooManyRequests],
)
async def invite_member(
    actor: Caller, association_id: FromPath[UUID], data: JSONBody[MemberIn]
) -> Response[InvitationOut]:
    """Invite an address by mail, as an owner, or as a moderator where no owner is left."""
    return Answer(await members.invite_member(actor, association_id, data), status_code=202)


@get(
    "/v1/associations/{association_id:uuid}/invitations",
    operation_id="listInvitations",
    guards=[signed_in],
    raises=[NotFound, Forbidden],
)
async def list_invitations(
    actor: Caller, association_id: FromPath[UUID], limit: Limit = 20, cursor: CursorText = None
) -> Page[InvitationOut]:
    """List the invitations that wait for an answer, to whoever may take them back: the oldest first."""
    return await members.list_invitations(actor, association_id, limit, cursor)


@patch(
    "/v1/associations/{association_id:uuid}/members/{person_id:uuid}",
    operation_id="updateMember",
    guards=[signed_in],
    raises=[*KEEP, Invalid, VersionChanged, VersionRequired, members.LastOwner],
)
async def update_member(
    actor: Caller,
    association_id: FromPath[UUID],
    person_id: FromPath[UUID],
    data: JSONBody[MemberPatch],
    edited: EditedVersion,
) -> MemberOut:
    """Change a member's role, as an owner; `If-Match: "v3"` names the `version` 3 that the list showed."""
    return await members.update_member(actor, association_id, person_id, data.role, edited)


@delete(
    "/v1/associations/{association_id:uuid}/members/{person_id:uuid}",
    operation_id="removeMember",
    guards=[signed_in],
    raises=[*KEEP, members.LastOwner],
)
async def remove_member(actor: Caller, association_id: FromPath[UUID], person_id: FromPath[UUID]) -> None:
    """Remove a member, as an owner, or leave."""
    await members.remove_member(actor, association_id, person_id)


@post(
    "/v1/invitations/{code:str}/accept",
    operation_id="acceptInvitation",
    guards=[signed_in],
    status_code=200,
    raises=[NotFound, Forbidden],
)
async def accept_invitation(actor: Caller, code: FromPath[str]) -> MembershipOut:
    """Take the seat that was offered by mail to an address that the caller proved."""
    return await members.accept_invitation(actor, code)


@delete(
    "/v1/invitations/{invitation_id:uuid}",
    operation_id="revokeInvitation",
    guards=[signed_in],
    raises=KEEP,
)
async def revoke_invitation(actor: Caller, invitation_id: FromPath[UUID]) -> None:
    """Take back an invitation that waits, as an owner."""
    await members.revoke_invitation(actor, invitation_id)


@post(
    "/v1/associations/{association_id:uuid}/suspend",
    operation_id="suspendAssociation",
    guards=[moderator],
    status_code=200,
    raises=[*MOVE, Invalid],
)
async def suspend_association(
    actor: Caller, association_id: FromPath[UUID], data: JSONBody[Reasoned], asked: AskedVersion
) -> AssociationOut:
    """Suspend a verified association and pause its published missions, as a moderator who is not of it."""
    return await lifecycle.suspend_association(actor, association_id, data.reason, asked)


@post(
    "/v1/associations/{association_id:uuid}/reinstate",
    operation_id="reinstateAssociation",
    guards=[moderator],
    status_code=200,
    raises=MOVE,
)
async def reinstate_association(
    actor: Caller, association_id: FromPath[UUID], asked: AskedVersion
) -> AssociationOut:
    """End a suspension, and publish again the missions that it paused."""
    return await lifecycle.reinstate_association(actor, association_id, asked)


router = Router(
    "/",
    route_handlers=[
        list_members,
        invite_member,
        list_invitations,
        update_member,
        remove_member,
        accept_invitation,
        revoke_invitation,
        suspend_association,
        reinstate_association,
    ],
    tags=["organisations"],
)

"""What the two sides of an application write to each other; the employer never reads it."""

from datetime import datetime
from uuid import UUID

import asyncpg

from api.applications import policy
from api.applications.facts import MessageSent
from api.applications.moves import ids_of, refusals
from api.applications.schemas import MessageIn, MessageOut
from api.applications.tables import Message
from api.core import clock, pagination
from api.core.actor import Actor
from api.core.database import Connection, fetch_all, fetch_one, found, transaction
from api.core.ids import new_id
from api.core.language import Words
from api.core.outbox import record
from api.core.problems import Forbidden, WrongState
from api.core.schemas import Page
from api.organisations.policy import CLOSE, NOT_EMPLOYED

_APPLICATION = """
    SELECT id, association_id, company_id, person_id, manager_id, regime,
           (SELECT state FROM association WHERE id = association_id) AS association_state
    FROM application WHERE id = $1
"""
_MESSAGE = "SELECT id, author_id, from_association, text, created_at FROM message WHERE "
_ONE = _MESSAGE + "id = $1"
_CLOSED = Words(
    "The association is closed: nobody would read it.", "L’association est fermée : personne ne vous lirait."
)
_PAGE = (
    _MESSAGE
    + """application_id = $1 AND ($2::timestamptz IS NULL OR (created_at, id) > ($2, $3::uuid))
    ORDER BY created_at, id LIMIT $4
"""
)


async def send_message(actor: Actor, application_id: UUID, given: MessageIn) -> MessageOut:
    """Write to the other side of an application, which is told.

    Raises NotFound, Forbidden, WrongState, ApplicantGone.
    """
    with refusals():
        async with transaction(actor) as connection:
            present = await _side(connection, application_id, actor)
            _require_reader(actor, present)
            message_id = await write(actor, present, given.text)
            return found(await fetch_one(connection, MessageOut, _ONE, message_id))


def _require_reader(actor: Actor, present: asyncpg.Record) -> None:
    """Let nobody write through a company that they left, nor to an association that nobody is of any more."""
    if actor.person_id == present["person_id"] and actor.company_id != present["company_id"]:
        raise Forbidden(NOT_EMPLOYED)
    if present["association_state"] == "closed":
        raise WrongState(_CLOSED, state="closed", allowed=sorted(CLOSE.sources))


async def write(actor: Actor, present: asyncpg.Record, text: str) -> UUID:
    """Write to the other side in the open transaction, which is told; gives the message's id, raises Forbidden."""
    if actor.person_id is None:
        raise Forbidden
    message_id = new_id()
    await Message.insert(
        Message(
            id=message_id,
            application_id=present["id"],
            association_id=present["association_id"],
            person_id=present["person_id"],
            author_id=actor.person_id,
            from_association=actor.person_id != present["person_id"],
            text=text,
            created_at=clock.now(),
        )
    )
    await record(MessageSent(**ids_of(present), message_id=message_id))
    return message_id


async def list_messages(
    connection: Connection, application_id: UUID, actor: Actor, limit: int, cursor: str | None
) -> Page[MessageOut]:
    """List what the two sides wrote, the oldest first, to them alone; raises NotFound, Forbidden."""
    await _side(connection, application_id, actor)
    question = ("messages", str(application_id))
    at, last = pagination.read_cursor(cursor, question, datetime, UUID) or (None, None)
    rows = await fetch_all(connection, MessageOut, _PAGE, application_id, at, last, limit + 1)
    return pagination.page(rows, limit, question, "created_at", "id")


async def _side(connection: Connection, application_id: UUID, actor: Actor) -> asyncpg.Record:
    """Let in the applicant and the association; the employer, who sees the application, is refused."""
    present = found(await connection.fetchrow(_APPLICATION, application_id))
    policy.require_sight(actor, present)
    if not policy.is_side(actor, present):
        raise Forbidden
    return present

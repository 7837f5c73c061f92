"""Use cases of associations."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import asyncpg
import msgspec

from api.core import clock
from api.core.actor import Actor
from api.core.database import Connection, found, transaction
from api.core.ids import new_id
from api.core.lifecycle import Move, starts
from api.core.outbox import Fact, record
from api.core.problems import Fault, Invalid, VersionChanged, VersionRequired
from api.core.schemas import changes
from api.organisations import policy, queries
from api.organisations.facts import AssociationRefused, AssociationVerified
from api.organisations.schemas import (
    AssociationIn,
    AssociationOut,
    AssociationPatch,
    one_reason,
)
from api.organisations.tables import Association, AssociationMember

_TAKEN = """
    SELECT array_agg(DISTINCT kind ORDER BY kind) FROM association,
        LATERAL unnest(ARRAY['rna', 'siret'], ARRAY[rna = $1, siret = $2]) AS each (kind, taken)
    WHERE state IN ('verified', 'suspended') AND (rna = $1 OR siret = $2) AND id <> $3 AND taken
"""

_IDENTIFIERS = ("rna", "siren", "siret")


@asynccontextmanager
async def _refusals() -> AsyncIterator[None]:
    """Say what the database refuses of an association's text."""
    try:
        yield
    except asyncpg.UniqueViolationError as error:
        raise policy.registered_by(error.constraint_name) from None
    except asyncpg.CheckViolationError as error:
        if error.constraint_name != "association_postal_code_known":
            raise
        raise Invalid(faults=[Fault("/address/postal_code", *policy.UNKNOWN_POSTAL_CODE)]) from None


async def register_association(actor: Actor, given: AssociationIn) -> AssociationOut:
    """Register an unverified association whose author becomes its owner.

    An identifier is a verified association's alone; those who merely claim it are shown to the moderators.
    Raises Invalid, AlreadyRegistered.
    """
    identifiers = policy.check_identifiers(rna=given.rna, siren=given.siren, siret=given.siret)
    association_id = new_id()
    owner = msgspec.structs.replace(actor, memberships={**actor.memberships, association_id: "owner"})
    fields = msgspec.structs.asdict(given) | msgspec.structs.asdict(given.address) | identifiers
    del fields["address"]
    fields |= {"created_at": clock.now(), "review_since": clock.now(), "review_reasons": ["new"]}
    async with transaction(owner) as connection, _refusals():
        if taken := await connection.fetchval(
            _TAKEN, identifiers["rna"], identifiers["siret"], association_id
        ):
            raise policy.registered_already(taken)
        await Association.insert(Association(id=association_id, **fields))
        seat: dict[str, Any] = {"person_id": actor.author, "role": "owner", "since": clock.now()}
        await AssociationMember.insert(AssociationMember(id=new_id(), association_id=association_id, **seat))
        return await queries.get_association(connection, association_id, owner)


async def update_association(
    actor: Actor, association_id: UUID, given: AssociationPatch, edited: int
) -> AssociationOut:
    """Edit an association; raises NotFound, Forbidden, VersionChanged, Invalid, AlreadyRegistered."""
    edits = changes(given)
    if "address" in edits:
        place = changes(edits.pop("address"))
        # Coordinates are of the postcode that they came with.
        edits |= {"latitude": None, "longitude": None} | place if "postal_code" in place else place
    async with transaction(actor) as connection, _refusals():
        await queries.association_state(connection, association_id, actor)
        policy.require_member(actor, association_id, "owner")
        present = await _lock_association(connection, association_id)
        if present["version"] != edited:
            raise VersionChanged
        edits |= await _identified(connection, association_id, present, edits)
        if present["state"] == "refused":
            edits |= {"state": "unverified", "state_reason": None}
            edits |= {"review_since": clock.now(), "review_reasons": ["asked_again"]}
        elif reasons := _to_review(present, edits):
            edits |= {"review_since": clock.now(), "review_reasons": reasons}
        if edits:
            await Association.update(edits).where(Association.id == association_id)
        return await queries.get_association(connection, association_id, actor)


async def _identified(
    connection: Connection, association_id: UUID, present: asyncpg.Record, edits: dict[Any, Any]
) -> dict[Any, Any]:
    """Give the identifiers that an edit names, as they are kept; raises Invalid, AlreadyRegistered."""
    named = edits.keys() & set(_IDENTIFIERS)
    if not named:
        return {}
    identifiers = policy.check_identifiers(**{kind: edits.get(kind, present[kind]) for kind in _IDENTIFIERS})
    if taken := await connection.fetchval(_TAKEN, identifiers["rna"], identifiers["siret"], association_id):
        raise policy.registered_already(taken)
    return {kind: identifiers[kind] for kind in named}


def _to_review(present: asyncpg.Record, edits: dict[Any, Any]) -> list[str]:
    """Say why a moderator is to look at an association again."""
    differ = {name for name in ("name", *_IDENTIFIERS) if edits.get(name, present[name]) != present[name]}
    reasons = ["renamed"] if "name" in differ else []
    return reasons + (["identifiers_changed"] if differ & set(_IDENTIFIERS) else [])


async def verify_association(actor: Actor, association_id: UUID, asked: int | None) -> AssociationOut:
    """Say that an association is who it says, or, of a verified one as it was read, that its new name is its own.

    Raises NotFound, Forbidden, WrongState, VersionChanged, VersionRequired of a verified one, AlreadyRegistered where
    a verified one bears its RNA or SIRET.
    """
    try:
        return await _judge(actor, association_id, policy.VERIFY, asked, AssociationVerified)
    except asyncpg.UniqueViolationError as error:
        raise policy.registered_by(error.constraint_name) from None


async def refuse_association(
    actor: Actor, association_id: UUID, reasons: list[str], asked: int | None
) -> AssociationOut:
    """Refuse to verify, with reasons its owner reads; raises NotFound, Forbidden, WrongState, VersionChanged."""
    return await _judge(actor, association_id, policy.REFUSE, asked, AssociationRefused, reasons)


async def _judge(
    actor: Actor,
    association_id: UUID,
    act: Move,
    asked: int | None,
    fact: type[Fact],
    reasons: list[str] | None = None,
) -> AssociationOut:
    async with transaction(actor) as connection:
        present = await _lock_association(connection, association_id)
        policy.require_outsider(actor, association_id)
        reviewed: dict[Any, Any] = {"review_since": None, "review_reasons": []}
        if starts(act, present["state"], version=present["version"], asked=asked):
            change = {"state": act.target, "state_reason": one_reason(reasons or [])} | reviewed
            await Association.update(change).where(Association.id == association_id)
            await record(fact(association_id=association_id))
        elif present["review_since"]:
            if asked is None:
                raise VersionRequired
            if asked != present["version"]:
                raise VersionChanged
            await Association.update(reviewed).where(Association.id == association_id)
        return await queries.get_association(connection, association_id, actor)


async def _lock_association(connection: Connection, association_id: UUID) -> asyncpg.Record:
    return found(
        await connection.fetchrow(
            "SELECT state, version, name, rna, siren, siret, review_since FROM association WHERE id = $1 FOR UPDATE",
            association_id,
        )
    )

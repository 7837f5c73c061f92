"""Whom facts of associations and companies are told to."""

from api.core import clock
from api.core.database import bound
from api.notifications.service import News, notify
from api.organisations.facts import (
    AssociationClosed,
    AssociationFact,
    AssociationRefused,
    AssociationReinstated,
    AssociationSuspended,
    AssociationVerified,
    ManyDeactivated,
    MemberChanged,
    MemberFact,
    MemberJoined,
    MemberRemoved,
)
from workers.reactions.people import administrators_of, decision, members_of, row_of
from workers.registry import reacts_to

_MEMBER = """
    SELECT s.name AS association, m.role, trim(p.given_name || ' ' || p.family_name) AS name
    FROM association_member m JOIN association s ON s.id = m.association_id JOIN person p ON p.id = m.person_id
    WHERE m.association_id = $1 AND m.person_id = $2
"""
_DEPARTURES = """
    SELECT c.name AS company, count(*) AS people FROM company c JOIN employee e ON e.company_id = c.id
    WHERE c.id = $1 AND e.deactivated_at > maillon_now() - interval '1 hour' GROUP BY c.name
"""
_ASSOCIATION = "SELECT name AS association FROM association WHERE id = $1"


@reacts_to(AssociationVerified)
async def tell_owners_of_verification(fact: AssociationVerified, key: str) -> None:
    """Tell the owners that their association is verified."""
    await _tell_of_association(fact, "verified", "association_verified", key, "owner")


@reacts_to(AssociationRefused)
async def tell_owners_of_refusal(fact: AssociationRefused, key: str) -> None:
    """Tell the owners why their association was refused."""
    await _tell_of_association(fact, "refused", "association_refused", key, "owner")


@reacts_to(AssociationSuspended)
async def tell_members_of_suspension(fact: AssociationSuspended, key: str) -> None:
    """Tell the members why their association is suspended."""
    await _tell_of_association(fact, "suspended", "association_suspended", key)


@reacts_to(AssociationReinstated)
async def tell_members_of_reinstatement(fact: AssociationReinstated, key: str) -> None:
    """Tell the members that their association can go on."""
    await _tell_of_association(fact, "verified", "association_reinstated", key)


@reacts_to(AssociationClosed)
async def tell_members_of_closing(fact: AssociationClosed, key: str) -> None:
    """Tell the other members that their association is closed."""
    await _tell_of_association(fact, "closed", "association_closed", key)


@reacts_to(MemberJoined)
async def tell_owners_of_member(fact: MemberJoined, key: str) -> None:
    """Tell the other owners who joined, unless they left again meanwhile."""
    row = await bound().fetchrow(_MEMBER, fact.association_id, fact.person_id)
    if row:
        news = News(
            kind="member_joined",
            about_type="association",
            about_id=fact.association_id,
            values=dict(row),
        )
        await notify(await members_of(fact.association_id, fact.person_id, "owner"), news, key)


@reacts_to(MemberChanged)
async def tell_member_of_role(fact: MemberChanged, key: str) -> None:
    """Tell a member which role they have now, unless they have left meanwhile."""
    row = await bound().fetchrow(_MEMBER, fact.association_id, fact.person_id)
    if row:
        await _tell_member(fact, "member_changed", key, association=row["association"], role=row["role"])


@reacts_to(MemberRemoved)
async def tell_removed_member(fact: MemberRemoved, key: str) -> None:
    """Tell whoever was removed from an association, unless they have come back meanwhile."""
    if await bound().fetchrow(_MEMBER, fact.association_id, fact.person_id) is None:
        row = await row_of(_ASSOCIATION, fact.association_id)
        await _tell_member(fact, "member_removed", key, association=row["association"])


async def _tell_member(fact: MemberFact, kind: str, key: str, **values: str) -> None:
    news = News(kind=kind, about_type="association", about_id=fact.association_id, values=values)
    await notify([fact.person_id], news, key)


@reacts_to(ManyDeactivated)
async def tell_administrators_of_departures(fact: ManyDeactivated, _: str) -> None:
    """Tell a company's administrators that many of its people were deactivated, once an hour."""
    hour = clock.now().strftime("%Y-%m-%dT%H")
    row = await bound().fetchrow(_DEPARTURES, fact.company_id)
    if row:
        news = News(kind="many_deactivated", about_type="company", about_id=fact.company_id, values=dict(row))
        await notify(await administrators_of(fact.company_id), news, f"{fact.company_id}:{hour}")


async def _tell_of_association(fact: AssociationFact, state: str, kind: str, key: str, *roles: str) -> None:
    row = await row_of(_ASSOCIATION, fact.association_id)
    decided = await decision(key, fact.association_id, state)
    values = {"association": row["association"], "reasons": decided.reasons}
    news = News(kind=kind, about_type="association", about_id=fact.association_id, values=values)
    await notify(await members_of(fact.association_id, decided.by_person, *roles), news, key)

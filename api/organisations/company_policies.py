"""Use cases of a company's dated policies: what was in force on a day stays readable, what is planned may change."""

from datetime import date
from uuid import UUID

import asyncpg
import msgspec

from api.core import clock
from api.core.actor import Actor
from api.core.database import transaction
from api.core.ids import new_id
from api.core.language import Words
from api.core.problems import Fault, Invalid, NotFound, WrongState, repeated
from api.organisations import queries
from api.organisations.policy import require_company_role
from api.organisations.schemas_policy import PolicyIn, PolicyOut
from api.organisations.tables import Policy

_IN_FORCE = Words(
    "It is in force, or was: set another one from today on.",
    "Elle s’applique, ou s’est appliquée : définissez-en une autre à partir d’aujourd’hui.",
)
_PAST = Words("The past is decided already.", "Le passé est déjà décidé.")
_UNKNOWN = Words("No such association.", "Cette association n’existe pas.")
_BEGUN = Words(
    "Minutes of the present year are taken: let it apply from the first day of such a year on.",
    "Des minutes de l’année en cours sont prises : appliquez-le à partir du premier jour d’une telle année.",
)
_UNSEEN = """
    SELECT place - 1 FROM unnest($1::uuid[]) WITH ORDINALITY AS named (id, place)
    WHERE NOT EXISTS (SELECT FROM association WHERE association.id = named.id) ORDER BY place
"""


async def put_policy(actor: Actor, company_id: UUID, given: PolicyIn) -> PolicyOut:
    """Set what the company allows from a day on, today at the earliest; raises NotFound, Forbidden, Invalid.

    Years that begin on another day do so on the first day of one, or before minutes of the present one are taken.
    """
    async with transaction(actor) as connection:
        company = await queries.get_company(connection, company_id, actor)
        require_company_role(actor, company_id, "hr", "company_admin")
        today = clock.today(company.time_zone)
        unseen = await connection.fetch(_UNSEEN, given.associations or [])
        faults = [Fault(f"/associations/{place}", "unknown-association", _UNKNOWN) for (place,) in unseen]
        for name in ("regimes", "formats", "causes", "associations"):
            faults += repeated(f"/{name}/{{}}", getattr(given, name) or [])
        if given.effective_from and given.effective_from < today:
            faults.append(Fault("/effective_from", "in-the-past", _PAST))
        if faults:
            raise Invalid(faults=faults)
        day = given.effective_from or today
        try:
            async with transaction(actor):
                await set_policy(company_id, given, day)
        except asyncpg.CheckViolationError as error:
            if error.constraint_name != "policy_year_is_whole":
                raise
            raise Invalid(faults=[Fault("/year_starts", "year-begun", _BEGUN)]) from None
        return await queries.get_policy(connection, company_id, day)


async def set_policy(company_id: UUID, given: PolicyIn, day: date) -> None:
    """Write the policy of a company from a day on, in the open transaction."""
    fields = msgspec.structs.asdict(given) | {"effective_from": day}
    await Policy.insert(
        Policy(id=new_id(), company_id=company_id, created_at=clock.now(), **fields)
    ).on_conflict(
        target=(Policy.company_id, Policy.effective_from),
        action="DO UPDATE",
        values=[getattr(Policy, name) for name in fields if name != "effective_from"],
    )


async def delete_policy(actor: Actor, company_id: UUID, day: date) -> None:
    """Take back the policy planned from a day on; raises NotFound, Forbidden, WrongState once it was in force."""
    where = (Policy.company_id == company_id) & (Policy.effective_from == day)
    try:
        async with transaction(actor) as connection:
            await queries.get_company(connection, company_id, actor)
            require_company_role(actor, company_id, "hr", "company_admin")
            if not await Policy.delete().where(where).returning(Policy.id):
                raise NotFound
    except asyncpg.CheckViolationError as error:
        if error.constraint_name != "policy_in_force_stays":
            raise
        raise WrongState(_IN_FORCE, state="in_force", allowed=["planned"]) from None

"""Use cases of persons."""

from uuid import UUID

from api.core import clock
from api.core.actor import Actor
from api.core.database import bound, transaction
from api.core.ids import new_id
from api.core.language import Words
from api.core.problems import Fault, Invalid
from api.core.schemas import changes
from api.people import queries
from api.people.schemas import MeOut, MePatch
from api.people.tables import Person, PersonEmail


async def person_of_email(email: str) -> UUID:
    """Give the person of a proved address, made when unknown; in an open transaction of the system."""
    address = email.lower()
    known: UUID | None = await bound().fetchval("SELECT person_by_email($1)", address)
    if known:
        return known
    person_id = await add_person()
    await PersonEmail.insert(
        PersonEmail(id=new_id(), person_id=person_id, email=address, proved_at=clock.now())
    )
    return person_id


async def add_person(given_name: str = "", family_name: str = "", language: str = "fr") -> UUID:
    """Add a person, in the open transaction of the system."""
    person_id = new_id()
    await Person.insert(
        Person(
            id=person_id,
            given_name=given_name,
            family_name=family_name,
            language=language,
            created_at=clock.now(),
        )
    )
    return person_id


async def update_me(actor: Actor, given: MePatch) -> MeOut:
    """Change one's own name, language or time zone; raises Invalid."""
    edits = changes(given)
    if "time_zone" in edits and edits["time_zone"] not in clock.time_zones():
        words = Words("Not an IANA time zone.", "Ce fuseau IANA n’existe pas.")
        raise Invalid(faults=[Fault("/time_zone", "time-zone", words)])
    async with transaction(actor) as connection:
        if edits:
            await Person.update(edits).where(Person.id == actor.author)
        return await queries.get_me(connection, actor)

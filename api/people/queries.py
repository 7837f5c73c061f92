"""Reads of persons."""

from api.core.actor import Actor
from api.core.database import Connection, found
from api.people.schemas import EmploymentOut, MembershipOut, MeOut

_ME = """
    SELECT id, given_name, family_name, language, time_zone,
           ARRAY(SELECT email FROM person_email WHERE person_id = $1 ORDER BY email) AS emails
    FROM person WHERE id = $1
"""


async def get_me(connection: Connection, actor: Actor) -> MeOut:
    """Give the caller to themselves."""
    person = found(await connection.fetchrow(_ME, actor.person_id))
    job = actor.employment
    return MeOut(
        **person,
        employments=[
            EmploymentOut(
                company=job.company_id, employee_id=job.employee_id, roles=sorted(job.roles), active=True
            )
        ]
        if job
        else [],
        memberships=[
            MembershipOut(association=key, role=role) for key, role in sorted(actor.memberships.items())
        ],
        platform_roles=sorted(actor.roles),
    )

"""What an operator changes of the list of skills."""

from api.core import clock
from api.core.database import found, operations
from api.core.language import Words
from api.core.problems import Invalid

_LIVING = "SELECT id FROM skill WHERE id = $1 AND deprecated_at IS NULL FOR UPDATE"
_DEPRECATE = """
    UPDATE skill SET deprecated_at = coalesce(deprecated_at, $2), replaced_by = coalesce($3, replaced_by)
    WHERE id = $1 RETURNING id
"""


async def deprecate_skill(skill_id: str, replaced_by: str | None = None) -> None:
    """Take a skill out of the list; those it replaced follow to its own replacement. Raises NotFound, Invalid."""
    async with operations() as connection:
        if replaced_by and (replaced_by == skill_id or not await connection.fetchval(_LIVING, replaced_by)):
            raise Invalid(
                Words(
                    "Another skill, in use, must replace it.",
                    "Il faut une autre compétence, qui a cours.",
                )
            )
        found(await connection.fetchval(_DEPRECATE, skill_id, clock.now(), replaced_by))

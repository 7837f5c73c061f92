"""Loads the shipped skills and causes; what an operator imported or deprecated stays."""

import asyncpg

_CAUSES = """
    INSERT INTO cause SELECT * FROM jsonb_to_recordset($1)
        AS given (id text, label_fr text, label_en text, sdgs integer[])
    ON CONFLICT (id) DO UPDATE SET (label_fr, label_en, sdgs) = (excluded.label_fr, excluded.label_en, excluded.sdgs)
"""
_FAMILIES = """
    INSERT INTO skill_family SELECT * FROM jsonb_to_recordset($1::jsonb -> 'families')
        AS given (id text, label_fr text, label_en text)
    ON CONFLICT (id) DO UPDATE SET (label_fr, label_en) = (excluded.label_fr, excluded.label_en)
"""
# Only the columns of the shipped list: imported_aliases, deprecated_at and replaced_by are the operator's.
_SKILLS = """
    INSERT INTO skill (id, family_id, label_fr, label_en, aliases, esco_uri, rome_code)
    SELECT id, family, fr, en, aliases, esco, rome FROM jsonb_to_recordset($1::jsonb -> 'skills')
        AS given (id text, family text, fr text, en text, aliases text[], esco text, rome text)
    ON CONFLICT (id) DO UPDATE
    SET (family_id, label_fr, label_en, aliases, esco_uri, rome_code) = ROW (excluded.family_id, excluded.label_fr,
         excluded.label_en, excluded.aliases, excluded.esco_uri, excluded.rome_code)
"""
# An operator had imported a concept that the list ships by now: missions may name it, new ones name the shipped one.
_GIVEN_OVER = """
    UPDATE skill imported SET deprecated_at = now(), replaced_by = shipped.id
    FROM skill shipped
    WHERE imported.family_id = 'esco' AND shipped.family_id <> 'esco' AND shipped.deprecated_at IS NULL
      AND imported.deprecated_at IS NULL AND imported.esco_uri = shipped.esco_uri
"""


async def load_causes(connection: asyncpg.Connection, content: bytes) -> None:
    """Load `causes.json`."""
    await connection.execute(_CAUSES, content.decode())


async def load_skills(connection: asyncpg.Connection, content: bytes) -> None:
    """Load `skills.json`: families, then skills."""
    for statement in (_FAMILIES, _SKILLS):
        await connection.execute(statement, content.decode())
    await connection.execute(_GIVEN_OVER)

"""Reads of skills and causes."""

from collections.abc import Mapping
from typing import Any, NamedTuple, get_args

from api.core import pagination
from api.core.database import Connection, found
from api.core.language import Language
from api.core.schemas import Page
from api.skills.schemas import CauseOut, FamilyOut, SkillOut

_FIELDS = """
    s.id, s.family_id, f.label_fr AS family_fr, f.label_en AS family_en, s.label_fr, s.label_en,
    s.aliases || s.imported_aliases AS aliases, s.esco_uri, s.rome_code, s.deprecated_at, s.replaced_by, label_key
"""
_SKILL = "SELECT fields FROM skill s JOIN skill_family f ON f.id = s.family_id WHERE s.id = $1"
_ALL = """
    SELECT fields FROM skill s JOIN skill_family f ON f.id = s.family_id
    WHERE s.deprecated_at IS NULL AND ($1::text IS NULL OR s.family_id = $1) AND (s.label_key, s.id) > ($2, $3)
    ORDER BY s.label_key, s.id LIMIT $4
"""
# What is the label, in either language, or another name; begins the label, or another name; begins a word of them; or
# else resembles: the closest first.
_LIKE = """
    SELECT fields, s.rank FROM (
        SELECT found.*, 1000 * (place + 1) - round(500 * likeness)::integer AS rank
        FROM folded($1) q, skills_like(q) found,
        LATERAL (SELECT max(similarity(q, name) + strict_word_similarity(q, name)) AS likeness,
                        bool_or(starts_with(name, q)) AS begins FROM unnest(names) name) called,
        LATERAL (SELECT CASE WHEN q IN (label_fr_key, label_en_key) THEN 0
                             WHEN q = ANY (names) THEN 1
                             WHEN starts_with(label_key, q) THEN 2
                             WHEN begins THEN 3
                             WHEN position(' ' || q IN label_key) > 0 THEN 4
                             WHEN position(' ' || q IN search) > 0 THEN 5
                             ELSE 6 END AS place) placed) s
    JOIN skill_family f ON f.id = s.family_id
    WHERE ($2::text IS NULL OR s.family_id = $2) AND (s.rank, s.label_key, s.id) > ($3, $4, $5)
    ORDER BY s.rank, s.label_key, s.id LIMIT $6
"""
_CAUSES = """
    SELECT id, label_fr, label_en, sdgs FROM cause
    ORDER BY id = 'autre', folded(CASE $1 WHEN 'fr' THEN label_fr ELSE label_en END)
"""


def _by_language(query: str) -> dict[Language, str]:
    """Write a query for each language, which decides what it sorts by."""
    whole = query.replace("fields", _FIELDS)
    return {language: whole.replace("label_key", f"label_{language}_key") for language in get_args(Language)}


ONE, LISTED, SEARCHED = _by_language(_SKILL), _by_language(_ALL), _by_language(_LIKE)


class Line(NamedTuple):
    """A skill in a list, with what it is sorted by."""

    rank: int
    key: str
    id: str
    skill: SkillOut


async def get_skill(connection: Connection, skill_id: str, language: Language) -> SkillOut:
    """Give a skill, be it deprecated; raises NotFound."""
    return _skill(found(await connection.fetchrow(ONE[language], skill_id)), language)


async def list_skills(
    connection: Connection, language: Language, family: str | None, limit: int, cursor: str | None
) -> Page[SkillOut]:
    """List the skills in use, by their label in a language."""
    question = ("skills", language, family)
    after = pagination.read_cursor(cursor, question, str, str) or ("", "")
    rows = await connection.fetch(LISTED[language], family, *after, limit + 1)
    return _page([_line(row, 0, language) for row in rows], limit, question, "key", "id")


async def search_skills(
    connection: Connection, q: str, language: Language, family: str | None, limit: int, cursor: str | None
) -> Page[SkillOut]:
    """List the skills in use that what is typed may mean, the likeliest first."""
    question = ("skills", language, family, q)
    after = pagination.read_cursor(cursor, question, int, str, str) or (-1, "", "")
    rows = await connection.fetch(SEARCHED[language], q, family, *after, limit + 1)
    return _page([_line(row, row["rank"], language) for row in rows], limit, question, "rank", "key", "id")


async def list_causes(connection: Connection, language: Language) -> Page[CauseOut]:
    """List the causes by their label in a language, the one for all others last."""
    rows = await connection.fetch(_CAUSES, language)
    return Page(items=[CauseOut(**row, label=row[f"label_{language}"]) for row in rows])


def _page(lines: list[Line], limit: int, question: object, *keys: str) -> Page[SkillOut]:
    page = pagination.page(lines, limit, question, *keys)
    return Page(items=[line.skill for line in page.items], next=page.next)


def _line(row: Mapping[str, Any], rank: int, language: Language) -> Line:
    return Line(rank, row[f"label_{language}_key"], row["id"], _skill(row, language))


def _skill(row: Mapping[str, Any], language: Language) -> SkillOut:
    labels = {"fr": row["family_fr"], "en": row["family_en"]}
    family = FamilyOut(
        id=row["family_id"], label=labels[language], label_fr=labels["fr"], label_en=labels["en"]
    )
    named = {name: row[name] for name in SkillOut.__struct_fields__ if name not in ("family", "label")}
    return SkillOut(family=family, label=row[f"label_{language}"], **named)

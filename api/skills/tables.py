"""Skills in their families, and causes: loaded from `migrations/data/`, completed by operators."""

from typing import Any

from piccolo.columns import Array, ForeignKey, Integer, Text, Timestamptz
from piccolo.columns.base import OnDelete
from piccolo.table import Table

from api.core.database import ENGINE


class Cause(Table, db=ENGINE, tablename="cause"):
    """A theme of missions, with the numbers of its Sustainable Development Goals."""

    id = Text(primary_key=True, default=None)
    label_fr = Text(default=None)
    label_en = Text(default=None)
    sdgs = Array(base_column=Integer(), default=list)


class SkillFamily(Table, db=ENGINE, tablename="skill_family"):
    """A family of skills; `esco` holds those that an operator imported."""

    id = Text(primary_key=True, default=None)
    label_fr = Text(default=None)
    label_en = Text(default=None)


class Skill(Table, db=ENGINE, tablename="skill"):
    """A skill, never deleted; the last four columns are kept by a trigger, for lists and search."""

    id = Text(primary_key=True, default=None)
    family_id = ForeignKey(SkillFamily, null=False, default=None, on_delete=OnDelete.restrict)
    label_fr = Text(default=None)
    label_en = Text(default=None)
    aliases = Array(base_column=Text(), default=list)
    imported_aliases = Array(base_column=Text(), default=list)
    esco_uri = Text(null=True, default=None)
    rome_code = Text(null=True, default=None)
    deprecated_at = Timestamptz(null=True, default=None)
    replaced_by: ForeignKey[Any] = ForeignKey("self", null=True, default=None, on_delete=OnDelete.restrict)
    label_fr_key = Text(default=None)
    label_en_key = Text(default=None)
    search = Text(default=None)
    names = Array(base_column=Text(), default=list)

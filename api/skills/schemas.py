"""Answers about skills and causes; `label` is in the language asked for."""

from datetime import datetime

from api.core.schemas import Out


class FamilyOut(Out, frozen=True, kw_only=True):
    """A family of skills."""

    id: str
    label: str
    label_fr: str
    label_en: str


class SkillOut(Out, frozen=True, kw_only=True):
    """A skill. `replaced_by` is the id of the one to name instead of a deprecated one."""

    id: str
    family: FamilyOut
    label: str
    label_fr: str
    label_en: str
    aliases: list[str]
    esco_uri: str | None
    rome_code: str | None
    deprecated_at: datetime | None
    replaced_by: str | None


class CauseOut(Out, frozen=True, kw_only=True):
    """A cause and the numbers, 1 to 17, of the Sustainable Development Goals it serves."""

    id: str
    label: str
    label_fr: str
    label_en: str
    sdgs: list[int]

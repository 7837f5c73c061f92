"""Missions ready to be used as they are: an association changes what differs, and adds its days."""

from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import Annotated, Any

import msgspec
from msgspec import Meta, structs

from api.core.database import Connection
from api.core.language import Language, Words
from api.core.problems import Fault, Invalid
from api.core.schemas import In, Line, Minutes, Out, Text
from api.missions.schemas import MissionSkill, Places, Remote, Summary, Title
from api.organisations.schemas import Format

_LIVING = "SELECT key AS id, living_skills(value) AS skills FROM jsonb_each($1)"
Lines = Annotated[list[Line], Meta(min_length=1, max_length=20)]


class Wording(In, frozen=True, kw_only=True):
    """The texts of a template in one language; prerequisites are what the association ticks once it is there."""

    title: Title
    summary: Summary
    description: Text
    deliverable: Text
    prerequisites: Lines
    steps: Lines


class Template(In, frozen=True, kw_only=True):
    """A template as `templates.json` writes it; `effort_minutes` is for one place."""

    id: str
    format: Format
    effort_minutes: Minutes
    places: Places
    remote: Remote
    skills: list[MissionSkill]
    fr: Wording
    en: Wording


class MissionTemplateOut(Out, frozen=True, kw_only=True):
    """A template in one language: name its `id` in createMission to begin from it."""

    id: str
    title: str
    summary: str
    description: str
    deliverable: str
    prerequisites: list[str]
    steps: list[str]
    format: Format
    effort_minutes: int
    places: int
    remote: Remote
    skills: list[MissionSkill]


@cache
def templates() -> dict[str, Template]:
    """Give every template by its id, as the file has it and in its order."""
    text = (resources.files("api.missions") / "templates.json").read_bytes()
    return {template.id: template for template in msgspec.json.decode(text, type=list[Template])}


async def living_templates(connection: Connection) -> dict[str, Template]:
    """Give every template by its id, naming skills in use: of one deprecated since, its replacement or nothing."""
    named = {template.id: template.skills for template in templates().values()}
    rows = await connection.fetch(_LIVING, msgspec.json.encode(named).decode())
    living = {row["id"]: msgspec.json.decode(row["skills"], type=list[MissionSkill]) for row in rows}
    return {name: structs.replace(template, skills=living[name]) for name, template in templates().items()}


async def list_templates(connection: Connection, language: Language) -> list[MissionTemplateOut]:
    """Give every template in a language."""
    living = await living_templates(connection)
    return [MissionTemplateOut(id=name, **_told(template, language)) for name, template in living.items()]


def template_fields(known: Mapping[str, Template], template_id: str, language: Language) -> dict[str, Any]:
    """Give what a mission takes over from a template, by column, nothing ticked, in the text's language.

    Raises Invalid where there is none.
    """
    template = known.get(template_id)
    if template is None:
        words = Words("There is no such template.", "Ce modèle n’existe pas.")
        raise Invalid(faults=[Fault("/template", "unknown-template", words)])
    told = _told(template, language)
    ticked = [{"text": text, "ready": False} for text in told["prerequisites"]]
    return told | {
        "prerequisites": ticked,
        "skills": msgspec.to_builtins(template.skills),
        "languages": [language],
    }


def _told(template: Template, language: Language) -> dict[str, Any]:
    fields = structs.asdict(template)
    fields |= structs.asdict(template.fr if language == "fr" else template.en)
    return {name: fields[name] for name in MissionTemplateOut.__struct_fields__ if name != "id"}

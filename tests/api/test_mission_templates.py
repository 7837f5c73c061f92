"""Templates: whole in both languages, of known skills, and worth publishing as they are."""

from datetime import date
from typing import Any, get_args

import pytest
from litestar import Litestar

from api.core.language import Language
from api.core.problems import Invalid
from api.missions.rules import broken_rules
from api.missions.templates import template_fields, templates
from api.skills.service import deprecate_skill
from tests.api.core.asking import assert_problem
from tests.make.clone import cloned
from tests.make.served import served
from tests.make.world import World
from tests.rules.test_mission_rules import NOW

TODAY = date(2026, 3, 10)
ADDED: dict[str, Any] = {
    "regimes": ["working_time", "personal_time"],
    "starts_on": TODAY,
    "ends_on": TODAY,
    "apply_by": None,
    "sessions": [],
    "managers": [],
    "reserved_to": [],
    "causes": ["education"],
    "languages": ["fr"],
    "time_zone": "Europe/Paris",
    "location_label": None,
    "website": None,
}
"""What an association adds to a template."""


async def test_templates_are_listed_in_the_language_asked_for(world: World) -> None:
    french = await world.ok(None, "GET", "/v1/mission-templates")
    english = await world.ok(None, "GET", "/v1/mission-templates?lang=en")
    assert [item["id"] for item in french["items"]] == [item["id"] for item in english["items"]]
    assert len(french["items"]) == 12
    assert (french["next"], french["items"][0]["title"]) == (None, "Refondre notre site web")
    assert english["items"][0]["title"] == "Redesign our website"
    accepted = await world.call(None, "GET", "/v1/mission-templates", accept_language="en-GB")
    assert accepted.json() == english
    held = await world.call(
        None, "GET", "/v1/mission-templates?lang=en", if_none_match=accepted.headers["etag"]
    )
    assert (held.status_code, held.content) == (304, b"")
    assert_problem(await world.call(None, "GET", "/v1/mission-templates?lang=de"), 422, "invalid", "/lang")


@pytest.mark.parametrize("language", ["fr", "en"])
@pytest.mark.parametrize("template_id", sorted(templates()))
def test_a_template_obeys_the_rules_once_ticked_and_dated(template_id: str, language: Language) -> None:
    fields = template_fields(templates(), template_id, language)
    assert {fault.code for fault in broken_rules(fields | ADDED, NOW)} == {"not-ready"}
    ticked = [item | {"ready": True} for item in fields["prerequisites"]]
    assert broken_rules(fields | ADDED | {"prerequisites": ticked}, NOW) == []
    assert all(fields[name] for name in ("summary", "deliverable", "steps", "skills"))


@pytest.mark.parametrize("template_id", sorted(templates()))
def test_both_languages_say_the_same_things(template_id: str) -> None:
    french, english = [template_fields(templates(), template_id, language) for language in get_args(Language)]
    assert french.keys() == english.keys()
    for name in ("prerequisites", "steps"):
        assert len(french[name]) == len(english[name]), name
    for name in ("format", "effort_minutes", "places", "remote", "skills"):
        assert french[name] == english[name], name
    for name in ("title", "summary", "description", "deliverable"):
        assert french[name] != english[name], name


async def test_templates_name_skills_in_use(world: World) -> None:
    for template in templates().values():
        assert any(named.essential for named in template.skills), template.id
        for named in template.skills:
            skill = await world.ok(None, "GET", f"/v1/skills/{named.skill}")
            assert skill["deprecated_at"] is None, named.skill


async def test_a_template_names_what_replaced_a_skill_once_and_none_that_nothing_replaced(
    app: Litestar, environment: dict[str, str]
) -> None:
    async with cloned(environment) as settings, served(app, settings) as client:
        world = World(client, environment)
        association = await world.association()
        await deprecate_skill("wordpress", "web-design")
        await deprecate_skill("web-design", "ux-design")
        await deprecate_skill("web-accessibility")

        listed = (await world.ok(None, "GET", "/v1/mission-templates"))["items"][0]
        body = {"association_id": association.id, "template": listed["id"]}
        made = await world.call(association.owner, "POST", "/v1/missions", body)

        assert listed["id"] == "website-redesign"
        assert listed["skills"] == [{"skill": "ux-design", "level": 3, "essential": True}]
        assert (made.status_code, made.json()["skills"]) == (201, listed["skills"])


def test_an_unknown_template_is_pointed_at() -> None:
    with pytest.raises(Invalid) as refused:
        template_fields(templates(), "no-such-template", "fr")
    assert [fault.pointer for fault in refused.value.faults or []] == ["/template"]

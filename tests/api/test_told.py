"""What each side reads of the turns that an engagement or a mission takes, in the inbox where it is told."""

import pytest

from api.core.settings import Settings
from api.notifications.render import render
from tests.api.test_agreed_effort import agree
from tests.api.test_mission_lifecycle import accepted
from tests.api.test_mission_scoping import edit, mission_path
from tests.api.test_moderation import tag
from tests.make.world import World
from tests.reactions.world import catch_up


async def told(world: World, token: str, settings: Settings) -> dict[str, str]:
    """Give what somebody was told by now: the last text of each kind."""
    await catch_up(settings)
    items = (await world.ok(token, "GET", "/v1/me/notifications?limit=100"))["items"]
    return {item["kind"]: f"{item['title']}\n{item['text']}" for item in reversed(items)}


async def test_both_sides_follow_the_employers_word_and_the_employer_the_withdrawal(
    world: World, settings: Settings
) -> None:
    association, company = await world.association(), await world.company(approval="hr")
    employee = world.employee(company, "anne")
    application = await world.application(employee, await world.mission(association))
    path = f"/v1/applications/{application['id']}"

    await world.ok(association.owner, "POST", f"{path}/accept")
    assert "applicant_approved" not in await told(world, association.owner, settings)
    await world.ok(company.admin, "POST", f"{path}/approve")
    agreed = (await told(world, association.owner, settings))["applicant_approved"]
    await agree(world, association, employee, application, 2400)
    longer = (await told(world, association.owner, settings))["change_accepted"]
    proposed = (await told(world, employee, settings))["change_proposed"]
    await world.ok(company.admin, "POST", f"{path}/approve")
    agreed_again = (await told(world, association.owner, settings))["applicant_approved"]
    await world.ok(employee, "POST", f"{path}/withdraw", {"reason": "not_available"})
    left = (await told(world, company.admin, settings))["engagement_withdrawn"]

    assert "L’employeur d’Anne" in agreed
    assert "peut commencer" in agreed
    assert "la durée plus longue" in agreed_again
    assert "– Durée\xa0: 40\xa0h\n\nAcceptez-le" in proposed
    assert "redonner son accord" in longer
    assert "il vaut désormais" not in longer
    assert "Anne Nom" in left


async def test_the_end_of_one_engagement_is_not_told_as_the_missions(
    world: World, settings: Settings
) -> None:
    association, company = await world.association(), await world.company(approval="hr")
    _, application = await world.engagement(association, company)
    await world.ok(
        association.owner, "POST", f"/v1/applications/{application['id']}/cancel", {"reason": "Site refait."}
    )

    employer = await told(world, company.admin, settings)
    assert "a mis fin à la participation" in employer["engagement_ended"]
    assert "engagement_cancelled" not in employer


async def test_on_personal_time_the_employer_is_told_of_no_withdrawal(
    world: World, settings: Settings
) -> None:
    association, company = await world.association(), await world.company(approval="hr")
    employee, application = await world.engagement(association, company, "personal_time")
    withdraw = f"/v1/applications/{application['id']}/withdraw"
    await world.ok(employee, "POST", withdraw, {"reason": "not_available"})

    assert "application_withdrawn" in await told(world, association.owner, settings)
    assert await told(world, company.admin, settings) == {}


async def test_an_association_reads_what_moderators_decided_of_a_mission_that_is_open(
    world: World, settings: Settings
) -> None:
    association, moderator = await world.association(), await world.moderator()
    mission = await world.mission(association)
    await world.ok(association.owner, "POST", mission_path(mission, "pause"))
    edited = {"summary": "Voyez tally.so/r/abc", "ask_review": True}
    mission = (await edit(world, association.owner, mission, **edited)).json()

    await world.ok(moderator, "POST", mission_path(mission, "publish"), if_match=tag(mission))
    await world.ok(moderator, "POST", mission_path(mission, "pause"))
    await world.ok(moderator, "POST", mission_path(mission, "resume"))
    await world.ok(association.owner, "POST", mission_path(mission, "pause"))
    await world.ok(association.owner, "POST", mission_path(mission, "resume"))

    kinds = list(await told(world, association.owner, settings))
    assert kinds == ["association_verified", "mission_reviewed", "mission_paused", "mission_resumed"]


@pytest.mark.parametrize("state", ["published", "paused", "in_progress"])
async def test_who_wrote_and_published_a_text_is_told_that_it_was_read_again(
    world: World, settings: Settings, state: str
) -> None:
    association, moderator = await world.association(verified=False), await world.moderator()
    mission = await world.mission(association)
    await world.ok(moderator, "POST", mission_path(mission, "publish"), if_match=tag(mission))
    await world.ok(association.owner, "POST", mission_path(mission, "pause"))
    mission = await world.ok(association.owner, "POST", mission_path(mission, "resume"))
    edited = (await edit(world, association.owner, mission, summary="Un site lisible par tous.")).json()
    if state == "paused":
        edited = await world.ok(association.owner, "POST", mission_path(mission, "pause"))
    elif state == "in_progress":
        await accepted(world, association, mission)
        edited = await world.ok(association.owner, "POST", mission_path(mission, "start"))

    read = await world.ok(moderator, "POST", mission_path(mission, "publish"), if_match=tag(edited))

    assert (read["state"], read["review"]) == (state, None)
    assert "mission_reviewed" in await told(world, association.owner, settings)


async def test_who_is_declined_twice_reads_the_reason_of_each(world: World, settings: Settings) -> None:
    association, company = await world.association(), await world.company()
    employee = world.employee(company, "anne")
    application = await world.application(employee, await world.mission(association))
    path = f"/v1/applications/{application['id']}"
    await world.ok(association.owner, "POST", f"{path}/decline", {"reason": "requirements_not_met"})
    await world.ok(association.owner, "POST", f"{path}/reopen")
    await world.ok(association.owner, "POST", f"{path}/decline", {"reason": "mission_changed"})

    await catch_up(settings)
    items = (await world.ok(employee, "GET", "/v1/me/notifications"))["items"]
    said = [item["text"] for item in items if item["kind"] == "application_declined"]
    assert len(said) == 2
    assert "a changé" in said[0]
    assert "a changé" not in said[1]


async def test_who_was_put_on_the_waitlist_is_not_told_of_a_missing_answer(
    world: World, settings: Settings
) -> None:
    association, company = await world.association(), await world.company(approval="automatic")
    mission = await world.mission(association)
    first, second = world.employee(company, "anne"), world.employee(company, "noor")
    taken, waiting = [await world.application(token, mission) for token in (first, second)]
    await world.ok(association.owner, "POST", f"/v1/applications/{taken['id']}/accept")
    await world.ok(association.owner, "POST", f"/v1/applications/{waiting['id']}/waitlist")
    for act in ("start", "complete"):
        await world.ok(association.owner, "POST", mission_path(mission, act))

    ended = (await told(world, second, settings))["application_expired"]
    assert "sans qu’une place se soit libérée" in ended
    assert "sans réponse" not in ended


async def test_a_moderators_cancellation_is_not_told_as_the_associations(
    world: World, settings: Settings
) -> None:
    association, moderator = await world.association(), await world.moderator()
    company = await world.company(approval="automatic")
    mission = await world.mission(association)
    employee = world.employee(company, "anne")
    application = await world.application(employee, mission)
    await world.ok(association.owner, "POST", f"/v1/applications/{application['id']}/accept")
    await world.ok(moderator, "POST", mission_path(mission, "cancel"), {"reason": "Hors sujet."})

    cancelled = (await told(world, employee, settings))["application_cancelled"]
    assert "est annulée. Le motif indiqué\xa0: Hors sujet.\n" in cancelled
    members = (await told(world, association.owner, settings))["mission_cancelled"]
    assert "Le motif indiqué\xa0: Hors sujet.\n" in members


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("Papyrus", "de Papyrus"),
        ("Emmaüs", "d’Emmaüs"),
        ("Les Amis du lac", "des Amis du lac"),
        ("Le Relais", "du Relais"),
        ("La Cloche", "de La Cloche"),
        ("Lestonnac", "de Lestonnac"),
    ],
)
def test_a_body_is_named_as_french_names_it(name: str, said: str) -> None:
    values: dict[str, object] = {"mission": "Un site", "association": name}
    assert f"«\xa0Un site\xa0» {said}" in render("application_waitlisted", "fr", values).text


async def test_whom_their_company_does_not_name_is_named_as_they_name_themselves(
    world: World, settings: Settings
) -> None:
    association, company = await world.association(), await world.company()
    me = await world.ok(company.admin, "GET", "/v1/me")
    named = {"given_name": "Inès", "family_name": "Aubry"}
    await world.ok(company.admin, "PATCH", "/v1/me", named)
    await world.application(company.admin, await world.mission(association))

    assert (me["given_name"], me["family_name"]) == ("", "")
    applied = (await told(world, association.owner, settings))["application_submitted"]
    assert "Inès Aubry souhaite participer" in applied


@pytest.mark.parametrize(
    ("applicant", "said"),
    [
        ("Zoé Petit", "la participation de Zoé Petit"),
        ("Émile Roy", "la participation d’Émile Roy"),
        ("", "la participation d’une personne dont nous n’avons pas le nom"),
    ],
)
def test_a_text_names_whom_it_is_about(applicant: str, said: str) -> None:
    values: dict[str, object] = {"applicant": applicant, "mission": "Un site", "association": "Papyrus"}
    assert said in render("engagement_ended", "fr", values).text

"""Who is told what, in which language, and what the employer never reads."""

from datetime import timedelta
from email import message_from_bytes
from email.policy import default
from pathlib import Path
from typing import Any, Literal
from uuid import UUID

import pytest

from api.applications.facts import (
    ApplicationAccepted,
    ApplicationDeclined,
    ApplicationFact,
    ApplicationSubmitted,
    ApplicationWithdrawn,
    EmployerApprovalAsked,
    EmployerApproved,
    EmployerRefused,
)
from api.core import clock
from api.core.actor import system
from api.core.database import operations, transaction
from api.core.ids import new_id
from api.core.outbox import FACTS, Fact, record
from api.core.settings import Settings
from api.hours.facts import HoursApproved, HoursConfirmed, HoursDeclared, HoursLowered, HoursRejected
from api.missions.facts import MissionPublished, MissionRejected
from api.notifications import render
from api.notifications.kinds import KINDS
from api.notifications.message import MailText, compose
from api.organisations.facts import AssociationFact, AssociationRefused, AssociationVerified
from tests.reactions.world import World, change, happen, make_application, make_hours, make_mission, react
from workers.reactions import OWED

Told = dict[UUID, tuple[str, str]]

MEMBERS = ("owner", "coordinator")
CONFIRMED = "UPDATE hours_entry SET (state, confirmed_by) = ('confirmed', $2) WHERE id = $1"
TEMPLATES = Path(render.__file__).parent / "templates"


async def notices_about(about: UUID) -> Told:
    async with operations() as connection:
        rows = await connection.fetch("SELECT * FROM notification WHERE about_id = $1", about)
    return {row["person_id"]: (row["kind"], f"{row['title']}\n{row['text']}") for row in rows}


async def mails_to(person: UUID) -> list[tuple[str, str]]:
    async with operations() as connection:
        rows = await connection.fetch("SELECT * FROM mail WHERE person_id = $1 ORDER BY id", person)
    return [(row["to_address"], f"{row['subject']}\n{row['text']}") for row in rows]


def whom(world: World, *names: str) -> set[UUID]:
    return {getattr(world, name) for name in names}


# By the applicant, and not by the system for whoever leaves.
_WITHDRAW = """
    WITH who AS MATERIALIZED (SELECT set_config('app.person', $2, true))
    UPDATE application SET state = 'withdrawn' FROM who WHERE id = $1
"""


@pytest.mark.parametrize(
    ("fact", "told", "kind"),
    [
        (ApplicationSubmitted, MEMBERS, "application_submitted"),
        (ApplicationAccepted, ("applicant",), "application_accepted"),
        (ApplicationDeclined, ("applicant",), "application_declined"),
        (ApplicationWithdrawn, MEMBERS, "application_withdrawn"),
        (EmployerApprovalAsked, ("manager",), "approval_asked"),
        (EmployerApproved, ("applicant",), "employer_approved"),
    ],
)
async def test_a_fact_of_an_application_is_told_to_those_it_concerns(
    fact: type[ApplicationFact], told: tuple[str, ...], kind: str, world: World, settings: Settings
) -> None:
    application = await make_application(world)
    if fact is ApplicationWithdrawn:
        await change(_WITHDRAW, application, str(world.applicant))
    await happen(fact(application_id=application, **world.tenants), settings)
    notices = await notices_about(application)
    assert set(notices) == whom(world, *told)
    assert {found for found, _ in notices.values()} == {kind}
    assert all("ma motivation" not in text for _, text in notices.values())
    for person in notices:
        assert len(await mails_to(person)) == 1


@pytest.mark.parametrize(
    ("fact", "told", "kind"),
    [
        (HoursDeclared, MEMBERS, "hours_declared"),
        (HoursApproved, ("applicant",), "hours_approved"),
        (HoursRejected, ("applicant",), "hours_rejected"),
    ],
)
async def test_a_fact_of_hours_is_told_to_those_it_concerns(
    fact: type[HoursDeclared], told: tuple[str, ...], kind: str, world: World, settings: Settings
) -> None:
    hours = await make_hours(await make_application(world))
    await happen(fact(hours_id=hours, **world.tenants), settings)
    notices = await notices_about(hours)
    assert set(notices) == whom(world, *told)
    assert all("1\u00a0h\u00a030" in text for _, text in notices.values())
    assert {found for found, _ in notices.values()} == {kind}


async def test_a_missions_managers_are_told_in_place_of_every_member(
    world: World, settings: Settings
) -> None:
    application = await make_application(world)
    await change(
        """UPDATE mission SET managers = ARRAY[$2::uuid]
           WHERE id = (SELECT mission_id FROM application WHERE id = $1)""",
        application,
        world.coordinator,
    )
    await happen(ApplicationSubmitted(application_id=application, **world.tenants), settings)
    assert set(await notices_about(application)) == {world.coordinator}


async def test_a_lower_figure_is_brought_to_its_author_while_it_waits(
    world: World, settings: Settings
) -> None:
    hours = await make_hours(await make_application(world))
    await change(
        "UPDATE hours_entry SET (state, minutes, state_reason) = ('lowered', 60, 'Une heure.') WHERE id = $1",
        hours,
    )
    await happen(HoursLowered(hours_id=hours, **world.tenants), settings)
    notices = await notices_about(hours)
    assert set(notices) == {world.applicant}
    for said in ("1\u00a0h au lieu", "1\u00a0h\u00a030", "Une heure."):
        assert said in notices[world.applicant][1]


async def test_confirmed_hours_are_brought_to_the_manager_while_they_wait(
    world: World, settings: Settings
) -> None:
    hours = await make_hours(await make_application(world))
    await happen(HoursConfirmed(hours_id=hours, **world.tenants), settings)
    assert await notices_about(hours) == {}
    await change(CONFIRMED, hours, world.coordinator)
    await happen(HoursConfirmed(hours_id=hours, **world.tenants), settings)
    assert set(await notices_about(hours)) == {world.manager}


@pytest.mark.parametrize("gone", [None, "manager", "hr"])
async def test_without_a_manager_hr_decides_and_without_hr_an_administrator(
    gone: str | None, world: World, settings: Settings
) -> None:
    application = await make_application(world, managed=gone is not None)
    if gone:
        await change("UPDATE employee SET active = false WHERE person_id = $1", world.manager)
    if gone == "hr":
        await change("UPDATE employee SET active = false WHERE person_id = $1", world.hr)
    await happen(EmployerApprovalAsked(application_id=application, **world.tenants), settings)
    assert set(await notices_about(application)) == {world.admin if gone == "hr" else world.hr}


async def test_a_decision_already_made_is_not_asked_for(world: World, settings: Settings) -> None:
    application = await make_application(world)
    await change("UPDATE application SET employer_approval = 'approved' WHERE id = $1", application)
    await happen(EmployerApprovalAsked(application_id=application, **world.tenants), settings)
    assert await notices_about(application) == {}


async def test_of_personal_time_the_employer_is_told_nothing(world: World, settings: Settings) -> None:
    application = await make_application(world, "personal_time")
    hours = await make_hours(application)
    await change(CONFIRMED, hours, world.coordinator)
    for fact in (
        EmployerApprovalAsked(application_id=application, **world.tenants),
        HoursConfirmed(hours_id=hours, **world.tenants),
    ):
        await happen(fact, settings)
    for person in whom(world, "manager", "hr", "admin"):
        assert await mails_to(person) == []
    assert await notices_about(application) == await notices_about(hours) == {}


async def test_a_decline_tells_its_reason_although_it_was_reopened_since(
    world: World, settings: Settings
) -> None:
    application = await make_application(world)
    for state, reason in (("declined", "mission_filled"), ("submitted", None)):
        move = "UPDATE application SET (state, state_reason) = ($2, $3) WHERE id = $1"
        await change(move, application, state, reason)
    await happen(ApplicationDeclined(application_id=application, **world.tenants), settings)
    assert "toutes les places sont prises" in (await notices_about(application))[world.applicant][1]


@pytest.mark.parametrize(("before", "said"), [("pending", "n’a pas donné"), ("approved", "a retiré")])
async def test_a_refusal_tells_its_reason_to_the_applicant_alone(
    before: Literal["pending", "approved"], said: str, world: World, settings: Settings
) -> None:
    application = await make_application(world)
    await change(
        "UPDATE application SET state = 'employer_refused', employer_approval = 'refused', "
        "employer_reason = 'Trop de travail' WHERE id = $1",
        application,
    )
    tenants: dict[str, Any] = world.tenants
    await happen(EmployerRefused(application_id=application, before=before, **tenants), settings)
    notices = await notices_about(application)
    assert set(notices) == whom(world, "applicant", *MEMBERS)
    assert {person for person, (_, text) in notices.items() if "Trop de travail" in text} == {world.applicant}
    assert all(said in notices[person][1] for person in (world.applicant, world.owner))


async def test_the_mail_that_asks_an_employer_leads_to_the_page_where_they_answer(
    world: World, settings: Settings
) -> None:
    application = await make_application(world)
    await happen(EmployerApprovalAsked(application_id=application, **world.tenants), settings)
    async with operations() as connection:
        row = await connection.fetchrow("SELECT * FROM mail WHERE person_id = $1", world.manager)
    assert row["page"] == f"/approvals/{application}?company={world.company}"

    said = MailText(row["subject"], row["text"], row["language"], page=row["page"])
    written = compose(row["id"], row["to_address"], said, row["created_at"], settings)
    text, html = message_from_bytes(written, policy=default).iter_parts()
    link = f"{settings.public_url}{row['page']}"
    assert link in text.get_content().splitlines()
    assert f'<a href="{link}">Open in Maillon</a>' in html.get_content()


def test_a_subject_keeps_its_spaces_wherever_it_is_folded(settings: Settings) -> None:
    words = "Des heures d’Éloïse à confirmer pour «\u00a0Tenir la comptabilité des jardins\u00a0»"
    for subject in (words[start:].strip() for start in range(len(words) - 1)):
        written = compose(
            new_id(), "zoe@example.org", MailText(subject, "Bonjour.", "fr"), clock.now(), settings
        )
        read = message_from_bytes(written, policy=default)
        assert read["Subject"] == subject
        assert max(map(len, written.splitlines())) <= 78


async def test_each_reads_their_own_language(world: World, settings: Settings) -> None:
    application = await make_application(world)
    await happen(ApplicationSubmitted(application_id=application, **world.tenants), settings)
    notices = await notices_about(application)
    assert notices[world.owner][1].startswith("Nouvelle candidature pour «\u00a0Refaire le site\u00a0»\n")
    assert notices[world.coordinator][1].startswith("New application for “Refaire le site”\n")


async def test_a_work_address_learns_nothing_of_a_personal_time_mission(
    world: World, settings: Settings
) -> None:
    application = await make_application(world, "personal_time")
    await happen(ApplicationAccepted(application_id=application, **world.tenants), settings)
    ((address, text),) = await mails_to(world.applicant)
    assert address == f"{world.applicant}@work.example.com"
    assert "Refaire" not in text
    assert "Lac" not in text
    assert "Les Amis du Lac" in (await notices_about(application))[world.applicant][1]


async def test_an_address_of_ones_own_is_written_to_in_full(world: World, settings: Settings) -> None:
    own = f"zoe@{world.applicant}.example.org"
    await change(
        "INSERT INTO person_email (id, person_id, email, proved_at) VALUES (uuidv7(), $1, $2, now())",
        *(world.applicant, own),
    )
    application = await make_application(world, "personal_time")
    await happen(ApplicationAccepted(application_id=application, **world.tenants), settings)
    ((address, text),) = await mails_to(world.applicant)
    assert address == own
    assert "Les Amis du Lac" in text


async def test_a_person_without_any_address_still_gets_the_notice(world: World, settings: Settings) -> None:
    await change("UPDATE employee SET email = NULL WHERE person_id = $1", world.applicant)
    application = await make_application(world)
    await happen(ApplicationAccepted(application_id=application, **world.tenants), settings)
    assert set(await notices_about(application)) == {world.applicant}
    assert await mails_to(world.applicant) == []


async def test_who_published_a_mission_is_not_told_of_it(world: World, settings: Settings) -> None:
    mission = await make_mission(world)
    await change("UPDATE association SET state = 'verified' WHERE id = $1", world.association)
    async with operations() as connection:
        await connection.execute("SELECT set_config('app.person', $1, true)", str(world.owner))
        await connection.execute(
            "UPDATE mission SET state = 'published', published_at = now() WHERE id = $1", mission
        )
    await happen(MissionPublished(mission_id=mission, association_id=world.association), settings)
    assert set(await notices_about(mission)) == {world.coordinator}


async def test_a_rejected_mission_comes_back_with_its_reasons(world: World, settings: Settings) -> None:
    mission = await make_mission(world)
    await change("UPDATE mission SET (state, review_since) = ('submitted', now()) WHERE id = $1", mission)
    await change(
        "UPDATE mission SET state = 'rejected', state_reason = E'Trop vague\\nPas de date' WHERE id = $1",
        mission,
    )
    await happen(MissionRejected(mission_id=mission, association_id=world.association), settings)
    notices = await notices_about(mission)
    assert set(notices) == whom(world, *MEMBERS)
    assert "Les motifs indiqués\u00a0:\n– Trop vague\n– Pas de date" in notices[world.owner][1]


async def test_a_notice_tells_the_reason_of_the_decision_it_is_about(
    world: World, settings: Settings
) -> None:
    mission = await make_mission(world)
    submit = (
        "UPDATE mission SET (state, state_reason, review_since) = ('submitted', NULL, now()) WHERE id = $1"
    )
    reject = "UPDATE mission SET (state, state_reason) = ('rejected', $2) WHERE id = $1"
    await change(submit, mission)
    await change(reject, mission, "Trop vague")
    async with transaction(system(None, world.association)):
        await record(MissionRejected(mission_id=mission, association_id=world.association))
    async with operations() as connection:
        fact_id = await connection.fetchval(
            """UPDATE outbox SET relayed_at = now()
               WHERE id = (SELECT id FROM outbox WHERE fact = 'MissionRejected' ORDER BY id DESC LIMIT 1)
               RETURNING id"""
        )
        await connection.execute(
            "INSERT INTO reaction (id, fact_id, name, due_at) VALUES (uuidv7(), $1, 'tell_association', now())",
            fact_id,
        )
    with clock.at(clock.now() + timedelta(minutes=5)):
        async with operations() as connection:
            await connection.execute("SELECT set_config('app.now', $1, true)", clock.now().isoformat())
            await connection.execute(submit, mission)
            await connection.execute(reject, mission, "Pas de date")
            await connection.execute(submit, mission)
    await react("MissionRejected", fact_id, settings)

    text = (await notices_about(mission))[world.owner][1]
    assert "Trop vague" in text
    assert "Pas de date" not in text


@pytest.mark.parametrize(
    ("fact", "states", "says_why"),
    [
        (AssociationVerified, ["verified"], False),
        (AssociationRefused, ["refused"], True),
        (AssociationRefused, ["refused", "unverified"], True),
    ],
)
async def test_the_owners_learn_what_became_of_their_association_although_it_moved_on(
    fact: type[AssociationFact], states: list[str], says_why: bool, world: World, settings: Settings
) -> None:
    for state in states:
        move = "UPDATE association SET state = $2, state_reason = $3, review_since = now() WHERE id = $1"
        await change(move, world.association, state, "Sans statuts" if state == "refused" else None)
    await happen(fact(association_id=world.association), settings)
    notices = await notices_about(world.association)
    assert set(notices) == {world.owner}
    assert ("Sans statuts" in notices[world.owner][1]) is says_why


async def test_a_fact_reacted_to_twice_tells_once(world: World, settings: Settings) -> None:
    application = await make_application(world)
    fact_id = await happen(
        ApplicationAccepted(application_id=application, **world.tenants), settings, times=3
    )
    assert len(await notices_about(application)) == 1
    assert len(await mails_to(world.applicant)) == 1
    # Even where the completion itself was lost.
    await change("UPDATE reaction SET done_at = NULL WHERE fact_id = $1", fact_id)
    await react("ApplicationAccepted", fact_id, settings)
    assert len(await notices_about(application)) == 1
    assert len(await mails_to(world.applicant)) == 1


def test_every_fact_of_a_domain_has_a_reaction_and_every_kind_its_texts() -> None:
    ours = {name for name, fact in FACTS.items() if fact.__module__.startswith("api.") and not _is_base(fact)}
    assert ours == set(OWED)
    names = {path.name for path in TEMPLATES.iterdir()}
    wanted = {f"{kind}.{language}.txt" for kind in (*KINDS, "neutral") for language in ("fr", "en")}
    assert names == wanted | {"layout.html"}


def _is_base(fact: type[Fact]) -> bool:
    return bool(fact.__subclasses__())

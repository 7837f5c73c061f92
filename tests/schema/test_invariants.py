"""`maillon check` finds each violation, planted where nothing stops it."""

import os
import subprocess
import sys

import pytest
from litestar import Litestar

from api.core import audit, clock
from api.core.check import invariants, violations
from api.core.database import close_pools, open_pools
from api.core.settings import Settings
from tests.make.clone import cloned
from tests.make.served import served
from tests.make.world import World

PLANTED = {
    "places_are_counted": "UPDATE mission SET taken = 0",
    "ended_missions_left_nobody": """
        ALTER TABLE mission DROP CONSTRAINT mission_ended_has_no_live;
        UPDATE mission SET state = 'cancelled' WHERE live > 0""",
    "one_live_application": """
        DROP INDEX application_one_live;
        INSERT INTO application SELECT (jsonb_populate_record(p, jsonb_build_object('id', uuidv7()))).*
        FROM application p""",
    "nobody_waits_for_too_many": """
        ALTER TABLE application_cap DROP CONSTRAINT application_cap_positive;
        UPDATE application_cap SET most = 0;
        DROP INDEX application_one_live;
        UPDATE application SET state = 'submitted' WHERE employer_approval <> 'refused'""",
    "states_have_their_history": "DELETE FROM state_event WHERE to_state = 'accepted'",
    "approved_hours_are_posted": "UPDATE ledger_line SET minutes = minutes + 60",
    "ledger_is_in_order": "UPDATE ledger_line SET sequence = -sequence",
    "nobody_decides_alone": """
        ALTER TABLE hours_entry DROP CONSTRAINT hours_entry_not_confirmed_by_author;
        UPDATE hours_entry SET confirmed_by = person_id""",
    "tenants_agree": """
        UPDATE hours_entry SET company_id = uuidv7()""",
    "employer_word_is_kept": """
        ALTER TABLE application DROP CONSTRAINT application_done_is_settled;
        UPDATE application SET (employer_approval, approval_due_at, approval_asked_at) = ('pending', now(), '-infinity')
        WHERE regime = 'working_time'""",
    "allowances_are_counted": "UPDATE allowance SET used = used + 1 WHERE employee_id IS NULL",
    "engagements_reserve": "UPDATE reservation SET minutes = minutes + 1",
    "feedback_is_shown_by_fives": """
        INSERT INTO feedback (id, application_id, association_id, person_id, from_association, again, given_at)
        SELECT uuidv7(), uuidv7(), '00000000-0000-7000-8000-000000000000', uuidv7(), false, true, now()
        FROM generate_series(1, 5)""",
    "search_shows_what_is_published": "UPDATE mission_search SET places_left = places_left + 1",
    "hours_follow_the_engagement": "UPDATE application SET engaged_on = engaged_on + 1",
    "no_shows_worked_nothing": """
        DROP TRIGGER application_no_show ON application;
        UPDATE application SET state = 'no_show' WHERE state = 'accepted' AND employer_approval <> 'pending'""",
    "mails_are_told_once": """
        INSERT INTO mail (id, person_id, kind, to_address, language, subject, text, unique_key, not_before, created_at)
        SELECT uuidv7(), id, 'hours_approved', 'a@b.example', 'fr', '', '', 'alone', now(), now()
        FROM person LIMIT 1""",
    "leavers_hold_nothing": "UPDATE employee SET (active, deactivated_at) = (false, now())",
    "erased_hold_nothing": "UPDATE person SET erased_at = now()",
    "audit_chain_holds": "UPDATE audit_event SET actor_id = uuidv7() WHERE actor_kind = 'person'",
    "group_roles_follow_groups": "UPDATE employee SET group_roles = '{hr}'",
    "missions_name_known_skills": """UPDATE mission SET skills = '[{"skill": "nothing-here", "level": 2}]'""",
    "walls_stand": "ALTER TABLE application NO FORCE ROW LEVEL SECURITY",
}


@pytest.fixture
async def posted(app: Litestar, settings: Settings, environment: dict[str, str]) -> None:
    """One engagement whose hours are posted, so that every invariant has something to say."""
    async with served(app, settings) as client:
        world = World(client, environment)
        association, company = await world.association(), await world.company()
        employee, application = await world.engagement(association, company)
        path = f"/v1/applications/{application['id']}/hours"
        day = clock.today("Europe/Paris").isoformat()
        entry = await world.ok(employee, "POST", path, {"worked_on": day, "minutes": 60})
        await world.ok(association.owner, "POST", f"/v1/hours/{entry['id']}/confirm")
        await audit.seal()


def test_each_invariant_has_its_planted_violation() -> None:
    assert PLANTED.keys() == invariants().keys()


@pytest.mark.usefixtures("posted")
async def test_every_planted_violation_is_found(environment: dict[str, str]) -> None:
    found = {name: await _found(environment, planted) for name, planted in PLANTED.items()}

    assert {name: name in names for name, names in found.items()} == dict.fromkeys(PLANTED, True)


async def _found(environment: dict[str, str], *planted: str) -> set[str]:
    async with cloned(environment, *planted) as settings:
        await open_pools(settings)
        names = {violation.invariant for violation in await violations()}
        await close_pools()
    return names


@pytest.mark.usefixtures("posted")
async def test_the_command_exits_1_with_the_rows_and_0_without(environment: dict[str, str]) -> None:
    async with cloned(environment) as sound:
        assert _check(environment, sound)[0] == 0
    async with cloned(environment, PLANTED["approved_hours_are_posted"]) as broken:
        code, printed = _check(environment, broken)

    assert code == 1
    assert '"invariant":"approved_hours_are_posted"' in printed


def _check(environment: dict[str, str], settings: Settings) -> tuple[int, str]:
    urls = {
        "MAILLON_DATABASE_URL": settings.database_url,
        "MAILLON_DATABASE_OPS_URL": str(settings.database_ops_url),
    }
    command = [sys.executable, "-m", "api.cli", "check"]
    ran = subprocess.run(
        command, env=os.environ | environment | urls, capture_output=True, text=True, check=False
    )
    return ran.returncode, ran.stdout

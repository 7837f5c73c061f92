"""What the database itself refuses of missions, to the application's own role, whatever the code forgot."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from litestar import Litestar

from api.applications.clockwork import complete_due_missions, start_due_missions
from api.core import clock
from api.core.actor import Actor
from api.core.database import transaction
from api.core.ids import new_id
from api.missions import lifecycle, rules, wording
from tests.api.core.asking import assert_problem
from tests.api.test_mission_scoping import edit, mission_path
from tests.make.clone import cloned
from tests.make.gate import held, until_waiting
from tests.make.served import served
from tests.make.world import Association, World

REASON = {"reason": "Une mission décrivait un emploi salarié."}
REASONS = {"reasons": [REASON["reason"]]}
STRANGER = new_id()
Play = Callable[[World, dict[str, str]], Awaitable[None]]


def member(association: Association) -> Actor:
    return Actor(person_id=STRANGER, memberships={UUID(association.id): "coordinator"})


async def write(actor: Actor, sql: str, *given: Any) -> None:
    async with transaction(actor) as connection:
        assert await connection.execute(sql, *given) == "UPDATE 1"


async def move(actor: Actor, mission: dict[str, Any], state: str, **columns: Any) -> None:
    """Move a mission past all code, as the application's role."""
    if state == "published":
        columns.setdefault("published_at", "now")
    named = "".join(f", {name} = '{value}'" for name, value in columns.items())
    await write(actor, f"UPDATE mission SET state = $2{named} WHERE id = $1", UUID(mission["id"]), state)


def refused(name: str) -> Any:
    return pytest.raises(asyncpg.CheckViolationError, match=name)


@pytest.fixture(autouse=True)
def named(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let an error say its constraint, which its message does not."""
    monkeypatch.setattr(
        asyncpg.CheckViolationError,
        "__str__",
        lambda error: error.constraint_name,
    )


async def test_a_moderator_alone_publishes_for_an_unverified_association(world: World) -> None:
    association = await world.association(verified=False)
    submitted, draft = (
        await world.mission(association),
        await world.mission(association, publish=False),
    )
    member_and_moderator = Actor(
        person_id=STRANGER,
        memberships={UUID(association.id): "coordinator"},
        roles=frozenset({"moderator"}),
    )
    for actor in (member(association), member_and_moderator):
        for mission in (submitted, draft):
            with refused("mission_published_by_moderator"):
                await move(actor, mission, "published")
    await move(Actor(person_id=STRANGER, roles=frozenset({"moderator"})), submitted, "published")
    assert (await world.ok(None, "GET", mission_path(submitted)))["state"] == "published"


async def test_a_moderator_alone_lifts_a_moderators_pause(world: World) -> None:
    association, moderator = await world.association(), await world.moderator()
    mission = await world.mission(association)
    await world.ok(moderator, "POST", mission_path(mission, "pause"))
    for state in ("published", "paused"):
        with refused("mission_held_by_moderation"):
            await move(member(association), mission, state, state_reason="")
    await move(
        Actor(person_id=STRANGER, roles=frozenset({"moderator"})), mission, "published", state_reason=""
    )
    assert (await world.ok(None, "GET", mission_path(mission)))["state"] == "published"


async def test_a_moderator_alone_decides_on_what_is_contested(world: World) -> None:
    association, moderator = (
        await world.association(),
        Actor(person_id=STRANGER, roles=frozenset({"moderator"})),
    )
    mission = await world.mission(association)
    contest = {"summary": "Appelez le 06 12 34 56 78", "ask_review": True}
    assert (await edit(world, association.owner, mission, **contest)).json()["state"] == "paused"
    for actor in (member(association), moderator):
        with refused("mission_contested_is_not_public"):
            await move(actor, mission, "published", state_reason="")
    with refused("mission_contested_until_read"):
        await move(member(association), mission, "published", state_reason="", review_reasons="{}")
    await move(moderator, mission, "published", state_reason="", review_reasons="{}")
    assert (await world.ok(None, "GET", mission_path(mission)))["state"] == "published"


async def test_the_rules_that_are_contested_are_the_same_in_code_and_in_the_database(world: World) -> None:
    async with transaction(member(await world.association())) as connection:
        for rule in (*wording.CONTESTABLE, "edited", "unverified"):
            contested = await connection.fetchval("SELECT is_contested($1)", [rule])
            assert contested == (rule in wording.CONTESTABLE)


async def test_nothing_is_resumed_or_submitted_while_the_association_is_suspended(world: World) -> None:
    association, moderator = await world.association(), await world.moderator()
    mission, draft = await world.mission(association), await world.mission(association, publish=False)
    await world.ok(moderator, "POST", f"/v1/associations/{association.id}/suspend", REASON)
    with refused("mission_of_living_association"):
        await move(member(association), mission, "published")
    with refused("mission_of_living_association"):
        await move(member(association), draft, "submitted", review_since="now")
    states = [
        (await world.ok(association.owner, "GET", mission_path(each)))["state"] for each in (mission, draft)
    ]
    assert states == ["paused", "draft"]


async def test_nothing_starts_with_a_place_that_is_offered(world: World) -> None:
    association = await world.association()
    mission = await world.mission(association)
    first, second = [world.employee(await world.company(approval="automatic")) for _ in range(2)]
    paths = [
        f"/v1/applications/{(await world.application(token, mission))['id']}" for token in (first, second)
    ]
    await world.ok(association.owner, "POST", f"{paths[0]}/accept")
    await world.ok(association.owner, "POST", f"{paths[1]}/waitlist")
    await world.ok(first, "POST", f"{paths[0]}/withdraw", {"reason": "other"})

    answer = await world.call(association.owner, "POST", mission_path(mission, "start"))
    with refused("mission_started_with_somebody"):
        await move(member(association), mission, "in_progress")

    assert (await world.ok(second, "GET", paths[1]))["state"] == "offered"
    assert_problem(answer, 409, "nobody-accepted")


async def test_a_mission_whose_only_work_is_done_before_its_first_day_still_ends(world: World) -> None:
    association, company = await world.association(), await world.company(approval="automatic")
    employee = world.employee(company)
    day = (clock.today("Europe/Paris") + timedelta(days=5)).isoformat()
    mission = await world.mission(association, starts_on=day, ends_on=day)
    path = f"/v1/applications/{(await world.application(employee, mission))['id']}"
    await world.ok(association.owner, "POST", f"{path}/accept")
    await world.ok(association.owner, "POST", f"{path}/complete")

    with clock.at(clock.now() + timedelta(days=5, hours=20)):
        await start_due_missions()
    with clock.at(clock.now() + timedelta(days=7)):
        await complete_due_missions()

    assert (await world.ok(association.owner, "GET", f"/v1/missions/{mission['id']}"))["state"] == "completed"


async def test_an_association_is_not_refused_over_live_missions(world: World) -> None:
    association = await world.association(verified=False)
    await world.mission(association)
    with refused("association_refused_without_missions"):
        await write(
            Actor(person_id=STRANGER, roles=frozenset({"moderator"})),
            "UPDATE association SET state = 'refused' WHERE id = $1",
            UUID(association.id),
        )
    home = f"/v1/associations/{association.id}"
    assert (await world.ok(association.owner, "GET", home))["state"] == "unverified"


@pytest.mark.parametrize(
    ("change", "name"),
    [
        ("effort_minutes = 599", "mission_effort_of_format"),
        ("effort_minutes = 24001", "mission_effort_of_format"),
        ("places = 51", "mission_places_of_format"),
        ("ends_on = starts_on + 184", "mission_days_of_format"),
        ("format = 'short'", "mission_effort_of_format"),
        ("format = 'team_day', effort_minutes = 300", "mission_places_of_format"),
        ("format = 'team_day', effort_minutes = 300, places = 2", "mission_days_of_format"),
    ],
)
async def test_a_mission_keeps_within_its_format_once_it_is_submitted(
    world: World, change: str, name: str
) -> None:
    association = await world.association()
    mission, draft = await world.mission(association), await world.mission(association, publish=False)
    sql = f"UPDATE mission SET {change} WHERE id = $1"
    await write(member(association), sql, UUID(draft["id"]))
    with refused(name):
        await write(member(association), sql, UUID(mission["id"]))
    with refused(name):
        await move(member(association), draft, "published")
    kept = await world.ok(association.owner, "GET", mission_path(mission))
    assert kept == mission


async def test_the_bounds_of_formats_are_the_same_in_code_and_in_the_database(world: World) -> None:
    async with transaction(member(await world.association())) as connection:
        for name, bounds in rules.FORMATS.items():
            row = await connection.fetchrow("SELECT * FROM format_bounds($1)", name)
            assert tuple(row) == (*bounds.effort, *bounds.places, bounds.days)


async def test_what_the_database_refuses_is_told_as_the_code_does(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    association, moderator = await world.association(), await world.moderator()
    mission = await world.mission(association)
    await world.ok(moderator, "POST", f"/v1/associations/{association.id}/suspend", REASON)

    async def anything(*_: Any) -> str:
        return "verified"

    monkeypatch.setattr(lifecycle, "_require_open", anything)
    resumed = await world.call(association.owner, "POST", mission_path(mission, "resume"))
    document = assert_problem(resumed, 409, "wrong-state")
    assert document["detail"] == "C’est l’état de l’association qui ne le permet pas."


async def test_a_publication_meets_a_suspension(world: World, environment: dict[str, str]) -> None:
    """Past all code: nobody has locked the association before the mission is written."""
    association, moderator = await world.association(), await world.moderator()
    draft = await world.mission(association, publish=False)
    home = f"/v1/associations/{association.id}"
    async with held(environment, "association", association.id) as gate:
        suspended = asyncio.create_task(world.call(moderator, "POST", f"{home}/suspend", REASON))
        await until_waiting(gate, 1)
        published = asyncio.create_task(move(member(association), draft, "published"))
        await until_waiting(gate, 2)
    answers = await asyncio.gather(suspended, published, return_exceptions=True)
    assert isinstance(answers[1], asyncpg.CheckViolationError)
    assert (await world.ok(association.owner, "GET", mission_path(draft)))["state"] == "draft"


async def test_publications_and_suspensions_race(world: World) -> None:
    association, moderator = await world.association(), await world.moderator()
    drafts = [await world.mission(association, publish=False) for _ in range(6)]
    home = f"/v1/associations/{association.id}"
    await asyncio.gather(
        *(move(member(association), draft, "published") for draft in drafts),
        world.ok(moderator, "POST", f"{home}/suspend", REASON),
        return_exceptions=True,
    )
    assert (await world.ok(moderator, "GET", home))["state"] == "suspended"
    assert (await world.ok(None, "GET", f"/v1/missions?association={association.id}"))["items"] == []


async def test_a_submission_meets_a_refusal(world: World, environment: dict[str, str]) -> None:
    """Past all code: an association that is refused has nothing left that waits for a moderator."""
    association, moderator = await world.association(verified=False), await world.moderator()
    draft = await world.mission(association, publish=False)
    async with held(environment, "association", association.id) as gate:
        refusal = world.call(moderator, "POST", f"/v1/associations/{association.id}/refuse", REASONS)
        refusing = asyncio.create_task(refusal)
        await until_waiting(gate, 1)
        submitted = asyncio.create_task(move(member(association), draft, "submitted", review_since="now"))
        await until_waiting(gate, 2)
    answers = await asyncio.gather(refusing, submitted, return_exceptions=True)
    assert isinstance(answers[1], asyncpg.CheckViolationError)
    assert (await world.ok(association.owner, "GET", mission_path(draft)))["state"] == "draft"


async def one_accepted(world: World) -> tuple[Association, dict[str, Any], Any, Any]:
    """Give a mission with one person accepted, its start, and that person's withdrawal."""
    association = await world.association()
    mission = await world.mission(association)
    employee = world.employee(await world.company(approval="automatic"))
    path = f"/v1/applications/{(await world.application(employee, mission))['id']}"
    await world.ok(association.owner, "POST", f"{path}/accept")
    start = world.call(association.owner, "POST", mission_path(mission, "start"))
    return association, mission, start, world.call(employee, "POST", f"{path}/withdraw", {"reason": "other"})


async def test_a_start_meets_the_withdrawal_of_the_only_one(
    world: World, environment: dict[str, str]
) -> None:
    association, mission, start, withdrawal = await one_accepted(world)
    async with held(environment, "mission", mission["id"]) as gate:
        withdrawn = asyncio.create_task(withdrawal)
        await until_waiting(gate, 1)
        started = asyncio.create_task(start)
        await until_waiting(gate, 2)
    assert (await withdrawn).status_code == 200
    assert_problem(await started, 409, "nobody-accepted")
    assert (await world.ok(association.owner, "GET", mission_path(mission)))["state"] == "published"


async def test_starts_and_withdrawals_race(world: World) -> None:
    for _ in range(6):
        association, mission, start, withdrawal = await one_accepted(world)
        started, withdrawn = await asyncio.gather(start, withdrawal)

        assert (started.status_code, withdrawn.status_code) in ((200, 200), (409, 200))
        shown = await world.ok(association.owner, "GET", mission_path(mission))
        assert shown["state"] == ("in_progress" if started.status_code == 200 else "published")
        assert shown["places_left"] == shown["places"]


@pytest.mark.parametrize(
    ("guard", "play"),
    [
        ("mission_of_living_association", test_a_publication_meets_a_suspension),
        ("mission_of_living_association", test_a_submission_meets_a_refusal),
        ("mission_started_with_somebody", test_a_start_meets_the_withdrawal_of_the_only_one),
    ],
)
async def test_without_its_guard_it_goes_wrong(
    app: Litestar, environment: dict[str, str], guard: str, play: Play
) -> None:
    guard = f"DROP TRIGGER {guard} ON mission"
    async with cloned(environment, guard) as settings, served(app, settings) as client:
        owner = settings.database_url.replace("//maillon_app@", "//maillon_owner@")
        with pytest.raises((AssertionError, TimeoutError)):
            await play(World(client, environment), environment | {"MAILLON_DATABASE_OWNER_URL": owner})


@pytest.mark.parametrize(
    "guard",
    [
        "DROP TRIGGER mission_contested_until_read ON mission",
        "ALTER TABLE mission DROP CONSTRAINT mission_contested_is_not_public",
    ],
)
async def test_without_its_guard_what_is_contested_is_public(
    app: Litestar, environment: dict[str, str], guard: str
) -> None:
    async with cloned(environment, guard) as settings, served(app, settings) as client:
        with pytest.raises(pytest.fail.Exception, match="DID NOT RAISE"):
            await test_a_moderator_alone_decides_on_what_is_contested(World(client, environment))

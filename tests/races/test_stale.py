"""What a lock is for: with an application as it was before the wait, each of the two-session plays goes wrong."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from functools import partial
from typing import Any, NamedTuple
from uuid import UUID

import asyncpg
import pytest
import pytest_asyncio
from litestar import Litestar

from api.applications import answers, clockwork, employer, moves, service
from api.applications.clockwork import expire_unanswered
from api.applications.tables import Application
from api.core import clock
from api.core.actor import Actor
from api.core.database import Connection, found
from tests.make.clone import cloned
from tests.make.gate import held, until_waiting
from tests.make.served import served
from tests.make.world import World
from tests.races import test_endings as endings
from tests.races import test_offers as offers
from tests.races import test_pairs as pairs
from tests.races import test_places as places
from tests.races import test_waitlist as waitlist
from tests.races.test_endings import engaged, one_after_the_other

REASON = {"reason": "other"}
Play = Callable[[World, dict[str, str]], Awaitable[None]]
MEETING = offers.test_a_place_is_freed_while_another_is_confirmed_while_it_expires


async def test_a_withdrawal_meets_an_acceptance(world: World, environment: dict[str, str]) -> None:
    association, mission, employee, path = await engaged(world)
    answered = await one_after_the_other(
        world,
        environment,
        mission,
        world.call(employee, "POST", f"{path}/withdraw", REASON),
        world.call(association.owner, "POST", f"{path}/accept"),
    )
    assert [answer.status_code for answer in answered] == [200, 409]
    assert (await world.ok(employee, "GET", path))["state"] == "withdrawn"


async def test_a_departure_meets_an_acceptance(world: World, environment: dict[str, str]) -> None:
    association, company = await world.association(), await world.company(approval="automatic")
    mission, employee = await world.mission(association), world.employee(company)
    path = f"/v1/applications/{(await world.application(employee, mission))['id']}"
    job = (await world.ok(employee, "GET", "/v1/me"))["employments"][0]["employee_id"]
    answered = await one_after_the_other(
        world,
        environment,
        mission,
        world.call(company.admin, "POST", f"/v1/companies/{company.id}/employees/{job}/deactivate"),
        world.call(association.owner, "POST", f"{path}/accept"),
    )
    assert [answer.status_code for answer in answered] == [200, 409]
    assert (await world.ok(association.owner, "GET", path))["state"] == "withdrawn"


async def test_one_person_applies_twice_at_the_same_moment(world: World, environment: dict[str, str]) -> None:
    association, company = await world.association(), await world.company()
    mission, employee = await world.mission(association), world.employee(company)
    job = (await world.ok(employee, "GET", "/v1/me"))["employments"][0]["employee_id"]
    path = f"/v1/missions/{mission['id']}/applications"
    async with held(environment, "employee", job) as gate:
        both = [
            asyncio.create_task(world.call(employee, "POST", path, {"regime": "working_time"}))
            for _ in range(2)
        ]
        await until_waiting(gate, 2)
    assert Counter(answer.status_code for answer in await asyncio.gather(*both)) == {201: 1, 409: 1}


async def test_places_managers_leavers_and_the_clock_race(world: World) -> None:
    association, company = await world.association(), await world.company(approval="hr")
    mission = await world.mission(association, places=4)
    tokens = [world.employee(company) for _ in range(8)]
    paths = [f"/v1/applications/{(await world.application(token, mission))['id']}" for token in tokens]
    jobs = [(await world.ok(token, "GET", "/v1/me"))["employments"][0]["employee_id"] for token in tokens[:2]]
    url = f"/v1/missions/{mission['id']}"
    tag = (await world.call(association.owner, "GET", url)).headers["etag"]
    employees = f"/v1/companies/{company.id}/employees"
    answered = await asyncio.gather(
        *(world.call(association.owner, "POST", f"{path}/accept") for path in paths),
        *(world.call(association.owner, "PATCH", url, {"places": n}, if_match=tag) for n in (2, 3)),
        *(world.call(company.admin, "POST", f"{path}/approve") for path in paths),
        *(world.call(company.admin, "POST", f"{path}/refuse", REASON) for path in paths[2:]),
        *(world.call(company.admin, "POST", f"{employees}/{job}/deactivate") for job in jobs),
        _expire(8),
    )
    assert {answer.status_code for answer in answered if answer} <= {200, 409, 412}
    ended = [await world.ok(association.owner, "GET", path) for path in paths]
    assert all(
        (one["employer_approval"] == "refused") == (one["state"] == "employer_refused") for one in ended
    )
    assert not {one["state"] for one in ended[:2]} & {"submitted", "accepted"}
    holding = sum(one["state"] == "accepted" for one in ended)
    shown = await world.ok(association.owner, "GET", url)
    assert shown["places"] - shown["places_left"] == holding <= shown["places"]


async def _expire(days: int) -> None:
    with clock.at(clock.now() + timedelta(days=days)):
        await expire_unanswered()


# The database's own guards go too: without them a stale look is a wrong state, with them a refusal.
_EDGES = """
    INSERT INTO state_edge (object, from_state, to_state)
    SELECT DISTINCT 'application', one.to_state, other.to_state FROM state_edge one, state_edge other
    WHERE one.object = 'application' AND other.object = 'application' ON CONFLICT DO NOTHING
"""
_REVIVED = "DROP TRIGGER application_again_of_active_employee ON application"
_UNCOUNTED = "ALTER TABLE mission DROP CONSTRAINT mission_places_not_oversold"


class Mutant(NamedTuple):
    """A world without a guard."""

    world: World
    environment: dict[str, str]


async def _stale(connection: Connection, application_id: UUID, actor: Actor) -> asyncpg.Record:
    """Lock as `moves.lock`, but give the row as it was before the wait."""
    before = await connection.fetchrow("SELECT * FROM application WHERE id = $1", application_id)
    await moves.lock(connection, application_id, actor)
    return found(before)


async def _anyway(present: asyncpg.Record, **columns: Any) -> None:
    """Write as `moves.change`, whatever the state is by now."""
    await Application.update(dict[Any, Any](columns)).where(Application.id == present["id"])


@pytest_asyncio.fixture
async def stale(
    app: Litestar, environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Mutant]:
    for module in (answers, clockwork, employer, service):
        monkeypatch.setattr(module, "lock", _stale)
    for changing in (moves, clockwork, employer):
        monkeypatch.setattr(changing, "change", _anyway)
    async with cloned(environment, _EDGES, _UNCOUNTED, _REVIVED) as settings, served(app, settings) as client:
        owner = settings.database_url.replace("//maillon_app@", "//maillon_owner@")
        copied = environment | {"MAILLON_DATABASE_OWNER_URL": owner}
        yield Mutant(World(client, environment), copied)


def without_environment(race: Callable[[World], Awaitable[None]]) -> Play:
    """Make a play of a race, which nobody's hand lines up."""

    async def play(world: World, _: dict[str, str]) -> None:
        await race(world)

    return play


@pytest.mark.parametrize(
    "play",
    [
        test_a_withdrawal_meets_an_acceptance,
        test_a_departure_meets_an_acceptance,
        endings.test_a_cancellation_meets_an_acceptance,
        partial(endings.test_a_manager_agrees_while_hr_refuses, first="manager"),
        partial(endings.test_a_manager_agrees_while_hr_refuses, first="hr"),
        endings.test_hr_refuses_while_a_manager_agrees,
        partial(waitlist.test_an_offer_is_confirmed_while_it_expires, first="confirm"),
        partial(waitlist.test_an_offer_is_confirmed_while_it_expires, first="expire"),
        *(partial(MEETING, order=order) for order in offers.ORDERS),
        without_environment(pairs.test_acceptances_and_withdrawals_at_once),
        without_environment(pairs.test_acceptances_and_the_mission_s_cancellation_at_once),
        without_environment(pairs.test_a_manager_and_hr_decide_at_once_and_one_of_them_has),
    ],
)
async def test_without_a_fresh_look_it_goes_wrong(stale: Mutant, play: Play) -> None:
    with pytest.raises(AssertionError):
        await play(stale.world, stale.environment)


_UNLIMITED = """
    CREATE OR REPLACE FUNCTION offer_places(of_mission uuid, deadline timestamptz)
        RETURNS TABLE (application_id uuid, association_id uuid, company_id uuid)
        LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
        UPDATE application SET state = 'offered', offer_expires_at = deadline
        WHERE mission_id = of_mission AND state = 'waitlisted' RETURNING id, association_id, company_id
    $$
"""


@pytest.mark.parametrize(
    ("guard", "play"),
    [
        (_UNLIMITED, waitlist.test_two_withdrawals_promote_two_people_in_order),
        (_UNLIMITED, partial(MEETING, order=offers.ORDERS[0])),
        (_UNCOUNTED, partial(endings.test_an_acceptance_meets_fewer_places, first="accept")),
        (_UNCOUNTED, partial(endings.test_an_acceptance_meets_fewer_places, first="lower")),
        (_UNCOUNTED, places.test_two_acceptances_meet_on_the_last_place),
        ("DROP INDEX application_one_live", test_one_person_applies_twice_at_the_same_moment),
    ],
)
async def test_without_its_guard_in_the_database_it_goes_wrong(
    app: Litestar, environment: dict[str, str], guard: str, play: Play
) -> None:
    async with cloned(environment, guard) as settings, served(app, settings) as client:
        owner = settings.database_url.replace("//maillon_app@", "//maillon_owner@")
        with pytest.raises(AssertionError):
            await play(World(client, environment), environment | {"MAILLON_DATABASE_OWNER_URL": owner})

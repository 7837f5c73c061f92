"""What an association answered stands: figures counted by hand, through reopenings, ends and moved dates."""

import asyncio
import time
from datetime import timedelta
from typing import Any
from uuid import UUID

from api.applications.clockwork import expire_unanswered, remind_of_replies
from api.core import clock
from tests.api.test_replies import applied, facts, path
from tests.faults.month import lasting
from tests.make.gate import held, until_waiting
from tests.make.world import Association, World

DECLINE = {"reason": "other"}


class Played:
    """An association whose clock is moved, and what it shows of itself."""

    def __init__(self, world: World, association: Association, owner: str) -> None:
        self.world, self.association, self.owner = world, association, owner

    async def act(self, days: float, application: dict[str, Any], act: str, body: Any = None) -> None:
        """Let the association do something so many days from now."""
        with clock.at(clock.now() + timedelta(days=days)):
            await self.world.ok(self.owner, "POST", path(application, act), body)

    async def figures(self, days: float) -> tuple[float | None, int | None]:
        """Give the rate and the median, in days, as anyone reads them so many days from now."""
        with clock.at(clock.now() + timedelta(days=days)):
            await expire_unanswered()
            shown = await self.world.ok(None, "GET", f"/v1/associations/{self.association.id}")
        median = shown["reply_median_minutes"]
        return shown["reply_rate"], None if median is None else round(median / 1440)


async def played(world: World, count: int, **fields: Any) -> tuple[Played, list[dict[str, Any]], list[str]]:
    """Give an association with so many applications, each to a mission of its own, and the tokens of who applied."""
    association = await world.association()
    made = [await applied(world, association, **fields) for _ in range(count)]
    owner = await lasting(world, association.owner)
    return Played(world, association, owner), [one for _, one in made], [token for token, _ in made]


async def test_a_missed_reply_stays_missed_though_it_is_reopened_and_answered(world: World) -> None:
    it, made, _ = await played(world, 5)
    for application in made[:4]:
        await it.act(2, application, "decline", DECLINE)
    assert await it.figures(8) == (0.8, 2)
    await it.act(9, made[4], "reopen")
    assert await it.figures(9) == (0.8, 2)
    await it.act(10, made[4], "accept")
    # By then: four after 2 days, one after 10, which had been missed.
    assert await it.figures(11) == (0.8, 2)


async def test_a_reply_in_time_keeps_its_first_delay_though_it_is_reopened(world: World) -> None:
    it, made, _ = await played(world, 5)
    for application in made:
        await it.act(1, application, "decline", DECLINE)
    for application in made[:3]:
        await it.act(5, application, "reopen")
    assert await it.figures(6) == (1.0, 1)
    await it.act(6, made[0], "accept")
    assert await it.figures(7) == (1.0, 1)
    # Two that were reopened are never answered again: that is missed twice, the first answers stand in the median.
    assert await it.figures(13) == (0.6, 1)


async def test_what_expires_with_its_mission_is_missed_and_what_ends_otherwise_is_not(world: World) -> None:
    it, made, tokens = await played(world, 8, places=3)
    for application in made[:4]:
        await it.act(3, application, "decline", DECLINE)
    await world.ok(tokens[4], "POST", path(made[4], "withdraw"), {"reason": "not_available"})
    cancel = f"/v1/missions/{made[5]['mission_id']}/cancel"
    await world.ok(it.owner, "POST", cancel, {"reason": "Annulée."})
    assert await it.figures(4) == (None, None)

    company = await world.company(approval="automatic")
    beside = await world.application(world.employee(company), {"id": made[6]["mission_id"]})
    await it.act(3, beside, "accept")
    mission = f"/v1/missions/{made[6]['mission_id']}"
    with clock.at(clock.now() + timedelta(days=4)):
        for act in ("start", "complete"):
            await world.ok(it.owner, "POST", f"{mission}/{act}")
    shown = await world.ok(it.owner, "GET", path(made[6]))
    assert (shown["state"], shown["reason"]) == ("expired", "mission_completed")
    # Five after 3 days, one missed; the withdrawn, the cancelled and the one that still waits are none of them.
    assert await it.figures(5) == (0.833, 3)
    # The last one is missed by the clock.
    assert await it.figures(8) == (0.714, 3)


async def test_what_was_missed_counts_though_it_is_withdrawn_or_shortlisted_late(world: World) -> None:
    days: dict[str, Any] = {"starts_on": str(clock.today("Europe/Paris") + timedelta(days=40))}
    it, made, _ = await played(world, 6, **days)
    company = await world.company(approval="automatic")
    token = world.employee(company, exp=int(time.time()) + 10 * 86_400)
    late = await world.application(token, await world.mission(it.association, **days))
    for application in made[:5]:
        await it.act(1, application, "decline", DECLINE)
    with clock.at(clock.now() + timedelta(days=7.5)):
        await world.ok(token, "POST", path(late, "withdraw"), {"reason": "not_available"})
        await world.ok(it.owner, "POST", path(made[5], "shortlist"))
        assert (await world.ok(it.owner, "POST", path(made[5], "accept")))["state"] == "accepted"
    assert await it.figures(8) == (0.714, 1)


async def test_reminders_are_counted_from_when_the_date_was_set(world: World) -> None:
    it, (application,), _ = await played(world, 1)
    await it.act(0, application, "decline", DECLINE)
    await it.act(6, application, "reopen")
    counts = []
    for days in (6.1, 9.4, 9.6, 11.9, 12.1, 12.2):
        with clock.at(clock.now() + timedelta(days=days)):
            await remind_of_replies()
        counts.append((await facts(application)).count("ReplyReminded"))
    assert counts == [0, 0, 1, 1, 2, 2]


async def test_a_reminder_looks_again_once_it_has_the_lock(world: World, environment: dict[str, str]) -> None:
    _, (application,), _ = await played(world, 1)
    with clock.at(clock.now() + timedelta(days=4)):
        async with held(environment, "application", application["id"]) as gate:
            reminding = asyncio.create_task(remind_of_replies())
            await until_waiting(gate, 1)
            moved = "UPDATE application SET reply_due_at = $2::timestamptz + interval '7 days' WHERE id = $1"
            await gate.execute("SELECT set_config('app.now', $1, true)", clock.now().isoformat())
            await gate.execute(moved, UUID(application["id"]), clock.now())
        await reminding
    assert "ReplyReminded" not in await facts(application)

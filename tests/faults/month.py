"""Weeks of simulated life: who publishes, applies, answers or says nothing, and a worker that may be away."""

import asyncio
from collections import Counter
from contextlib import suppress
from datetime import timedelta
from random import Random
from typing import Any, NamedTuple

from arq.worker import Retry

from api.core import clock
from api.core.database import operations
from api.core.settings import Settings
from api.identity import service as identity
from tests.make.world import Association, Company, World
from workers.relay import Queue, relay
from workers.runner import run_reaction
from workers.schedule import ENTRIES

LIVELY, WHOLE = 21, 38
"""Days on which people act, and days until everything must have ended."""
AWAY = range(10, 17)
"""Days on which no worker runs."""
POLICIES: tuple[dict[str, Any], ...] = (
    {"approval": "automatic"},
    {"approval": "hr", "approval_silence": "approve", "approval_days": 3},
    {"approval": "hr", "approval_silence": "refuse", "approval_days": 4},
    {"approval": "manager", "approval_silence": "refuse", "yearly_minutes": 3000},
    {"approval": "automatic", "budget_minutes": 20_000, "formats": ["project"]},
)
_OWED = """
    SELECT fact_id, name FROM reaction WHERE done_at IS NULL AND failed_at IS NULL AND due_at <= $1
    ORDER BY fact_id LIMIT 500
"""
_END_OF_MISSION = {"reason": "Le projet est abandonné."}
_ACTS: dict[tuple[str, str], tuple[float, Any]] = {
    ("owner", "accept"): (9, None),
    ("owner", "decline"): (2, {"reason": "requirements_not_met"}),
    ("owner", "waitlist"): (4, None),
    ("owner", "shortlist"): (1, None),
    ("owner", "reopen"): (0.4, None),
    ("owner", "cancel"): (0.6, {"reason": "Plus de local."}),
    ("owner", "complete"): (0.2, None),
    ("owner", "no-show"): (0.2, None),
    ("person", "withdraw"): (0.4, {"reason": "not_available"}),
    ("person", "accept-offer"): (2, None),
    ("hr", "approve"): (3, None),
    ("hr", "refuse"): (0.3, {"reason": "Clôture des comptes."}),
}
"""By who acts and how: how often, and what they say."""


class Wish(NamedTuple):
    """An application, with the tokens of who may move it; nobody's where they never answer."""

    id: str
    tokens: dict[str, str | None]


class Life:
    """Everybody's tokens, which outlive the weeks, and what they may still do."""

    def __init__(self, world: World, seed: int) -> None:
        self.world = world
        self.chance = Random(seed)  # noqa: S311
        self.companies: list[Company] = []
        self.associations: list[Association] = []
        self.people: list[tuple[str, Company]] = []
        self.missions: list[tuple[dict[str, Any], Association]] = []
        self.wishes: list[Wish] = []
        self.statuses: Counter[int] = Counter()

    async def populate(self, people: int, associations: int) -> None:
        """Found companies of different policies, associations, and people."""
        for policy in POLICIES:
            company = await self.world.company(**policy)
            self.companies.append(company._replace(admin=await lasting(self.world, company.admin)))
        for _ in range(associations):
            association = await self.world.association()
            self.associations.append(association._replace(owner=await lasting(self.world, association.owner)))
        until = int((clock.now() + timedelta(days=2 * WHOLE)).timestamp())
        for number in range(people):
            company = self.companies[number % len(POLICIES)]
            self.people.append((self.world.employee(company, exp=until), company))

    async def publish(self) -> None:
        """Publish a mission that begins within two weeks."""
        association = self.chance.choice(self.associations)
        first = clock.today("Europe/Paris") + timedelta(days=self.chance.randint(5, 14))
        format_, effort = self.chance.choice((("project", 900), ("project", 1800), ("short", 300)))
        mission = await self.world.mission(
            association,
            format=format_,
            effort_minutes=effort,
            places=self.chance.randint(1, 3),
            starts_on=str(first),
            ends_on=str(first + timedelta(days=self.chance.randint(0, 6))),
        )
        self.missions.append((mission, association))

    async def apply(self) -> None:
        """Let somebody apply; an association in three, and some employers, never say a word."""
        token, company = self.chance.choice(self.people)
        mission, association = self.chance.choice(self.missions)
        body = {"regime": self.chance.choice(("working_time", "working_time", "personal_time"))}
        answer = await self.ask(token, f"/v1/missions/{mission['id']}/applications", body)
        if answer.status_code == 201:
            speaks = self.associations.index(association) % 3 > 0
            answers = self.companies.index(company) % 2 > 0
            tokens = {
                "person": token,
                "owner": association.owner if speaks else None,
                "hr": company.admin if answers else None,
            }
            self.wishes.append(Wish(answer.json()["id"], tokens))

    async def act(self) -> None:
        """Let somebody do to an application whatever comes to their mind."""
        wish = self.chance.choice(self.wishes)
        weights = [weight for weight, _ in _ACTS.values()]
        ((who, act),) = self.chance.choices(list(_ACTS), weights)
        if token := wish.tokens[who]:
            await self.ask(token, f"/v1/applications/{wish.id}/{act}", _ACTS[who, act][1])

    async def upset(self) -> None:
        """Cancel a mission, pause one, or let somebody leave their company."""
        mission, association = self.chance.choice(self.missions)
        token, company = self.chance.choice(self.people)
        what = self.chance.choice(("cancel", "pause", "leave"))
        if what != "leave":
            await self.ask(
                association.owner,
                f"/v1/missions/{mission['id']}/{what}",
                _END_OF_MISSION if what == "cancel" else None,
            )
        elif (me := await self.world.call(token, "GET", "/v1/me")).is_success:
            job = me.json()["employments"][0]["employee_id"]
            await self.ask(company.admin, f"/v1/companies/{company.id}/employees/{job}/deactivate")

    async def ask(self, token: str, path: str, body: Any = None) -> Any:
        """Post, and count the answer; raises AssertionError on one of 500 or more."""
        answer = await self.world.call(token, "POST", path, body)
        self.statuses[answer.status_code] += 1
        assert answer.status_code < 500, f"{path} {answer.text}"
        return answer


async def lasting(world: World, token: str) -> str:
    """Give a session of the same person that outlives the weeks."""
    me = await world.ok(token, "GET", "/v1/me")
    return await identity.issue_token(me["emails"][0], timedelta(days=2 * WHOLE))


async def live(life: Life, missions: int, settings: Settings, queue: Queue, *, every: timedelta) -> None:
    """Let the weeks pass, from now on: people act for three of them, the schedule runs so often."""
    started, steps = clock.now(), timedelta(days=1) // every
    rates = {
        life.publish: (missions / (7 * steps), 7),
        life.apply: (3 * len(life.people) / (LIVELY * steps), LIVELY),
        life.act: (6 * len(life.people) / (LIVELY * steps), LIVELY),
        life.upset: ((missions + len(life.people)) / (15 * LIVELY * steps), LIVELY),
    }
    owed: dict[Any, float] = dict.fromkeys(rates, 0.0)
    await life.publish()
    await life.apply()
    for step in range(WHOLE * steps):
        with clock.at(started + step * every):
            for do, (rate, days) in rates.items():
                owed[do] += rate if step < days * steps else 0
                while owed[do] >= 1:
                    owed[do] -= 1
                    await do()
            if step // steps not in AWAY:
                await work(settings, queue)


async def work(settings: Settings, queue: Queue) -> None:
    """Do what a worker does: every entry of the schedule once, then all that is owed."""
    for entry in ENTRIES:
        await entry.run(settings, queue)
    while True:
        while await relay(queue):
            pass
        async with operations() as connection:
            owed = await connection.fetch(_OWED, clock.now())
        if not owed:
            return
        for number in range(0, len(owed), 8):
            await asyncio.gather(
                *(_react(str(row["fact_id"]), row["name"], settings) for row in owed[number : number + 8])
            )


async def _react(fact_id: str, name: str, settings: Settings) -> None:
    with suppress(Retry):
        await run_reaction({"settings": settings, "job_try": 1}, fact_id, name)

"""Weeks of simulated life: who publishes, applies, answers or says nothing, and a worker that may be away."""

from base64 import urlsafe_b64decode
from collections import Counter
from datetime import date, timedelta
from itertools import cycle
from random import Random
from typing import Any, NamedTuple
from uuid import UUID

import msgspec

from api.core import clock
from api.core.check import violations
from api.core.database import operations
from api.core.ids import new_id
from api.core.settings import Settings
from api.dev.issuer import mint
from api.identity import service as identity
from tests.faults.working import work
from tests.make.world import Association, Company, World
from workers.relay import Queue

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
_ADDRESS = "INSERT INTO person_email (id, person_id, email, proved_at) VALUES ($1, $2, $3, $4)"
_WHY = {"reason": "Le projet est abandonné."}
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
_UPSETS = ("cancel", "suspend", "leave", "pause", "erase", "suspend", "leave", "cancel", "close", "pause")
"""What upsets everybody's plans, in turns; where an association is suspended, the next one's turn reinstates it."""


class Wish(NamedTuple):
    """An application, with the tokens of who may move it; nobody's where they never answer."""

    id: str
    tokens: dict[str, str | None]
    mission: dict[str, Any]


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
        self.engaged: list[Wish] = []
        self.proposals: list[tuple[str, str, str | None]] = []
        self.suspended: list[Association] = []
        self.closed: list[Association] = []
        self.moderator = ""
        self.turns = cycle(_UPSETS)
        self.statuses: Counter[int] = Counter()
        self.done: Counter[str] = Counter()

    async def populate(self, people: int, associations: int) -> None:
        """Found companies of different policies, associations, and people."""
        for policy in POLICIES:
            company = await self.world.company(**policy)
            self.companies.append(company._replace(admin=await lasting(self.world, company.admin)))
        for _ in range(associations):
            association = await self.world.association()
            self.associations.append(association._replace(owner=await lasting(self.world, association.owner)))
        self.moderator = await lasting(self.world, await self.world.moderator())
        until = int((clock.now() + timedelta(days=2 * WHOLE)).timestamp())
        for number in range(people):
            company = self.companies[number % len(POLICIES)]
            token = self.world.employee(company, exp=until)
            self.people.append((token, company))
            if number % 3 == 0:
                me = await self.world.ok(token, "GET", "/v1/me")
                await prove_address(UUID(me["id"]), f"personne-{number}@chez-soi.example")

    async def publish(self) -> None:
        """Publish a mission that begins within two weeks."""
        stopped = self.suspended + self.closed
        association = self.chance.choice([one for one in self.associations if one not in stopped])
        first = clock.today("Europe/Paris") + timedelta(days=self.chance.randint(5, 14))
        format_, effort = self.chance.choice((("project", 900), ("project", 1800), ("short", 300)))
        day = {"starts_at": f"{first}T09:00:00+01:00", "ends_at": f"{first}T12:00:00+01:00"}
        mission = await self.world.mission(
            association,
            sessions=[day] if format_ == "short" else [],
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
            self.wishes.append(Wish(answer.json()["id"], tokens, mission))

    async def act(self) -> None:
        """Let somebody do to an application whatever comes to their mind."""
        wish = self.chance.choice(self.wishes)
        weights = [weight for weight, _ in _ACTS.values()]
        ((who, act),) = self.chance.choices(list(_ACTS), weights)
        if token := wish.tokens[who]:
            answer = await self.ask(token, f"/v1/applications/{wish.id}/{act}", _ACTS[who, act][1])
            if act in ("accept", "accept-offer") and answer.is_success:
                self.engaged.append(wish)

    async def propose(self) -> None:
        """Let one side of an engagement propose other days or another effort."""
        if not self.engaged:
            return
        wish = self.chance.choice(self.engaged)
        author, other = self.chance.choice((("person", "owner"), ("owner", "person")))
        effort = {"effort_minutes": self.chance.choice((300, 700, 2400))}
        body = self.chance.choice((effort, _last_day(wish.mission, -1), _last_day(wish.mission, 0)))
        if token := wish.tokens[author]:
            answer = await self.ask(token, f"/v1/applications/{wish.id}/changes", body)
            if answer.status_code == 201:
                self.proposals.append((answer.json()["id"], token, wish.tokens[other]))

    async def settle(self) -> None:
        """Let a proposed change be accepted, declined, taken back, or stay without an answer."""
        if self.proposals:
            change, author, other = self.proposals.pop(self.chance.randrange(len(self.proposals)))
            act = self.chance.choice(("accept", "accept", "accept", "decline", "withdraw"))
            if token := author if act == "withdraw" else other:
                await self.ask(token, f"/v1/changes/{change}/{act}")

    async def edit(self) -> None:
        """Let an association change the places, the last day or the effort of a mission."""
        mission, association = self.chance.choice(self.missions)
        path = f"/v1/missions/{mission['id']}"
        places, effort = self.chance.choice((1, 1, 2, 4)), self.chance.choice((300, 600, 1200))
        edits = ({"places": places}, {"places": places}, {"effort_minutes": effort}, _last_day(mission, 2))
        tag = (await self.world.call(association.owner, "GET", path)).headers["etag"]
        await self.ask(association.owner, path, self.chance.choice(edits), "PATCH", if_match=tag)

    async def upset(self) -> None:
        """End or stop a mission, a job, an account or an association, whatever's turn it is."""
        what = next(self.turns)
        mission, association = self.chance.choice(self.missions)
        token, company = self.chance.choice(self.people)
        if self.engaged and what == "leave":
            token = str(self.chance.choice(self.engaged).tokens["person"])
            company = dict(self.people)[token]
        if what in ("cancel", "pause"):
            body = _WHY if what == "cancel" else None
            await self.ask(association.owner, f"/v1/missions/{mission['id']}/{what}", body)
        elif what == "close":
            if (await self.ask(association.owner, f"/v1/associations/{association.id}/close")).is_success:
                self.closed.append(association)
        elif what == "suspend":
            await self.suspend(association)
        elif (me := await self.world.call(token, "GET", "/v1/me")).is_success:
            if what == "erase":
                await self.ask(just_signed_in(self.world, token), "/v1/me", method="DELETE")
            else:
                job = me.json()["employments"][0]["employee_id"]
                await self.ask(company.admin, f"/v1/companies/{company.id}/employees/{job}/deactivate")
            await self.reopen_all(token)

    async def reopen_all(self, person: str) -> None:
        """Let associations bring back whatever they can of somebody who has just left."""
        for wish in self.wishes:
            if wish.tokens["person"] == person and (owner := wish.tokens["owner"]):
                await self.ask(owner, f"/v1/applications/{wish.id}/reopen")

    async def suspend(self, association: Association) -> None:
        """Let a moderator suspend an association, which tries to go on as before, or reinstate the one that is."""
        if self.suspended:
            path = f"/v1/associations/{self.suspended.pop().id}/reinstate"
            await self.ask(self.moderator, path)
        elif (await self.ask(self.moderator, f"/v1/associations/{association.id}/suspend", _WHY)).is_success:
            self.suspended.append(association)
            for wish in self.wishes:
                if wish.tokens["owner"] == association.owner:
                    await self.ask(association.owner, f"/v1/applications/{wish.id}/accept")

    async def ask(self, token: str, path: str, body: Any = None, method: str = "POST", **headers: str) -> Any:
        """Ask for an act, and count it and the answer; raises AssertionError on one of 500 or more."""
        answer = await self.world.call(token, method, path, body, **headers)
        self.statuses[answer.status_code] += 1
        assert answer.status_code < 500, f"{path} {answer.text}"
        if answer.is_success:
            self.done[path.rpartition("/")[2] if method == "POST" else method] += 1
        return answer


def _last_day(mission: dict[str, Any], later: int) -> dict[str, Any]:
    return {"ends_on": str(date.fromisoformat(mission["ends_on"]) + timedelta(days=later))}


def just_signed_in(world: World, token: str) -> str:
    """Give a token of the same employee, who has proved to their company's provider just now who they are."""
    payload = token.split(".")[1]
    claims = msgspec.json.decode(urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    known = {name: claim for name, claim in claims.items() if name not in ("iss", "sub")}
    return mint(
        world.key, claims["iss"], claims["sub"], **known | {"auth_time": int(clock.now().timestamp())}
    )


async def prove_address(person_id: UUID, email: str) -> None:
    """Give somebody an address of their own, which outlives their job."""
    async with operations() as connection:
        await connection.execute(_ADDRESS, new_id(), person_id, email, clock.now())


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
        life.propose: (len(life.people) / (3 * LIVELY * steps), LIVELY),
        life.settle: (len(life.people) / (4 * LIVELY * steps), LIVELY),
        life.edit: (missions / (LIVELY * steps), LIVELY),
        life.upset: ((missions + len(life.people)) / (7 * LIVELY * steps), LIVELY),
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
        if step % steps == steps - 1:
            broken = await violations()
            assert broken == [], f"day {step // steps}: {broken}"

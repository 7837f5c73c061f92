"""No sequence of calls reaches a state of missions and applications that their lifecycles do not know."""

import asyncio
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import HealthCheck
from hypothesis import settings as options
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from litestar import Litestar

from api.core.check import violations
from api.core.settings import Settings
from tests.api.test_mission_lifecycle import REASON, run_the_clock
from tests.make.served import served
from tests.make.world import World

LEADS_TO = {
    "submit": {"draft": {"submitted", "published"}, "rejected": {"submitted", "published"}},
    "publish": {"submitted": {"published"}},
    "reject": {"submitted": {"rejected"}},
    "pause": {"published": {"paused"}},
    "resume": {"paused": {"published"}},
    "start": {"published": {"in_progress"}, "paused": {"in_progress"}},
    "complete": {"in_progress": {"completed"}},
    "cancel": {state: {"cancelled"} for state in ("submitted", "published", "paused", "in_progress")},
    "edit": {"submitted": {"draft"}, "rejected": {"draft"}},
    "clock": {
        "submitted": {"expired"},
        "published": {"in_progress", "completed", "expired"},
        "paused": {"in_progress", "completed", "expired"},
        "in_progress": {"completed"},
    },
}
"""Where each act leads from each state: the lifecycle of the product, written once more by hand."""
MOVES = dict.fromkeys(LEADS_TO.keys() - {"edit", "clock"}, 2) | {"cancel": 1}
WHO = ["owner", "moderator", "stranger"]
SEEN: set[tuple[str, str, str]] = set()
"""The moves that were walked: a machine that walks few proves little."""
ENDED = {"completed", "cancelled", "expired"}
BODIES = {"reject": {"reasons": ["Précisez."]}, "cancel": REASON}
ANSWERS = {
    "accept": None,
    "decline": {"reason": "other"},
    "withdraw": {"reason": "not_available"},
}


class Life(RuleBasedStateMachine):
    """One mission, its association, two moderators and whoever applies, moved at random."""

    runner: asyncio.Runner
    world: World
    people: dict[str, str]
    company: Any

    @initialize(verified=st.booleans(), places=st.integers(1, 2), submitted=st.booleans())
    def begin(self, verified: bool, places: int, submitted: bool) -> None:
        self.runner.run(self._begin(verified, places, submitted))

    async def _begin(self, verified: bool, places: int, submitted: bool) -> None:
        self.association = await self.world.association(verified=verified)
        self.mission = await self.world.mission(self.association, publish=False, places=places)
        self.path = f"/v1/missions/{self.mission['id']}"
        self.state, self.day = "draft", 0
        self.applications: list[tuple[str, str]] = []
        if submitted:
            await self._act("submit", "keeper")

    async def _read(self) -> dict[str, Any]:
        mission: dict[str, Any] = await self.world.ok(self.association.owner, "GET", self.path)
        return mission

    def _went(self, act: str, status: int, now: dict[str, Any]) -> None:
        """Hold what happened against the lifecycle."""
        before, self.state = self.state, now["state"]
        if now["state"] == before:
            return
        SEEN.add((act, before, now["state"]))
        assert status == 200, (act, before, now["state"], status)
        assert now["state"] in LEADS_TO[act].get(before, set()), (act, before, now["state"])

    @rule(pick=st.integers(0, 11))
    def move(self, pick: int) -> None:
        """Do something that the lifecycle allows, as whoever may; cancelling is rare, since it ends the walk."""
        acts = [act for act in sorted(MOVES) for _ in range(MOVES[act]) if self.state in LEADS_TO[act]]
        if acts:
            self.runner.run(self._act(acts[pick % len(acts)], "keeper"))

    @rule(act=st.sampled_from(sorted(LEADS_TO.keys() - {"edit", "clock"})), who=st.sampled_from(WHO))
    def try_anything(self, act: str, who: str) -> None:
        self.runner.run(self._act(act, who))

    async def _act(self, act: str, who: str) -> None:
        if who == "keeper":
            who = "moderator" if act in ("publish", "reject") else "owner"
        token = self.association.owner if who == "owner" else self.people[who]
        tag = f'"v{(await self._read())["version"]}-0"'
        answer = await self.world.call(token, "POST", f"{self.path}/{act}", BODIES.get(act), if_match=tag)
        assert answer.status_code in (200, 403, 404, 409, 422), answer.text
        self._went(act, answer.status_code, await self._read())

    @rule(field=st.sampled_from([{"places": 3}, {"title": "Un autre titre"}, {"effort_minutes": 1200}]))
    def edit(self, field: dict[str, Any]) -> None:
        self.runner.run(self._edit(field))

    async def _edit(self, field: dict[str, Any]) -> None:
        tag = f'"v{(await self._read())["version"]}-0"'
        answer = await self.world.call(self.association.owner, "PATCH", self.path, field, if_match=tag)
        assert answer.status_code in (200, 409), answer.text
        self._went("edit", answer.status_code, await self._read())

    @rule()
    def apply(self) -> None:
        self.runner.run(self._apply())

    @rule()
    def engage(self) -> None:
        """Apply and be accepted at once, without which nothing starts."""
        self.runner.run(self._apply())
        if self.applications:
            self.runner.run(self._answer(*self.applications[-1], "accept"))

    async def _apply(self) -> None:
        employee = self.world.employee(self.company)
        answer = await self.world.call(
            employee, "POST", f"{self.path}/applications", {"regime": "working_time"}
        )
        assert answer.status_code in (201, 404, 409), answer.text
        assert (answer.status_code == 201) == (self.state == "published"), (self.state, answer.text)
        if answer.status_code == 201:
            self.applications.append((answer.json()["id"], employee))

    @rule(number=st.integers(0, 5), verb=st.sampled_from(sorted(ANSWERS)))
    def answer(self, number: int, verb: str) -> None:
        if self.applications:
            self.runner.run(self._answer(*self.applications[number % len(self.applications)], verb))

    async def _answer(self, application: str, employee: str, verb: str) -> None:
        token = employee if verb == "withdraw" else self.association.owner
        path = f"/v1/applications/{application}"
        ended = (await self.world.ok(employee, "GET", path))["state"] in {"cancelled", "expired", "completed"}
        answer = await self.world.call(token, "POST", f"{path}/{verb}", ANSWERS[verb])
        assert answer.status_code in ((409,) if ended else (200, 409)), answer.text

    @rule(days=st.integers(1, 40))
    def wait(self, days: int) -> None:
        self.day += days
        self.runner.run(self._wait())

    async def _wait(self) -> None:
        await run_the_clock(self.day)
        self._went("clock", 200, await self._read())

    @invariant()
    def holds(self) -> None:
        if hasattr(self, "path"):
            self.runner.run(self._holds())

    async def _holds(self) -> None:
        mission = await self._read()
        states = [
            (await self.world.ok(employee, "GET", f"/v1/applications/{application}"))["state"]
            for application, employee in self.applications
        ]
        held = sum(state in ("accepted", "completed") for state in states)
        live = sum(state in ("submitted", "accepted") for state in states)
        assert mission["places"] - mission["places_left"] == held <= mission["places"]
        assert mission["live_applications"] == live
        assert not (live and mission["state"] in ENDED)
        found = await self.world.ok(None, "GET", f"/v1/missions?association={self.association.id}")
        assert bool(found["items"]) == (mission["state"] == "published")


@pytest.mark.parametrize("examples", [36, pytest.param(300, marks=pytest.mark.prove)])
def test_no_sequence_of_calls_leaves_the_lifecycle(
    app: Litestar, settings: Settings, environment: dict[str, str], examples: int
) -> None:
    with asyncio.Runner() as runner:
        connection = served(app, settings)
        world = World(runner.run(connection.__aenter__()), environment)
        Life.runner, Life.world = runner, world
        Life.people = {"moderator": runner.run(world.moderator()), "stranger": runner.run(world.person())}
        Life.company = runner.run(world.company(approval="automatic"))
        try:
            run_state_machine_as_test(Life, settings=_settings(examples))
            assert len(SEEN) >= 10, SEEN
            assert [str(found) for found in runner.run(violations())] == []
        finally:
            runner.run(connection.__aexit__(None, None, None))


def _settings(examples: int) -> options:
    return options(
        max_examples=examples,
        derandomize=True,
        stateful_step_count=20,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )

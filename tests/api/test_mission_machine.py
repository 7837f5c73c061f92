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
    "publish": {"submitted": {"published"}, "paused": {"published"}},
    "reject": {"submitted": {"rejected"}},
    "pause": {"published": {"paused"}},
    "resume": {"paused": {"published"}},
    "start": {"published": {"in_progress"}, "paused": {"in_progress"}},
    "complete": {"in_progress": {"completed"}},
    "cancel": {state: {"cancelled"} for state in ("submitted", "published", "paused", "in_progress")},
    "edit": {
        "submitted": {"draft"},
        "rejected": {"draft"},
        "published": {"paused"},
        "paused": {"published"},
    },
    "suspend": {"published": {"paused"}},
    "reinstate": {"paused": {"published"}},
    "refuse": {state: {"cancelled"} for state in ("submitted", "published", "paused", "in_progress")},
    "close": {state: {"cancelled"} for state in ("submitted", "published", "paused", "in_progress")},
    "clock": {
        "submitted": {"expired"},
        "published": {"in_progress", "completed", "expired"},
        "paused": {"in_progress", "completed", "expired"},
        "in_progress": {"completed"},
    },
}
"""Where each act leads from each state: the lifecycle of the product, written once more by hand."""
OF_ASSOCIATION = {"suspend": "moderator", "reinstate": "moderator", "refuse": "moderator", "close": "owner"}
"""The acts on the association that its missions follow, and whose they are."""
MOVES = dict.fromkeys(LEADS_TO.keys() - {"edit", "clock"} - OF_ASSOCIATION.keys(), 2) | {"cancel": 1}
WHO = ["owner", "moderator", "stranger"]
SEEN: set[tuple[str, str, str]] = set()
"""The moves that were walked: a machine that walks few proves little."""
ENDED = {"completed", "cancelled", "expired"}
BODIES = {
    "reject": {"reasons": ["Précisez."]},
    "refuse": {"reasons": ["Introuvable."]},
    **dict.fromkeys(("cancel", "suspend"), REASON),
}
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
        self.home = f"/v1/associations/{self.association.id}"
        self.state, self.day, self.closed = "draft", 0, False
        self.applications: list[tuple[str, str]] = []
        if submitted:
            await self._act("submit", "keeper")

    async def _read(self) -> dict[str, Any]:
        """Read the mission as its owner, who has no seat any more once the association is closed."""
        reader = self.people["moderator"] if self.closed else self.association.owner
        mission: dict[str, Any] = await self.world.ok(reader, "GET", self.path)
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

    @rule(
        act=st.sampled_from(sorted(LEADS_TO.keys() - {"edit", "clock"} - OF_ASSOCIATION.keys())),
        who=st.sampled_from(WHO),
    )
    def try_anything(self, act: str, who: str) -> None:
        self.runner.run(self._act(act, who))

    async def _act(self, act: str, who: str) -> None:
        if who == "keeper":
            who = "moderator" if act in ("publish", "reject") else "owner"
        token = self.association.owner if who == "owner" else self.people[who]
        before = await self._read()
        tag = f'"v{before["version"]}-0"'
        answer = await self.world.call(token, "POST", f"{self.path}/{act}", BODIES.get(act), if_match=tag)
        assert answer.status_code in (200, 403, 404, 409, 422), answer.text
        now = await self._read()
        if who == "moderator" and act == "pause" and answer.status_code == 200:
            assert (now["state"], now["state_reason"]) == ("paused", "moderation")
        if who != "moderator" and act in ("pause", "resume"):
            self._kept(before, now)
        if act == "publish" and (before["state"], now["state"]) == ("paused", "published"):
            assert before["state_reason"] in ("moderation", "contested")
        self._went(act, answer.status_code, now)

    def _kept(self, before: dict[str, Any], now: dict[str, Any]) -> None:
        """Hold that a moderator's pause outlives what others do."""
        if (before["state"], before["state_reason"]) == ("paused", "moderation"):
            assert (now["state"], now["state_reason"]) == ("paused", "moderation")

    @rule()
    def hold(self) -> None:
        """Pause as a moderator, often on top of another pause."""
        if self.state in ("published", "paused"):
            self.runner.run(self._act("pause", "moderator"))

    @rule(pick=st.integers(0, 11))
    def move_association(self, pick: int) -> None:
        """Suspend and reinstate it, and now and then end it, which ends the walk."""
        acts = [*("suspend", "reinstate", "suspend", "reinstate", "refuse") * 2, "suspend", "close"]
        act = acts[pick]
        if act != "close" or self.state not in ("draft", "rejected"):
            self.runner.run(self._act_on_association(act))

    async def _act_on_association(self, act: str) -> None:
        token = self.association.owner if OF_ASSOCIATION[act] == "owner" else self.people["moderator"]
        before = await self._read()
        answer = await self.world.call(token, "POST", f"{self.home}/{act}", BODIES.get(act))
        assert answer.status_code in (200, 409), answer.text
        self.closed = self.closed or act == "close"
        now = await self._read()
        if act in ("suspend", "reinstate"):
            self._kept(before, now)
        self._went(act, answer.status_code, now)

    @rule(
        field=st.sampled_from(
            [
                {"places": 3},
                {"title": "Un autre titre"},
                {"effort_minutes": 1200},
                {"format": "short"},
                {"summary": "Appelez le 06 12 34 56 78"},
                {"summary": "Voyez bit.ly/site", "ask_review": True},
            ]
        )
    )
    def edit(self, field: dict[str, Any]) -> None:
        self.runner.run(self._edit(field))

    async def _edit(self, field: dict[str, Any]) -> None:
        before = await self._read()
        tag = f'"v{before["version"]}-0"'
        answer = await self.world.call(self.association.owner, "PATCH", self.path, field, if_match=tag)
        assert answer.status_code in ((403, 404) if self.closed else (200, 409, 422)), answer.text
        now = await self._read()
        assert answer.status_code == 200 or now == before
        self._kept(before, now)
        self._went("edit", answer.status_code, now)

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
        if self.closed and verb != "withdraw":
            return
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
        assert mission["live_applications"] == (None if self.closed else live)
        assert not (live and mission["state"] in ENDED)
        found = await self.world.ok(None, "GET", f"/v1/missions?association={self.association.id}")
        assert bool(found["items"]) == (mission["state"] == "published")


@pytest.mark.parametrize("examples", [50, pytest.param(300, marks=pytest.mark.prove)])
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
            assert OF_ASSOCIATION.keys() & {act for act, *_ in SEEN}, SEEN
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

"""Half a year of the demo territory: its plan, made true step by step through the services."""

import asyncio
from collections import defaultdict
from collections.abc import Iterable
from datetime import timedelta
from uuid import UUID

from api.applications import service as applications
from api.applications.schemas import ApplicationIn
from api.core.actor import Actor
from api.dev.demo.applications import Life
from api.dev.demo.days import DAY, Seeded, at, evening, midnight
from api.dev.demo.missions import Mission
from api.dev.demo.people import Advance
from api.dev.demo.plan import Plan
from api.dev.demo.steps import ON_APPLICATIONS, ON_HOURS, Event, declare
from api.missions import service as missions
from api.missions.lifecycle import submit_mission
from api.missions.schemas import Location, MissionIn, MissionSkill, Prerequisite


async def publish(number: int, mission: Mission, owner: Actor, association_id: UUID) -> UUID:
    """Write a mission and submit it on the day it opens; gives its id."""
    random = Seeded(number)
    if mission.opens is None:
        raise ValueError("only what opens is published")
    with at(evening(random, mission.opens - DAY)):
        made = await missions.create_mission(owner, _given(mission, association_id))
    with at(midnight(mission.opens) + timedelta(hours=9)):
        await submit_mission(owner, made.id, None, ask_review=False)
    return made.id


async def write(mission: Mission, owner: Actor, association_id: UUID, *, submit: bool) -> None:
    """Write a mission of an association that nobody has verified: submitted, it waits for a moderator."""
    made = await missions.create_mission(owner, _given(mission, association_id))
    if submit:
        await submit_mission(owner, made.id, None, ask_review=False)


def _given(mission: Mission, association_id: UUID) -> MissionIn:
    need = mission.need
    place = Location(
        label=need.city, postal_code=need.postal_code, latitude=need.latitude, longitude=need.longitude
    )
    return MissionIn(
        association_id=association_id,
        title=need.title,
        summary=need.summary,
        description=need.description,
        deliverable=need.deliverable,
        prerequisites=[Prerequisite(text=text, ready=True) for text in need.prerequisites],
        format=need.format,
        causes=need.causes,
        skills=[MissionSkill(skill=skill, essential=place == 0) for place, skill in enumerate(need.skills)],
        places=need.places,
        effort_minutes=need.effort_minutes,
        regimes=need.regimes,
        remote=need.remote,
        location=place,
        starts_on=mission.starts_on,
        ends_on=mission.ends_on,
        apply_by=mission.apply_by,
        languages=need.languages,
    )


async def play(plan: Plan, cast: dict[str, Actor], published: dict[int, UUID], advance: Advance) -> None:
    """Make every step true: in the order of time in a company, whose ledger demands it, side by side else."""
    companies: dict[str, list[Life]] = defaultdict(list)
    for life in plan.lives:
        companies[life.employee.company].append(life)
    await asyncio.gather(*(_play(lives, cast, published, advance) for lives in companies.values()))


async def _play(
    lives: list[Life], cast: dict[str, Actor], published: dict[int, UUID], advance: Advance
) -> None:
    made: dict[object, UUID] = {}
    for number, event in _in_order(lives):
        life, actor, hours = lives[number], cast[event.by], (number, event.day)
        with at(event.at):
            if event.act == "apply":
                given = ApplicationIn(regime=life.regime, message=event.said)
                application = await applications.apply_to_mission(actor, published[life.mission], given)
                made[number] = application.id
            elif event.act == "declare":
                made[hours] = await declare(actor, made[number], event)
            elif event.act in ON_APPLICATIONS:
                await ON_APPLICATIONS[event.act](actor, made[number], event)
            else:
                await ON_HOURS[event.act](actor, made[hours], event)
        advance()


def _in_order(lives: list[Life]) -> Iterable[tuple[int, Event]]:
    steps = [(number, event) for number, life in enumerate(lives) for event in life.events]
    return sorted(steps, key=lambda step: step[1].at)

"""What happens in the demo territory, and when: drawn by a seeded generator before anything is done."""

from datetime import date
from random import Random
from typing import NamedTuple

from api.dev.demo.applications import Cast, Life, choose_team, choose_volunteers, plan_lives
from api.dev.demo.days import DAY, Seeded, evening, midnight
from api.dev.demo.missions import Mission, date_missions, fresh_number
from api.dev.demo.steps import Event
from api.dev.demo.territory import SEED, Employee, Territory, make_staff

HERO = 7
"""The number, in the first company, of the employee whom the story is about."""
ASKED = (
    "Bonjour, et merci. Avez-vous déjà rencontré une entreprise pour un mécénat ? Voyons-nous à l’épicerie."
)
"""What the association wrote to that employee yesterday."""


class Plan(NamedTuple):
    """Everything that will be done."""

    staff: dict[str, list[Employee]]
    missions: list[Mission]
    lives: list[Life]


def make_plan(territory: Territory, today: date) -> Plan:
    """Draw the plan of a day, the same each time; what would come after its midnight is what still waits."""
    random, staff = Seeded(SEED), make_staff(territory)
    missions = date_missions(random, territory, today)
    people = [one for people in staff.values() for one in people if "hr" not in one.roles]
    cast = Cast(staff, [one for one in people if random.random() < 0.3])
    lives: list[Life] = []
    for number, mission in enumerate(missions):
        if mission.opens:
            chosen = _applicants(random, number, mission, cast, territory)
            lives += plan_lives(random, number, mission, chosen, cast, territory)
    lives = [_until(life, today) for life in lives]
    lives = [_asked(random, life, staff, territory, today) for life in lives]
    return Plan(staff, missions, [life for life in lives if life.events])


def hero_of(staff: dict[str, list[Employee]]) -> Employee:
    """Give the employee whom the story is about."""
    return next(iter(staff.values()))[HERO]


def _applicants(
    random: Random, number: int, mission: Mission, cast: Cast, territory: Territory
) -> list[Employee]:
    if mission.need.format == "team_day":
        return choose_team(random, mission, cast)
    people = choose_volunteers(random, mission, cast)
    if number % 12 == fresh_number(territory) % 12:
        hero = hero_of(cast.staff)
        return [hero, *(one for one in people if one != hero)]
    return people


def _asked(
    random: Random, life: Life, staff: dict[str, list[Employee]], territory: Territory, today: date
) -> Life:
    """Let the first association write to the employee of the story about its new mission."""
    if life.mission != fresh_number(territory) or life.employee != hero_of(staff):
        return life
    question = Event(evening(random, today - DAY), "write", territory.associations[0].owner.email, said=ASKED)
    return life._replace(events=[*life.events, question])


def _until(life: Life, today: date) -> Life:
    return life._replace(events=[event for event in life.events if event.at < midnight(today)])

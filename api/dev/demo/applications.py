"""The demo's applications: who applies to what, and what becomes of it."""

from datetime import date, timedelta
from random import Random
from typing import NamedTuple

from api.dev.demo.days import DAY, evening, office, workday
from api.dev.demo.hours import plan_hours
from api.dev.demo.missions import Mission
from api.dev.demo.steps import Event
from api.dev.demo.territory import POLICIES, Employee, Territory
from api.organisations.schemas import Regime

ENDS = frozenset({"decline", "withdraw", "refuse"})


class Life(NamedTuple):
    """An application from the first word to the last approved hour."""

    mission: int
    employee: Employee
    regime: Regime
    events: list[Event]


class Cast(NamedTuple):
    """Who may apply: everyone by company, HR first, and those who like to volunteer."""

    staff: dict[str, list[Employee]]
    volunteers: list[Employee]

    def hr_of(self, employee: Employee) -> str:
        """Give the address of an employee's HR."""
        return self.staff[employee.company][0].email


def choose_team(random: Random, mission: Mission, cast: Cast) -> list[Employee]:
    """Fill a team day from one company."""
    large = [people for people in cast.staff.values() if len(people) > 20]
    team = random.choices(large, [len(people) for people in large])[0][1:]
    return random.sample(team, mission.need.places + random.randint(0, 3))


def choose_volunteers(random: Random, mission: Mission, cast: Cast) -> list[Employee]:
    """Choose who applies to a mission among those who like to volunteer."""
    return random.sample(cast.volunteers, 2 * mission.need.places + random.randint(0, 4))


def plan_lives(
    random: Random,
    number: int,
    mission: Mission,
    people: list[Employee],
    cast: Cast,
    territory: Territory,
) -> list[Life]:
    """Draw what becomes of every application to a mission; the first of the people applies the next day."""
    lives = []
    for place, employee in enumerate(people):
        regimes = [regime for regime in mission.need.regimes if regime in POLICIES[employee.company].regimes]
        if regimes:
            regime = random.choices(regimes, [3, 2][: len(regimes)])[0]
            message = random.choice(territory.motivations)
            steps = _steps(random, mission, employee, regime, message, cast, eager=place == 0)
            lives.append(Life(number, employee, regime, steps))
    owner = next(host.owner for host in territory.associations if host.key == mission.need.association)
    answered = _answered(random, lives, mission.need.places, owner.email)
    return [_worked(random, life, mission, cast, territory) for life in answered]


def _steps(
    random: Random,
    mission: Mission,
    employee: Employee,
    regime: Regime,
    message: str,
    cast: Cast,
    *,
    eager: bool,
) -> list[Event]:
    """Draw the steps of one application, the association's answer last and still open."""
    opens, last = mission.opens or date.min, mission.starts_on - DAY
    wait = 0 if eager else int(random.random() ** 1.5 * (last - opens - 3 * DAY).days)
    day = opens + DAY + timedelta(days=wait)
    steps = [Event(random.choice((office, evening))(random, day), "apply", employee.email, said=message)]
    if regime == "working_time" and POLICIES[employee.company].approval != "automatic":
        steps.append(_approval(random, day + 2 * DAY, last, employee, cast))
    if random.random() < 0.07:
        reason = random.choice(("not_available", "not_available", "changed_mind", "other"))
        when = evening(random, workday(random, day + 2 * DAY, last))
        steps.append(Event(when, "withdraw", employee.email, said=reason))
    when = office(random, workday(random, day + 2 * DAY, min(day + 9 * DAY, last)))
    return [*steps, Event(when, "answer", "")]


def _approval(random: Random, first: date, last: date, employee: Employee, cast: Cast) -> Event:
    by_manager = POLICIES[employee.company].approval == "manager" and employee.manager
    by = by_manager or cast.hr_of(employee)
    when = office(random, workday(random, first, min(first + 5 * DAY, last)))
    if random.random() < 0.06:
        return Event(when, "refuse", by, said="Période de forte charge dans l’équipe.")
    return Event(when, "approve", by)


def _answered(random: Random, lives: list[Life], places: int, owner: str) -> list[Life]:
    """Let the association answer in the order of its replies, while a place is left.

    A place that is freed is not filled again: companies are played side by side, not in one order.
    """
    answered = []
    for life in sorted(lives, key=lambda life: life.events[-1].at):
        *steps, answer = life.events
        over = any(step.act in ENDS and step.at < answer.at for step in steps)
        if places and not over and random.random() < 0.9:
            places -= 1
            answer = answer._replace(act="accept", by=owner)
        else:
            reason = "requirements_not_met" if places else "mission_filled"
            answer = answer._replace(act="decline", by=owner, said=reason)
        answered.append(life._replace(events=_up_to_the_end([*steps, answer])))
    return answered


def _up_to_the_end(steps: list[Event]) -> list[Event]:
    steps = sorted(steps, key=lambda step: step.at)
    ends = [number for number, step in enumerate(steps, 1) if step.act in ENDS]
    return steps[: min(ends, default=len(steps))]


def _worked(random: Random, life: Life, mission: Mission, cast: Cast, territory: Territory) -> Life:
    """Add the hours of an engagement that nobody ended."""
    acts = {event.act: event for event in life.events}
    if "accept" not in acts or acts.keys() & ENDS:
        return life
    approver, policy = None, POLICIES[life.employee.company].hours_approval
    if life.regime == "working_time" and policy != "automatic":
        approver = (policy == "manager" and life.employee.manager) or cast.hr_of(life.employee)
    first = max(mission.starts_on, life.events[-1].at.date() + DAY)
    people = (life.employee.email, acts["accept"].by, approver)
    hours = plan_hours(random, mission.need, (first, mission.ends_on), people, territory.hours_notes)
    return life._replace(events=life.events + hours)

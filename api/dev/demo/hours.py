"""The hours of an engagement: the days worked, and what becomes of each declaration."""

from datetime import date, timedelta
from random import Random

from api.dev.demo.days import DAY, evening, office, weekdays, workday
from api.dev.demo.steps import Event
from api.dev.demo.territory import Need

SESSION = {"consultation": (60, 60), "short": (75, 150), "project": (75, 150), "mentoring": (45, 75)}
"""Minutes of a sitting, least and most, by format; a team day is one sitting."""


def plan_hours(
    random: Random,
    need: Need,
    days: tuple[date, date],
    people: tuple[str, str, str | None],
    notes: list[str],
) -> list[Event]:
    """Draw the hours worked between two days.

    `people`: the employee, the association's owner, who approves for the employer (None: nobody has to).
    """
    sitting = random.randint(*SESSION.get(need.format, (need.effort_minutes,) * 2)) // 15 * 15
    wanted = max(1, round(need.effort_minutes * random.uniform(0.75, 1.05) / sitting))
    free = weekdays(*days)
    events = []
    for day in sorted(random.sample(free, min(wanted, len(free)))):
        longer = random.choice((-15, 0, 0, 15)) if wanted > 1 else 0
        events += _entry(random, day, sitting + longer, people, random.choice(notes))
    return events


def _entry(
    random: Random, day: date, minutes: int, people: tuple[str, str, str | None], note: str
) -> list[Event]:
    worker, owner, approver = people
    declared = day + timedelta(days=random.choice((0, 0, 0, 1, 1, 2, 3)))
    answered = workday(random, declared + DAY, declared + 6 * DAY)
    steps = [Event(evening(random, declared), "declare", worker, day, minutes, note)]
    luck = random.random()
    if luck < 0.01:
        return [*steps, Event(evening(random, declared + DAY), "cancel", worker, day)]
    if luck < 0.025:
        said = "Cette séance a été annulée la veille."
        return [*steps, Event(office(random, answered), "reject", owner, day, said=said)]
    if luck < 0.055:
        said = "La séance s’est terminée plus tôt que prévu."
        steps.append(Event(office(random, answered), "lower", owner, day, minutes - 15, said))
        answered = workday(random, answered + DAY, answered + 4 * DAY)
        steps.append(Event(evening(random, answered), "agree", worker, day))
    else:
        steps.append(Event(office(random, answered), "confirm", owner, day))
    return steps + _approval(random, day, answered, approver)


def _approval(random: Random, day: date, confirmed: date, approver: str | None) -> list[Event]:
    if approver is None:
        return []
    when = office(random, workday(random, confirmed + DAY, confirmed + 8 * DAY))
    if random.random() < 0.02:
        return [Event(when, "reject", approver, day, said="Ce jour était un jour de congé.")]
    return [Event(when, "approve_hours", approver, day)]

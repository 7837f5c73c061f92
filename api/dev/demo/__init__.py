"""`maillon demo`: the Lyon metropolis, all through the use cases, its clock moved back by eight months."""

import asyncio
import os
import time
from collections import Counter
from datetime import date, timedelta
from uuid import UUID

import click

from api.applications.clockwork import complete_due_missions, expire_due_missions, held, start_due_missions
from api.core import clock
from api.core.actor import Actor
from api.core.database import read
from api.dev.demo.days import DAY, TIME_ZONE, at, midnight, month, weekdays
from api.dev.demo.life import play, publish, write
from api.dev.demo.people import ADMIN, MODERATOR, Advance, officer, open_company, register, verify
from api.dev.demo.plan import Plan, make_plan
from api.dev.demo.progress import Progress, progress
from api.dev.demo.story import story
from api.dev.demo.territory import Territory, read_territory
from api.dev.stack import ISSUER_VARIABLE
from api.organisations.tables import Association, Company

__all__ = ["load", "story"]

AT_ONCE = 8


async def load() -> None:
    """Fill the database with the territory, unless it is there; raises ClickException where it cannot."""
    provider = os.environ.get(ISSUER_VARIABLE)
    if not provider:
        raise click.ClickException(f"{ISSUER_VARIABLE} is not set: the demo needs a running `maillon dev`.")
    territory, started = read_territory(), time.perf_counter()
    if await _is_there(territory):
        click.echo("The demo territory is there already.", err=True)
        return
    today = clock.today(TIME_ZONE)
    plan = make_plan(territory, today)
    with progress() as bars:
        # Its applications have waited for months: the clock of a running worker would end them.
        async with held():
            await _fill(territory, plan, provider, today, bars)
    acts = Counter(event.act for life in plan.lives for event in life.events)
    click.echo(
        f"{len(territory.associations)} associations, {len(plan.staff)} companies, "
        f"{sum(map(len, plan.staff.values()))} employees, {len(plan.missions)} missions, "
        f"{acts['apply']} applications, {acts['declare']} hours entries "
        f"in {time.perf_counter() - started:.0f} s.",
        err=True,
    )


async def _is_there(territory: Territory) -> bool:
    """Tell whether the territory was loaded: its first company came first, its new association last."""
    async with read(await officer(ADMIN, "admin")):
        begun = await Company.exists().where(Company.slug == territory.companies[0].slug)
        ended = await Association.exists().where(Association.name == territory.associations[-1].name)
    if begun and not ended:
        raise click.ClickException("The loading was interrupted: remove the data folder and start again.")
    return begun


async def _fill(territory: Territory, plan: Plan, provider: str, today: date, bars: Progress) -> None:
    begin = month(today, -8)
    with at(midnight(begin)):
        admin, moderator = await officer(ADMIN, "admin"), await officer(MODERATOR, "moderator")
    advance = bars("employees", sum(map(len, plan.staff.values())))
    arrived = await asyncio.gather(
        *(
            open_company(firm, plan.staff[firm.slug], admin, provider, begin, advance)
            for firm in territory.companies
        )
    )
    cast = {email: actor for people in arrived for email, actor in people.items()}
    advance = bars("associations and missions", len(plan.missions))
    published = await _open(territory, plan, moderator, begin, cast, advance)
    advance = bars("six months", sum(len(life.events) for life in plan.lives))
    await play(plan, cast, published, advance)
    await _pass_the_days(begin, today)
    await _newcomer(territory, plan, today)


async def _open(
    territory: Territory, plan: Plan, moderator: Actor, begin: date, cast: dict[str, Actor], advance: Advance
) -> dict[int, UUID]:
    """Register the associations, verify them, publish their missions; gives these by number."""
    gate = asyncio.Semaphore(AT_ONCE)

    async def one(turn: int) -> dict[int, UUID]:
        host = territory.associations[turn]
        async with gate:
            owner, association_id = await register(host, begin + (turn + 1) * DAY)
            await verify(association_id, moderator, begin + (turn + 4) * DAY)
            cast[host.owner.email] = owner
            made = {}
            for number, mission in enumerate(plan.missions):
                if mission.need.association == host.key:
                    made[number] = await publish(number, mission, owner, association_id)
                    advance()
            return made

    found = await asyncio.gather(*(one(turn) for turn in range(len(territory.associations) - 1)))
    return {number: mission_id for made in found for number, mission_id in made.items()}


async def _pass_the_days(begin: date, today: date) -> None:
    """Let the clock start, complete and expire missions on the days it would have."""
    for day in weekdays(begin, today):
        with at(midnight(day)):
            await start_due_missions()
            await complete_due_missions()
            await expire_due_missions()


async def _newcomer(territory: Territory, plan: Plan, today: date) -> None:
    """Let the last association register: unverified, one mission waits for a moderator, the others are drafts."""
    host = territory.associations[-1]
    own = [mission for mission in plan.missions if mission.need.association == host.key]
    owner, association_id = await register(host, today - 4 * DAY)
    for number, mission in enumerate(own):
        with at(midnight(today) - timedelta(hours=30 - number)):
            await write(mission, owner, association_id, submit=number == 0)

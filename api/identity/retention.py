"""For how long personal data is kept: dated rules, and the purge that follows the ones in force."""

from datetime import date, datetime, timedelta
from typing import Literal, get_args
from uuid import UUID

import asyncpg
import msgspec

from api.core import clock
from api.core.actor import system
from api.core.database import operations, transaction
from api.core.ids import new_id
from api.core.problems import Problem
from api.identity.erasure import erase_inactive
from api.notifications.service import News, notify

Kind = Literal["sign_in", "notice", "invitation", "application", "inactive"]
KINDS: tuple[Kind, ...] = get_args(Kind)
NOTICE = timedelta(days=30)
"""Between the warning of an inactive person and their erasure."""
BATCH, BATCHES = 1000, 100
"""Rows of one transaction, and transactions of one run: the rest is for the next."""

_RULES = "SELECT kind, effective_from, days FROM retention_rule ORDER BY kind, effective_from"
_IN_FORCE = """
    SELECT DISTINCT ON (kind) kind, days FROM retention_rule WHERE effective_from <= $1
    ORDER BY kind, effective_from DESC
"""
_SET = """
    INSERT INTO retention_rule (id, kind, effective_from, days) VALUES ($1, $2, $3, $4)
    ON CONFLICT ON CONSTRAINT retention_rule_one_a_day DO UPDATE SET days = excluded.days
"""
_OVER = """a.state NOT IN ('submitted', 'shortlisted', 'waitlisted', 'offered', 'accepted')
    AND NOT EXISTS (SELECT FROM state_event s WHERE s.object_id = a.id AND s.at >= $1)"""
# Each selects what is due and not done: `$1` is the instant before which it is due, `$2` how many rows.
_PURGES: dict[Kind, tuple[str, ...]] = {
    "sign_in": (
        """DELETE FROM session WHERE id IN (SELECT id FROM session WHERE expires_at < $1
           ORDER BY expires_at LIMIT $2 FOR UPDATE SKIP LOCKED)""",
        """DELETE FROM login WHERE id IN (SELECT id FROM login WHERE created_at < $1
           ORDER BY created_at LIMIT $2 FOR UPDATE SKIP LOCKED)""",
        """DELETE FROM magic_link WHERE id IN (SELECT id FROM magic_link WHERE created_at < $1
           ORDER BY created_at LIMIT $2 FOR UPDATE SKIP LOCKED)""",
    ),
    # The mail goes before its notice: a mail alone would be one that nobody was told of.
    "notice": (
        """DELETE FROM mail WHERE id IN (SELECT id FROM mail WHERE created_at < $1 AND finished_at IS NOT NULL
           ORDER BY created_at LIMIT $2 FOR UPDATE SKIP LOCKED)""",
        """DELETE FROM notification WHERE id IN (SELECT n.id FROM notification n WHERE n.created_at < $1
               AND NOT EXISTS (SELECT FROM mail m WHERE m.person_id = n.person_id AND m.unique_key = n.unique_key)
           ORDER BY n.created_at LIMIT $2 FOR UPDATE SKIP LOCKED)""",
    ),
    "invitation": (
        """DELETE FROM invitation WHERE id IN (SELECT id FROM invitation WHERE expires_at < $1
           ORDER BY expires_at LIMIT $2 FOR UPDATE SKIP LOCKED)""",
    ),
    "application": tuple(
        purge.replace("{over}", _OVER)
        for purge in (
            """UPDATE application SET message = '', applicant_email = NULL, employer_reason = NULL WHERE id IN (
                   SELECT a.id FROM application a
                   WHERE a.created_at < $1 AND {over}
                     AND (a.message <> '' OR a.applicant_email IS NOT NULL OR a.employer_reason IS NOT NULL)
                   ORDER BY a.created_at LIMIT $2 FOR UPDATE SKIP LOCKED)""",
            """DELETE FROM message WHERE id IN (
                   SELECT t.id FROM message t JOIN application a ON a.id = t.application_id
                   WHERE t.created_at < $1 AND {over}
                   ORDER BY t.created_at LIMIT $2 FOR UPDATE OF t SKIP LOCKED)""",
            """UPDATE change_proposal SET message = '' WHERE id IN (
                   SELECT t.id FROM change_proposal t JOIN application a ON a.id = t.application_id
                   WHERE t.created_at < $1 AND t.message <> '' AND {over}
                   ORDER BY t.created_at LIMIT $2 FOR UPDATE OF t SKIP LOCKED)""",
            """DELETE FROM feedback WHERE id IN (
                   SELECT t.id FROM feedback t JOIN application a ON a.id = t.application_id
                   WHERE t.given_at < $1 AND {over}
                   ORDER BY t.given_at LIMIT $2 FOR UPDATE OF t SKIP LOCKED)""",
            """DELETE FROM calendar_invitation WHERE application_id IN (
                   SELECT a.id FROM calendar_invitation t JOIN application a ON a.id = t.application_id
                   WHERE t.told_at < $1 AND {over}
                   ORDER BY t.told_at LIMIT $2 FOR UPDATE OF t SKIP LOCKED)""",
        )
    ),
    "inactive": (),
}
_PURGE_EXPORTS = """
    DELETE FROM export WHERE id IN (SELECT id FROM export WHERE expires_at < $1
    ORDER BY expires_at LIMIT $2 FOR UPDATE SKIP LOCKED)
"""
# Whoever has a job is known by their employer, and an association's only owners are needed: neither is inactive.
_INACTIVE = """
    SELECT p.id FROM person p
    WHERE p.erased_at IS NULL AND coalesce(p.seen_at, p.created_at) < $1
      AND NOT EXISTS (SELECT FROM employee e WHERE e.person_id = p.id AND (e.active OR e.deactivated_at >= $1))
      AND NOT EXISTS (SELECT FROM session s WHERE s.person_id = p.id AND s.expires_at >= $2)
      AND NOT EXISTS (SELECT FROM platform_role r WHERE r.person_id = p.id)
      AND NOT EXISTS (SELECT FROM association_member m JOIN association a ON a.id = m.association_id
                      WHERE m.person_id = p.id AND m.role = 'owner' AND a.state <> 'closed')
"""
_TO_WARN = (
    _INACTIVE
    + "AND p.warned_at IS NULL ORDER BY coalesce(p.seen_at, p.created_at) LIMIT $3 FOR UPDATE SKIP LOCKED"
)
_TO_ERASE = _INACTIVE + "AND p.warned_at < $4 ORDER BY coalesce(p.seen_at, p.created_at) LIMIT $3"
_WARNED = (
    "UPDATE person SET warned_at = $2 WHERE id = $1 AND warned_at IS NULL AND erased_at IS NULL RETURNING id"
)


class Rule(msgspec.Struct, frozen=True):
    """For how many days a kind of data is kept, from a day on."""

    kind: str
    effective_from: date
    days: int


async def list_rules() -> list[Rule]:
    """Give every rule, past and to come."""
    async with operations() as connection:
        return [Rule(**row) for row in await connection.fetch(_RULES)]


async def set_rule(kind: Kind, days: int, effective_from: date) -> None:
    """Set a rule from a day to come; raises asyncpg.CheckViolationError for one that is in force already."""
    async with operations() as connection:
        await connection.execute(_SET, new_id(), kind, effective_from, days)


async def purge() -> int:
    """Purge what the rules in force today have due; gives how many rows, people included."""
    now = clock.now()
    async with operations() as connection:
        rules = {
            row["kind"]: timedelta(days=row["days"]) for row in await connection.fetch(_IN_FORCE, now.date())
        }
    count = await _until_done(_PURGE_EXPORTS, now)
    for kind in KINDS:
        for query in _PURGES[kind]:
            count += await _until_done(query, now - rules[kind])
    return (
        count + await _erase_inactive(now, rules["inactive"]) + await _warn_inactive(now, rules["inactive"])
    )


async def _until_done(query: str, before: datetime) -> int:
    """Run a purge a batch a transaction, until one is not full."""
    count = 0
    for _ in range(BATCHES):
        async with operations() as connection:
            done = int((await connection.execute(query, before, BATCH)).rpartition(" ")[2])
        count += done
        if done < BATCH:
            break
    return count


async def _warn_inactive(now: datetime, after: timedelta) -> int:
    """Tell people that they will be erased a month from now, unless they sign in."""
    people = await _people(_TO_WARN, now - after + NOTICE, now, BATCH)
    return sum([await _warn(person_id, now) for person_id in people])


async def _warn(person_id: UUID, now: datetime) -> int:
    async with transaction(system()) as connection:
        if await connection.fetchval(_WARNED, person_id, now) is None:
            return 0
        news = News(
            kind="erasure_near",
            about_type="person",
            about_id=person_id,
            values={"day": (now + NOTICE).date()},
        )
        await notify([person_id], news, f"{person_id}:{now.date()}")
    return 1


async def _erase_inactive(now: datetime, after: timedelta) -> int:
    """Erase whom nothing has been heard of for so long, a month after they were told."""
    count = 0
    for person_id in await _people(_TO_ERASE, now - after, now, BATCH, now - NOTICE):
        try:
            await erase_inactive(person_id)
        except (Problem, asyncpg.SerializationError):
            continue  # an owner, or hired, since the selection: they are not inactive
        count += 1
    return count


async def _people(query: str, *values: object) -> list[UUID]:
    async with operations() as connection:
        return [row["id"] for row in await connection.fetch(query, *values)]

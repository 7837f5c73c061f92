"""Aggregates over the ledger."""

from datetime import date, datetime, time
from uuid import UUID
from zoneinfo import ZoneInfo

from api.core.actor import Actor
from api.core.database import Connection, fetch_all, transaction
from api.core.language import Words
from api.core.problems import Fault, Invalid
from api.organisations.policy import require_company_role
from api.organisations.queries import get_company
from api.reporting.schemas import Column, EngagementReport, EngagementRow, EngagementTotal

# A company's personal time comes to its employer by closed month alone, and no month can be closed yet:
# these figures are of working time.
_LINES = """
    FROM ledger_line WHERE company_id = $1 AND regime = 'working_time'
     AND posted_on BETWEEN $2 AND $3 AND posted_at <= $4
"""
_MEASURES = """
    regime, sum(minutes)::bigint AS minutes, count(DISTINCT person_id) AS people,
    count(DISTINCT mission_id) AS missions, count(DISTINCT association_id) AS associations
"""
_BY_MONTH = (
    "SELECT to_char(posted_on, 'YYYY-MM') AS month, "
    + _MEASURES
    + _LINES
    + "GROUP BY 1, regime ORDER BY 1, regime"
)
_IN_ALL = "SELECT " + _MEASURES + _LINES + "GROUP BY regime ORDER BY regime"
COLUMNS = [
    Column(name="month", type="month"),
    Column(name="regime", type="text"),
    Column(name="minutes", type="integer", unit="minute"),
    Column(name="people", type="integer", unit="person"),
    Column(name="missions", type="integer", unit="mission"),
    Column(name="associations", type="integer", unit="association"),
]


async def get_engagement_report(
    actor: Actor, company_id: UUID, first: date, last: date, as_of: str | None
) -> EngagementReport:
    """Give a company's working time by month posted, both days included, as it stood at an instant (now).

    Raises NotFound, Forbidden, Invalid for an instant to come.
    """
    async with transaction(actor) as connection:
        company = await get_company(connection, company_id, actor)
        require_company_role(actor, company_id, "hr")
        present: datetime = await connection.fetchval("SELECT settle_ledger($1)", company_id)
        instant = _instant(as_of, company.time_zone) if as_of else present
        if instant > present:
            words = Words("An instant to come.", "Un instant à venir.")
            raise Invalid(faults=[Fault("/as_of", "in-the-future", words)])
        return await _report(connection, company_id, first, last, instant)


def _instant(text: str, time_zone: str) -> datetime:
    """Read an instant, or a day as its end in a time zone; raises Invalid."""
    try:
        if len(text) == len("2026-01-31"):
            return datetime.combine(date.fromisoformat(text), time.max, ZoneInfo(time_zone))
        return datetime.fromisoformat(text.upper())
    except ValueError:
        words = Words("No such day or instant.", "Ce jour ou cet instant n’existe pas.")
        raise Invalid(faults=[Fault("/as_of", "invalid", words)]) from None


async def _report(
    connection: Connection, company_id: UUID, first: date, last: date, instant: datetime
) -> EngagementReport:
    asked = (company_id, first, last, instant)
    return EngagementReport(
        company_id=company_id,
        columns=COLUMNS,
        rows=await fetch_all(connection, EngagementRow, _BY_MONTH, *asked),
        totals=await fetch_all(connection, EngagementTotal, _IN_ALL, *asked),
        as_of=instant,
    )

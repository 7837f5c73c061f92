"""What the clock moves of hours: selected as due and not done."""

from api.applications.clockwork import each
from api.hours.employer import ask_hr_instead

_TO_HAND_ON = """
    SELECT h.id, h.company_id FROM hours_entry h JOIN employee e ON e.id = h.manager_id
    WHERE h.state = 'confirmed' AND NOT e.active ORDER BY h.application_id, h.id
"""


async def hand_on_hours() -> int:
    """Ask HR to approve the hours that managers left without an answer; gives how many."""
    return await each(ask_hr_instead, _TO_HAND_ON)

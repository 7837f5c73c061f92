"""The lifecycle of missions, who sees one, and what of it can be edited when."""

from collections.abc import Mapping
from typing import Any

from api.core.actor import Actor
from api.core.lifecycle import move
from api.core.problems import NotFound
from api.missions.wording import CONTESTABLE

SUBMIT = move("submitted", "draft", "rejected")
PUBLISH = move("published", "submitted")
REJECT = move("rejected", "submitted")
PAUSE = move("paused", "published")
RESUME = move("published", "paused")
START = move("in_progress", "published", "paused")
COMPLETE = move("completed", "in_progress")
CANCEL = move("cancelled", "submitted", "published", "paused", "in_progress")
EXPIRE = move("expired", "submitted", "published", "paused")
EDITABLE = frozenset({"draft", "rejected", "submitted", "published", "paused", "in_progress"})
UNSEEN = frozenset({"draft", "rejected"})
"""States in which nobody else has read it: it can be thrown away."""
LIVE = CANCEL.sources
OPEN = frozenset({"published", "paused", "in_progress"})
"""States in which others read its text: an edit shows it to a moderator again."""

TEXTS = frozenset(
    {"title", "summary", "description", "deliverable", "prerequisites", "steps", "location_label"}
)
"""What shows an edit to a moderator again: an unverified association's, or of a mission that a moderator paused."""
FIXED = frozenset({"format", "regimes", "reserved_to", "time_zone"})
"""What people applied to: fixed once somebody has."""
WHILE_RUNNING = frozenset({"places", "contact", "managers"})
"""What can still be edited of a mission in progress."""
PAUSED_BY_MODERATION = "moderation"
"""The `state_reason` of a mission that a moderator paused."""
CONTESTED = "contested"
"""The `state_reason` of a mission that its own edit paused, which contests rules on wording."""


def is_held(mission: Mapping[str, Any]) -> bool:
    """Tell whether a moderator paused a mission, and nobody resumed it since."""
    return bool(mission["state"] == "paused" and mission["state_reason"] == PAUSED_BY_MODERATION)


def waits_to_be_read(mission: Mapping[str, Any]) -> bool:
    """Tell whether a paused mission is public again once a moderator says so."""
    return mission["state"] == "paused" and mission["state_reason"] in (PAUSED_BY_MODERATION, CONTESTED)


def is_contested(mission: Mapping[str, Any]) -> bool:
    """Tell whether a moderator has still to decide on the wording of a mission."""
    return not CONTESTABLE.isdisjoint(mission["review_reasons"])


def require_sight(viewer: Actor | None, mission: Mapping[str, Any]) -> None:
    """Show what was published once to those it is for, the rest to its association, to moderators all but drafts.

    What is contested is for whoever applied alone until a moderator has read it. Raises NotFound.
    """
    if viewer is not None and mission["association_id"] in viewer.memberships:
        return
    if viewer is not None and "moderator" in viewer.roles and mission["state"] != "draft":
        return
    company = viewer.company_id if viewer else None
    elsewhere = mission["reserved_to"] and company not in mission["reserved_to"]
    if mission["published_at"] is None or ((elsewhere or is_contested(mission)) and not mission["applied"]):
        raise NotFound

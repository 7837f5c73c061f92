"""The lifecycle of hours entries."""

from api.core.lifecycle import move

CONFIRM = move("confirmed", "declared")
LOWER = move("lowered", "declared")
ACCEPT = move("confirmed", "lowered")
APPROVE = move("approved", "confirmed")
REJECT = move("rejected", "declared", "confirmed")
CANCEL = move("cancelled", "declared", "lowered")
WORKING = frozenset({"accepted", "completed"})
"""States of an application on which hours may be declared."""

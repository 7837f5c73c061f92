"""What follows from facts; importing this package registers every reaction, whoever asks for them."""

from workers.reactions import calendars, changes, exports, hours, mails, missions, notices, organisations
from workers.registry import OWED, REACTIONS

__all__ = [
    "OWED",
    "REACTIONS",
    "calendars",
    "changes",
    "exports",
    "hours",
    "mails",
    "missions",
    "notices",
    "organisations",
]

"""What follows from facts; importing this package registers every reaction, whoever asks for them."""

from workers.reactions import changes, exports, mails, missions, notices, organisations
from workers.registry import OWED, REACTIONS

__all__ = ["OWED", "REACTIONS", "changes", "exports", "mails", "missions", "notices", "organisations"]

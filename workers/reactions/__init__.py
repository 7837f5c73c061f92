"""What follows from facts; importing this package registers every reaction."""

from workers.reactions import mails, notices

__all__ = ["mails", "notices"]

"""A mail as it goes on the wire."""

from datetime import datetime
from email.header import Header
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import EmailPolicy
from email.utils import parseaddr
from uuid import UUID

import msgspec
from icalendar import Calendar, vCalAddress

from api.core.language import Language
from api.core.settings import Settings
from api.notifications.render import render_html


class MailText(msgspec.Struct, frozen=True):
    """What a mail says, in which language, the iCalendar objects it carries (RFC 6047), and our page it leads to."""

    subject: str
    text: str
    language: Language
    calendars: list[str] = []
    page: str | None = None


class _Folding(EmailPolicy):
    """Folds a subject between its words: EmailPolicy itself loses a space there before Python 3.12.5 (gh-92081)."""

    def fold_binary(self, name: str, value: str) -> bytes:
        """Give a header's lines."""
        if name != "Subject":
            return super().fold_binary(name, value)
        folded = Header(str(value), header_name=name).encode(linesep=self.linesep)
        return f"{name}: {folded}{self.linesep}".encode()


_POLICY = _Folding(linesep="\r\n")


def compose(mail_id: UUID, address: str, said: MailText, at: datetime, settings: Settings) -> bytes:
    """Write a mail: text and HTML, seven-bit; raises ValueError where a header would hold a line break."""
    message = EmailMessage(policy=_POLICY)
    name, sender = parseaddr(settings.mail_from)
    message["From"] = Address(name, addr_spec=sender)
    message["To"] = Address(addr_spec=address)
    message["Subject"] = said.subject
    message["Date"] = at
    # The same for every attempt: a receiver who got two copies can tell.
    message["Message-ID"] = f"<{mail_id}@{sender_domain(settings)}>"
    message["Auto-Submitted"] = "auto-generated"  # RFC 3834: no holiday reply
    site = settings.public_url.rstrip("/")
    link = f"{site}{said.page}" if said.page else None
    text = "\n\n".join([said.text, *([link] if link else []), f"-- \nMaillon\n{site}\n"])
    message.set_content(text, cte="quoted-printable")
    html = render_html(said.subject, said.text, said.language, site, link)
    message.add_alternative(html, subtype="html", cte="quoted-printable")
    for number, calendar in enumerate(said.calendars):
        _carry(message, addressed(calendar, message), number)
    message["Content-Language"] = said.language
    return message.as_bytes()


def addressed(calendar: str, message: EmailMessage) -> Calendar:
    """Give a calendar that says who organises its event, the sender, and who attends it, the receiver."""
    read = Calendar.from_ical(calendar)
    organizer, attendee = (_calendar_user(message[field].addresses[0]) for field in ("From", "To"))
    attendee.params |= {"ROLE": "REQ-PARTICIPANT", "PARTSTAT": "ACCEPTED", "RSVP": "FALSE"}
    for event in read.walk("VEVENT"):
        event.add("organizer", organizer)
        event.add("attendee", attendee)
    return read


def _calendar_user(address: Address) -> vCalAddress:
    user = vCalAddress(f"mailto:{address.addr_spec}")
    if address.display_name:
        user.params["CN"] = address.display_name
    return user


def _carry(message: EmailMessage, calendar: Calendar, number: int) -> None:
    """Put a calendar in a mail: mail programs act upon the first as an alternative, and offer the others."""
    text, how = str(calendar.to_ical(sorted=False), "utf-8"), {"method": str(calendar["METHOD"])}
    if number == 0:
        message.add_alternative(text, subtype="calendar", cte="base64", params=how)
    else:
        name = f"{number + 1}.ics"
        message.add_attachment(text, subtype="calendar", cte="base64", params=how, filename=name)


def sender_domain(settings: Settings) -> str:
    """Give the domain that mails are sent from."""
    return parseaddr(settings.mail_from)[1].rpartition("@")[2] or "localhost"


def mailbox(address: str) -> str:
    """Write an address in ASCII, its domain by IDNA; raises ValueError where it cannot be."""
    local, _, domain = address.rpartition("@")
    if not local.isascii():
        raise ValueError("an address whose name is not ASCII needs SMTPUTF8")
    return f"{local}@{domain.encode('idna').decode('ascii')}"

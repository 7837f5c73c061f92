"""Speaking SMTP: what is said before a mail is promised, the mail itself, and what an answer means."""

import asyncio
from email.utils import parseaddr
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

from aiosmtplib import (
    SMTP,
    SMTPDataError,
    SMTPException,
    SMTPRecipientRefused,
    SMTPResponseException,
    SMTPSenderRefused,
)

from api.core.settings import Settings
from api.notifications.message import sender_domain

_PORTS = {"smtp": 25, "smtps": 465}


class Outcome(NamedTuple):
    """What became of a mail: `sent`, `failed`, `unknown`, or `pending` again; with a code, never a text."""

    state: str
    reply: str


def client(settings: Settings) -> SMTP:
    """Make a client of the server of `smtp_url`: `smtps` is TLS at once, `smtp` STARTTLS where offered.

    A password is never sent in clear: with one, STARTTLS is required.
    """
    url = urlsplit(settings.smtp_url)
    return SMTP(
        hostname=url.hostname,
        port=url.port or _PORTS.get(url.scheme, 25),
        username=unquote(url.username) if url.username else None,
        password=unquote(url.password) if url.password else None,
        use_tls=url.scheme == "smtps",
        start_tls=True if url.username and url.scheme != "smtps" else None,
        local_hostname=sender_domain(settings),
        timeout=settings.mail_timeout_seconds,
    )


async def announce(smtp: SMTP, address: str, settings: Settings) -> Outcome | None:
    """Say everything that comes before the mail; None when the server takes it, else why it does not."""
    try:
        async with asyncio.timeout(min(settings.mail_timeout_seconds, settings.job_timeout_seconds * 0.8)):
            await smtp.connect()
            await smtp.mail(parseaddr(settings.mail_from)[1])
            await smtp.rcpt(address)
    except (SMTPSenderRefused, SMTPRecipientRefused) as error:
        return Outcome("failed" if 500 <= error.code < 600 else "pending", str(error.code))
    except SMTPResponseException as error:
        # Refused at the door (greeting, TLS, password): it is about our server, not about this mail.
        return Outcome("pending", str(error.code))
    except (SMTPException, OSError, TimeoutError) as error:
        return Outcome("pending", type(error).__name__)
    return None


async def transmit(smtp: SMTP, message: bytes, settings: Settings) -> Outcome:
    """Send the mail; without a clear answer in time, what became of it is unknown."""
    try:
        async with asyncio.timeout(settings.mail_timeout_seconds):
            answer = await smtp.data(message)
    except SMTPDataError as error:
        return Outcome(_MEANS.get(error.code // 100, "unknown"), str(error.code))
    except (SMTPException, OSError, TimeoutError) as error:
        return Outcome("unknown", type(error).__name__)
    return Outcome("sent", str(answer.code))


_MEANS = {2: "sent", 4: "pending", 5: "failed"}

"""An SMTP sink: every mail sent to it is kept in a folder, and goes no further."""

import itertools
import logging
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from api.dev.folders import make_folder, write_private
from api.dev.processes import DevServerError, free_port, require_free_port

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class MailSink:
    """A running sink: its port and the folder of the mails it received."""

    port: int
    folder: Path

    @property
    def url(self) -> str:
        """The URL to send mail to."""
        return f"smtp://127.0.0.1:{self.port}"


@contextmanager
def mail_sink(folder: Path, port: int = 0) -> Iterator[MailSink]:
    """Keep what is sent to a port (0: a free one) as `.eml` files, named in their order of arrival.

    `X-MailFrom` and `X-RcptTo` are put in front of each mail, which is kept byte for byte otherwise.
    """
    folder = make_folder(folder)
    require_free_port(port, "The mail sink")
    port = port or free_port()
    handler = SimpleNamespace(handle_DATA=_keeper(folder))
    controller = Controller(handler, hostname="127.0.0.1", port=port, ident="Maillon mail sink")
    try:
        controller.start()
    except (OSError, TimeoutError) as error:
        raise DevServerError(f"The mail sink could not start on port {port}: {error}") from error
    try:
        yield MailSink(port, folder)
    finally:
        controller.stop()


def _keeper(folder: Path) -> Callable[[SMTP, Session, Envelope], Awaitable[str]]:
    last = max((int(path.stem) for path in folder.glob("*.eml") if path.stem.isdecimal()), default=0)
    numbers = itertools.count(last + 1)

    async def handle_data(_server: SMTP, _session: Session, envelope: Envelope) -> str:
        path = folder / f"{next(numbers):08d}.eml"
        try:
            _write(path, envelope)
        except DevServerError as error:
            logger.warning("a mail was not kept: %s", error)
            return "452 4.3.1 The sink cannot write the mail"
        logger.info("kept %s", path)
        return "250 2.0.0 Kept"

    return handle_data


def _write(path: Path, envelope: Envelope) -> None:
    content = envelope.original_content or b""
    head = f"X-MailFrom: {envelope.mail_from}\r\nX-RcptTo: {', '.join(envelope.rcpt_tos)}\r\n"
    write_private(path, head.encode() + content)

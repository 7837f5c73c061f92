import smtplib
import socket
from email import message_from_bytes
from email.message import EmailMessage
from pathlib import Path

import pytest

from api.dev.mail import MailSink, mail_sink
from api.dev.processes import DevServerError


def send(sink: MailSink, subject: str) -> None:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "us@example.org", "zoé <zoe@example.org>", subject
    message.set_content(f"Bonjour Zoé, {subject}.")
    with smtplib.SMTP("127.0.0.1", sink.port) as client:
        client.send_message(message, "bounces@example.org", ["zoe@example.org", "max@example.org"])


def test_a_mail_sent_is_kept_with_its_envelope(folder: Path) -> None:
    with mail_sink(folder) as sink:
        assert sink.url == f"smtp://127.0.0.1:{sink.port}"
        send(sink, "votre mission")
        (path,) = sink.folder.iterdir()
    assert path.stat().st_mode & 0o777 == 0o600
    mail = message_from_bytes(path.read_bytes())
    assert mail["X-MailFrom"] == "bounces@example.org"
    assert mail["X-RcptTo"] == "zoe@example.org, max@example.org"
    assert mail["Subject"] == "votre mission"
    body = mail.get_payload(decode=True)
    assert isinstance(body, bytes)
    assert body.decode().strip() == "Bonjour Zoé, votre mission."


def test_mails_sort_by_arrival_even_after_a_restart(folder: Path) -> None:
    for subjects in (("first", "second"), ("third",)):
        with mail_sink(folder) as sink:
            for subject in subjects:
                send(sink, subject)
    kept = [message_from_bytes(path.read_bytes())["Subject"] for path in sorted(folder.glob("*.eml"))]
    assert kept == ["first", "second", "third"]


def test_a_mail_that_cannot_be_kept_is_deferred(folder: Path) -> None:
    with mail_sink(folder / "gone") as sink:
        sink.folder.rmdir()
        with pytest.raises(smtplib.SMTPDataError) as refusal:
            send(sink, "lost")
    assert refusal.value.smtp_code == 452


def test_a_sink_stops_while_a_client_is_connected(folder: Path) -> None:
    with mail_sink(folder) as sink:
        client = socket.create_connection(("127.0.0.1", sink.port))
        client.recv(200)
    with client:
        assert client.recv(200) == b""


def test_a_port_in_use_is_refused(folder: Path) -> None:
    with (
        mail_sink(folder) as sink,
        pytest.raises(DevServerError, match="Address already in use"),
        mail_sink(folder, sink.port),
    ):
        pass

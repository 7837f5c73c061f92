"""All the servers of Maillon for development and tests, in one data folder."""

import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from api.core.signing import new_secret
from api.dev.folders import FOLDER_VARIABLE, SECRETS, is_locked, locked, make_folder, write_private
from api.dev.issuer import issuer
from api.dev.mail import MailSink, mail_sink
from api.dev.postgres import PostgresServer, postgres
from api.dev.processes import fail
from api.dev.valkey import ValkeyServer, valkey

ISSUER_VARIABLE = "MAILLON_DEV_ISSUER"
"""Where commands find the development identity provider; no setting of the server."""


@dataclass(frozen=True)
class Stack:
    """The running servers, and the settings with which Maillon reaches them."""

    data: Path
    postgres: PostgresServer
    valkey: ValkeyServer
    mail: MailSink
    environment: dict[str, str]


@contextmanager
def stack(data: Path, *, fsync: bool = True, public_url: str | None = None) -> Iterator[Stack]:
    """Run PostgreSQL, Valkey, the mail sink and an identity provider on a data folder; raise DevServerError.

    While they run, `DATA/environment` holds their settings. To be called from a thread that outlives
    the block: the servers die with the thread that started them.
    """
    data = make_folder(data)
    with locked(data):
        note = data / "environment"
        note.unlink(missing_ok=True)  # of a killed owner
        with (
            postgres(data / "postgres", fsync=fsync) as database,
            valkey(data / "valkey") as cache,
            mail_sink(data / "mail") as mail,
            issuer(data) as provider,
        ):
            environment = _environment(database, cache, mail, _kept_secrets(data / SECRETS))
            environment |= {ISSUER_VARIABLE: provider, FOLDER_VARIABLE: str(data)}
            if public_url:
                environment["MAILLON_PUBLIC_URL"] = public_url
            lines = [f"{key}={shlex.quote(value)}\n" for key, value in environment.items()]
            write_private(note, "".join(lines).encode())
            try:
                yield Stack(data, database, cache, mail, environment)
            finally:
                note.unlink(missing_ok=True)


def running(data: Path) -> dict[str, str] | None:
    """Return the settings of the servers running on a data folder, or None when none is ready there."""
    if not is_locked(data):
        return None
    try:
        words = shlex.split((data / "environment").read_text())
    except FileNotFoundError:
        return None
    except OSError as error:
        fail(f"Cannot read {data / 'environment'}: {error.strerror}.")
    return dict(word.split("=", 1) for word in words)


def _environment(
    database: PostgresServer, cache: ValkeyServer, mail: MailSink, secrets: str
) -> dict[str, str]:
    return {
        "MAILLON_DATABASE_URL": database.url("maillon_app"),
        "MAILLON_DATABASE_OWNER_URL": database.url("maillon_owner"),
        "MAILLON_DATABASE_OPS_URL": database.url("maillon_ops"),
        "MAILLON_REDIS_URL": cache.url,
        "MAILLON_SMTP_URL": mail.url,
        "MAILLON_SECRETS": secrets,
        "MAILLON_DEVELOPMENT": "true",
    }


def _kept_secrets(path: Path) -> str:
    if not path.exists():
        write_private(path, f"{new_secret()}\n".encode())
    return path.read_text().strip()

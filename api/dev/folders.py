"""The folders of the embedded servers: their owner, their lock, the private files in them."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from api.dev.account import Account
from api.dev.processes import fail, wait_until

FOLDER_VARIABLE = "MAILLON_DEV_DATA"
"""Where a command finds the folder of the `maillon dev` it speaks to; no setting of the server."""
SECRETS = "secrets"
"""The file of `MAILLON_SECRETS` in that folder, read when `maillon dev` starts."""
_LOCK_PATIENCE = 0.5


def make_folder(folder: Path) -> Path:
    """Make a folder of the caller's, which the servers' own account can cross, and return its real path."""
    try:
        if not folder.is_dir():
            folder.mkdir(parents=True)
            folder.chmod(0o711 if os.geteuid() == 0 else 0o700)
        return folder.resolve(strict=True)
    except OSError as error:
        fail(f"Cannot make the folder {folder}: {error.strerror}.", folder=folder.parent)


def give(folder: Path, account: Account) -> Path:
    """Make the folder, private to the account, and return it."""
    try:
        folder.mkdir(exist_ok=True)
        if account.user is not None and account.group is not None:
            os.chown(folder, account.user, account.group)
        folder.chmod(0o700)
    except OSError as error:
        fail(f"Cannot make the folder {folder}: {error.strerror}.", folder=folder.parent)
    return folder


def write_private(path: Path, content: bytes) -> None:
    """Write, all or nothing, a file which only its owner can read."""
    draft = path.with_name(f".{path.name}.new")
    try:
        draft.unlink(missing_ok=True)
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(content)
        draft.replace(path)
    except OSError as error:
        fail(f"Cannot write {path}: {error.strerror}.", folder=path.parent)


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold a folder for the time of the block; raise, with the holder's pid, when another process has it."""
    path = make_folder(folder) / "lock"
    try:
        lock = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as error:
        fail(f"Cannot write {path}: {error.strerror}.", folder=folder)
    try:
        # is_locked() may hold it for an instant.
        if not wait_until(lambda: _takes(lock, fcntl.LOCK_EX), _LOCK_PATIENCE):
            holder = os.read(lock, 20).decode(errors="replace").strip() or "unknown"
            fail(f"{folder} is in use by process {holder}: stop it, or choose another folder with --data.")
        os.ftruncate(lock, 0)
        with suppress(OSError):  # on a full disk the lock holds, only its holder is not named
            os.pwrite(lock, f"{os.getpid()}\n".encode(), 0)
        yield
    finally:
        os.close(lock)


def is_locked(folder: Path) -> bool:
    """Tell whether a live process holds the folder."""
    try:
        lock = os.open(folder / "lock", os.O_RDONLY)
    except OSError:
        return False
    try:
        return not _takes(lock, fcntl.LOCK_SH)
    finally:
        os.close(lock)


def _takes(lock: int, kind: int) -> bool:
    try:
        fcntl.flock(lock, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True

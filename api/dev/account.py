"""The account the embedded servers run under: the caller's own, or `nobody` when the caller is root."""

import os
import pwd
from typing import NamedTuple


class Account(NamedTuple):
    """The user and groups of a child, named as subprocess.Popen takes them; None keeps the caller's."""

    user: int | None = None
    group: int | None = None
    extra_groups: list[int] | None = None


CALLER = Account()


def server_account() -> Account:
    """Return the account of the servers: PostgreSQL refuses to run as root."""
    if os.geteuid() != 0:
        return CALLER
    try:
        nobody = pwd.getpwnam("nobody")
    except KeyError:
        return Account(65534, 65534, [])
    return Account(nobody.pw_uid, nobody.pw_gid, [])

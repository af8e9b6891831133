"""Whom PostgreSQL runs as when the quick start runs as root: it refuses to run as root itself."""

import os
import pwd
import stat
import subprocess
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path

_NAMES = ("pgserver", "postgres")


class NoAccount(Exception):
    """This is root, there is no account to run PostgreSQL as, and none could be made."""


@dataclass(frozen=True, slots=True)
class Account:
    user: int
    group: int

    def let_through(self, path: Path) -> None:
        """Lets everybody pass through the directories above `path`, without listing them; says so where it did."""
        for directory in path.parents:
            mode = directory.stat().st_mode
            if not mode & stat.S_IXOTH and directory.stat().st_uid != self.user:
                directory.chmod(mode | stat.S_IXOTH)
                print(  # noqa: T201 - a changed permission is worth a line
                    f"Note: {directory} may now be passed through by every user (chmod o+x): PostgreSQL,"
                    " which does not run as root, has its files below it.",
                    file=sys.stderr,
                )

    def let_read(self, folder: Path) -> None:
        """Lets everybody read PostgreSQL's programs, which a strict umask hid at their installation."""
        self.let_through(folder)
        if folder.stat().st_mode & stat.S_IROTH:
            return
        for path in (folder, *folder.rglob("*")):
            mode = path.stat().st_mode
            path.chmod(mode | stat.S_IROTH | (stat.S_IXOTH if mode & stat.S_IXUSR else 0))


def programs_account(directory: Path) -> Account | None:
    """The owner of `directory` where it exists, else the machine's account for PostgreSQL. None: just this user."""
    if os.geteuid() != 0:
        return None
    if directory.exists() and directory.stat().st_uid != 0:
        owner = directory.stat()
        return Account(owner.st_uid, owner.st_gid)
    return _account_of_the_machine()


@cache
def _account_of_the_machine() -> Account:
    for name in _NAMES:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(entry.pw_uid, entry.pw_gid)
    try:
        subprocess.run(["useradd", "--system", "--shell", "/usr/sbin/nologin", _NAMES[0]], check=True)  # noqa: S607
        entry = pwd.getpwnam(_NAMES[0])
    except (OSError, subprocess.CalledProcessError, KeyError):
        raise NoAccount from None
    return Account(entry.pw_uid, entry.pw_gid)

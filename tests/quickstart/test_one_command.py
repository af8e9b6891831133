"""`make run`: first start, second start, and the end of all processes."""

import json
import re
import signal
import subprocess
from collections.abc import Callable

import psycopg
import pytest

from quickstart.data_directory import DataDirectory
from quickstart.postgres import Cluster
from tests.quickstart.conftest import QuickStart
from tests.waiting import wait_until

COUNT_USERS = "from django.contrib.auth.models import User; print(User.objects.count())"
SIGN_IN = "from django.contrib.auth import authenticate; print(bool(authenticate(username='{}', password='{}')))"


def test_the_first_start_makes_an_administrator_whose_password_is_printed_once(
    quick_start: Callable[..., QuickStart], manage: Callable[..., "subprocess.CompletedProcess[str]"]
) -> None:
    """A start that was killed leaves nothing running, and the next one works."""
    first = quick_start()
    first.wait_until_ready()
    printed = first.end(signal.SIGKILL)
    wait_until(lambda: first.survivors() == [], f"these end by themselves: {first.survivors()}")
    second = quick_start()
    second.wait_until_ready()
    password = re.search(r"Password +(\S+)", printed)

    assert f"http://127.0.0.1:{first.port}" in printed
    assert password, printed
    assert manage("shell", "-v0", "-c", SIGN_IN.format("admin", password[1])).stdout.strip() == "True"
    assert "Password" not in second.end(signal.SIGTERM)


@pytest.mark.usefixtures("with_tables")
def test_the_environment_names_the_administrator(
    quick_start: Callable[..., QuickStart], manage: Callable[..., "subprocess.CompletedProcess[str]"]
) -> None:
    """Ctrl-C leaves nothing running."""
    started = quick_start(
        DJANGO_SUPERUSER_USERNAME="ada", DJANGO_SUPERUSER_PASSWORD="correct-horse", DJANGO_SUPERUSER_EMAIL="a@b.example"
    )
    started.wait_until_ready()
    assert_nothing_is_left_running(started, signal.SIGINT)
    printed = started.printed

    assert "ada" in printed
    assert "correct-horse" not in printed
    assert manage("shell", "-v0", "-c", SIGN_IN.format("ada", "correct-horse")).stdout.strip() == "True"


@pytest.mark.usefixtures("with_tables")
def test_a_start_that_is_ended_before_it_is_ready_tells_the_password_all_the_same(
    quick_start: Callable[..., QuickStart],
    manage: Callable[..., "subprocess.CompletedProcess[str]"],
    data: DataDirectory,
) -> None:
    url = Cluster(data.postgres, data.log).url
    started = quick_start()
    wait_until(lambda: has_a_user(url), "the administrator is made")
    printed = started.end(signal.SIGTERM)
    password = re.search(r"Password +(\S+)", printed)

    assert password, printed
    assert "Traceback" not in printed
    assert manage("shell", "-v0", "-c", SIGN_IN.format("admin", password[1])).stdout.strip() == "True"


def has_a_user(url: str) -> bool:
    try:
        with psycopg.connect(url) as database:
            return database.execute("SELECT FROM auth_user").rowcount == 1
    except (psycopg.OperationalError, psycopg.errors.UndefinedTable):
        return False


def assert_nothing_is_left_running(started: QuickStart, stop_signal: signal.Signals) -> None:
    family = len(started.family)
    output = started.end(stop_signal)

    assert family >= 5, "the keeper, PostgreSQL, gunicorn and its two workers at least"
    assert started.survivors() == []
    assert "Traceback" not in output


@pytest.mark.usefixtures("with_tables")
def test_manage_py_finds_the_product_whether_it_runs_or_not(
    quick_start: Callable[..., QuickStart],
    manage: Callable[..., "subprocess.CompletedProcess[str]"],
    data: DataDirectory,
) -> None:
    """SIGTERM ends the product here, and leaves nothing running."""
    started = quick_start()
    started.wait_until_ready()
    while_it_runs = manage("shell", "-v0", "-c", COUNT_USERS)
    made = json.loads(manage("create_connection", "My Airflow", "--type", "airflow", "--json").stdout)

    assert made["endpoint"] == f"http://127.0.0.1:{started.port}/gateway/openlineage/{made['id']}"
    assert while_it_runs.stdout.strip() == "1", while_it_runs.stderr
    assert started.is_ready(), "the command stopped the server under the product"
    assert_nothing_is_left_running(started, signal.SIGTERM)
    assert manage("shell", "-v0", "-c", COUNT_USERS).stdout.strip() == "1"
    assert Cluster(data.postgres, data.log).postmaster() is None, "the command left the server running"

"""Selection of tests: Airflow, Spark and old senders take minutes to install and run, so only `make test-clients` and
their own paths select them. And the reader of what is shown of dbt."""

from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from people.tokens import create_api_token
from tests.live_server import Sender
from tests.senders.dbt_shown import Shown
from tests.serving import LiveServer

HERE = Path(__file__).parent
_ONLY_WHERE_NAMED = (
    "test_airflow.py",
    "test_airflow_fetched.py",
    "test_cosmos.py",
    "test_dbt_fetched.py",
    "test_flink.py",
    "test_old_airflow.py",
    "test_old_dbt.py",
    "test_shared_tables.py",
    "test_spark.py",
    "test_terraform.py",
    "test_trino.py",
)


@pytest.fixture
def shown(server: LiveServer, sender: Sender) -> Shown:
    user = User.objects.create_user("ada")
    return Shown(server.url, sender.connection.id, create_api_token(user=user, name="script", now=timezone.now()).text)


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "only_where_named: runs with `make test-clients`, or where its path is given.")


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Ignore these tests unless they are named: they would be skipped, or slow, in each run of all tests."""
    return True if collection_path.name in _ONLY_WHERE_NAMED and not _are_named(config) else None


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Deselect tests of this kind in files of which others always run."""
    marked = [item for item in items if item.get_closest_marker("only_where_named")]
    if marked and not _are_named(config):
        items[:] = [item for item in items if item not in marked]
        config.hook.pytest_deselected(items=marked)


def _are_named(config: pytest.Config) -> bool:
    named = [(config.invocation_params.dir / argument.split("::")[0]).resolve() for argument in config.args]
    return any(path.is_relative_to(HERE) for path in named)

"""Selection of tests: Airflow, Spark and old senders take minutes to install and run, so only `make test-clients` and
their own paths select them. And the reader of what is shown of dbt."""

from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from api.actions import create_api_token
from tests.live_server import Sender
from tests.senders.dbt_shown import Shown
from tests.serving import LiveServer

HERE = Path(__file__).parent
_ONLY_WHERE_NAMED = (
    *("test_airflow.py", "test_old_airflow.py", "test_old_dbt.py", "test_shared_tables.py", "test_spark.py"),
)


@pytest.fixture
def shown(server: LiveServer, sender: Sender) -> Shown:
    user = User.objects.create_user("ada")
    return Shown(server.url, sender.connection.id, create_api_token(user=user, now=timezone.now()).text)


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Ignore these tests unless they are named: they would be skipped, or slow, in each run of all tests."""
    if collection_path.name not in _ONLY_WHERE_NAMED:
        return None
    named = [(config.invocation_params.dir / argument.split("::")[0]).resolve() for argument in config.args]
    return None if any(path.is_relative_to(HERE) for path in named) else True

"""`make run` maintains its database: maintenance starts with it, and is restarted if it dies."""

from collections.abc import Callable

import psutil
import psycopg
import pytest

from quickstart.data_directory import DataDirectory
from quickstart.postgres import Cluster
from tests.quickstart.conftest import QuickStart
from tests.waiting import wait_until

_NEWEST = """
SELECT max(child.relname) FROM pg_inherits JOIN pg_class child ON child.oid = inhrelid
WHERE inhparent = 'lineage_event'::regclass AND child.relname <> 'lineage_event_default'
"""


def _newest_week(url: str) -> str:
    with psycopg.connect(url) as connection:
        [(name,)] = connection.execute(_NEWEST).fetchall()
    return str(name)


def _drop(url: str, partition: str) -> None:
    with psycopg.connect(url) as connection:
        connection.execute(f"DROP TABLE {partition}")


def _maintenance(started: QuickStart) -> psutil.Process | None:
    children = psutil.Process(started.process.pid).children()
    return next((child for child in children if "maintain" in child.cmdline()), None)


@pytest.mark.usefixtures("with_tables")
def test_partitions_are_made_as_long_as_the_product_runs(
    quick_start: Callable[..., QuickStart], data: DataDirectory
) -> None:
    url = Cluster(data.postgres, data.log).url
    started = quick_start()
    started.wait_until_ready()
    wait_until(lambda: _maintenance(started) is not None, "maintenance runs")
    newest = _newest_week(url)

    running = _maintenance(started)
    assert running
    running.kill()
    _drop(url, newest)
    assert _newest_week(url) < newest

    wait_until(lambda: _newest_week(url) == newest, "maintenance is started again and makes the partition")

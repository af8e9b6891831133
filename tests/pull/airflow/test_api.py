"""Pages of Airflow's API, while what they show changes."""

from datetime import timedelta

import pytest

from pull.http.client import Client
from pull.http.faults import Fault
from pull.sources.airflow.api import AirflowApi, as_text
from pull.sources.airflow.logins import ByPassword
from tests.pull.airflow.replay import NOW, PASSWORD, Replay, replayed
from tests.pull.conftest import ALLOWED
from tests.pull.local_server import Answer, Asked

WINDOW = {"updated_at_gte": as_text(NOW - timedelta(days=1)), "updated_at_lte": as_text(NOW)}


class Changing(Replay):
    """A row changes while a later page is read: it leaves the window. `most`: how often."""

    def __init__(self, release: int, most: int) -> None:
        super().__init__(release=release)
        self.left = most
        self.changed: set[str] = set()
        self.refuse = self._change

    def _change(self, asked: Asked) -> Answer | None:
        if self.left and asked.path.endswith("~/dagRuns") and asked.query.get("offset") == ["5"]:
            self.left -= 1
            run = next(run for run in self.records["dag_runs"] if run["dag_run_id"] not in self.changed)
            self.changed.add(run["dag_run_id"])
            run["end_date"] = (NOW + timedelta(seconds=1)).isoformat()
        return None


@pytest.mark.parametrize("release", [3, 2])
def test_no_row_is_lost_between_two_pages(release: int) -> None:
    replay = Changing(release, most=2)
    with replayed(replay) as (server, _), Client(server.url, ALLOWED) as client:
        api = AirflowApi(client, ByPassword("viewer", PASSWORD))
        read = {run.dag_run_id for page in api.dag_runs(**WINDOW) for run in page}
    unchanged = {run["dag_run_id"] for run in replay.records["dag_runs"]} - replay.changed
    assert len(replay.changed) == 2
    assert len(unchanged) > 20
    assert unchanged <= read


def test_rows_that_change_faster_than_they_are_read_are_a_fault() -> None:
    with replayed(Changing(3, most=10)) as (server, _), Client(server.url, ALLOWED) as client:
        api = AirflowApi(client, ByPassword("viewer", PASSWORD))
        with pytest.raises(Fault, match="change faster"):
            list(api.dag_runs(**WINDOW))

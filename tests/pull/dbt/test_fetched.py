"""Results of real commands as they are fetched, compared with dbt's own results and with what dbt-ol sent of them."""

import random
import uuid
from collections import Counter
from datetime import timedelta
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from django.utils import timezone

from connections.actions import create_connection
from lineage.models import Job, Run
from lineage.runs.relations import children_of
from pull.actions import set_up_source
from pull.checking import check
from pull.models import PullSource, SyncRun
from pull.sources.dbt.artifacts import CATALOG, MANIFEST, RUN_RESULTS
from pull.sources.fetcher import Memory
from pull.storing import store
from tests.lineage.conftest import READER, make_sender
from tests.lineage.shown import assert_shown_as_the_rules_say
from tests.pull.conftest import ALLOWED, fetch
from tests.pull.dbt.artifacts import (
    COMMANDS,
    HERE,
    NAMESPACE,
    NOW,
    STATES,
    TABLES,
    as_if_written,
    bodies_of,
    copied_to,
    pushed,
    results_of,
)
from tests.pull.local_server import Answer, Asked, answering

pytestmark = pytest.mark.django_db


@pytest.fixture
def directory(tmp_path: Path, settings: Any) -> Path:
    settings.PULL_LOCAL_ROOT = str(tmp_path)
    return copied_to(tmp_path / "shop")


def set_up(place: str, secret: str = "") -> PullSource:
    now = timezone.now()
    return set_up_source(
        connection=create_connection(name=uuid.uuid4().hex, type="dbt", created_by=None, now=now),
        system="dbt",
        config={"place": place, "namespace": NAMESPACE, "tables": TABLES},
        secret={"secret": secret},
        created_by=None,
        now=now,
    )


def fetch_now(source: PullSource, memory: Any = None) -> SyncRun:
    return fetch(source, lambda: NOW, memory)


def again(source: PullSource) -> None:
    """Let the next sync look at the whole time once more."""
    PullSource.objects.filter(pk=source.pk).update(cursor=NOW - timedelta(hours=1))


class Shown(NamedTuple):
    """Shown run, whichever way it came."""

    job: str
    state: str
    invocation: uuid.UUID | None


def shown_of(connection_id: uuid.UUID) -> list[Shown]:
    runs = Run.objects.filter(connection_id=connection_id, is_hidden=False).select_related("job")
    return sorted((Shown(run.job.name, run.shown_state, run.invocation_id) for run in runs), key=str)


def test_each_result_is_shown_as_dbt_says(directory: Path) -> None:
    source = set_up("shop")
    done = fetch_now(source)
    assert (done.outcome, done.reason, done.problems) == ("ok", "", {})
    assert done.new_events == done.events
    shown = Run.objects.filter(connection_id=source.connection_id, is_hidden=False).select_related("job")
    compared: Counter[str] = Counter()
    for command in COMMANDS:
        results = results_of(command)
        parent = shown.get(orchestrator_run_id=results.metadata.invocation_id)
        fails = command not in ("seed", "snapshot")
        assert (parent.job.name, parent.shown_state) == ("dbt-run-shop", "FAILED" if fails else "COMPLETED")
        assert (parent.started_at, parent.ended_at) == (results.started_at, results.ended_at)
        nodes = {run.job.name: run for run in shown if run.parent_run_id == parent.run_id}
        for result in results.results:
            if result.kind == "exposure":  # nothing runs for it
                continue
            run = nodes.pop(result.unique_id)
            assert run.shown_state == STATES[result.status], result
            assert (run.started_at, run.ended_at) == result.times(results.ended_at)
            compared[result.status] += 1
        assert not nodes
    assert compared == {"success": 33, "skipped": 26, "error": 25, "pass": 24, "fail": 9, "warn": 6}
    # `dbt docs generate` says that all is well: it ran nothing.
    assert not shown.filter(orchestrator_run_id=results_of("docs").metadata.invocation_id).exists()
    assert shown.filter(job__name="dbt-run-shop").count() == len(COMMANDS)


def test_the_same_artifacts_again_store_nothing_new(directory: Path) -> None:
    source = set_up(str(directory))
    fetch_now(source)
    again(source)
    PullSource.objects.update(jobs_read_at=None)
    second = fetch_now(source)
    assert (second.outcome, second.new_events) == ("ok", 0)
    assert second.events > 200


@pytest.mark.parametrize("command", ["build", "build-default"])
def test_beside_what_dbt_ol_sends_each_node_is_shown_once(command: str) -> None:
    """Events of structured mode and of default mode, in any order."""
    fetched, sent = bodies_of(command), pushed(command)
    only = make_sender()
    store(only.key.voucher, fetched)
    expected = shown_of(only.connection.id)
    assert len(expected) == len({run.job for run in expected}) == 41
    orders = [[*sent, *fetched], [*fetched, *sent]]
    orders += [random.Random(seed).sample([*sent, *fetched], len(sent) + len(fetched)) for seed in (1, 2, 3)]
    rows = set()
    for order in orders:
        sender = make_sender()
        for part in (order[: len(order) // 3], order[len(order) // 3 :], fetched):
            store(sender.key.voucher, part)
        assert shown_of(sender.connection.id) == expected
        assert_shown_as_the_rules_say(sender.connection.id)
        found = Run.objects.filter(connection=sender.connection, is_hidden=False).select_related("job")
        rows.add(tuple(sorted((run.job.name, run.started_at, run.ended_at, run.run_id) for run in found)))
        parent = next(run for run in found if run.job.name == "dbt-run-shop")
        assert children_of(parent, READER).count() == len(expected) - 1
    assert len(rows) == 1


def test_files_that_are_being_written_are_read_once_they_are_whole(directory: Path) -> None:
    source, now = set_up("shop/build"), timezone.now()
    results, manifest = directory / "build" / RUN_RESULTS, directory / "build" / MANIFEST
    whole, described = as_if_written(results, now), (directory / MANIFEST).read_bytes()
    seen = []
    for written, described_so_far in ((whole[:-9], b""), (whole, b""), (whole, described[:-9]), (whole, described)):
        results.write_bytes(written)
        if described_so_far:
            manifest.write_bytes(described_so_far)
        now += timedelta(minutes=1)
        done = fetch(source, lambda: now)  # noqa: B023 - called at once
        seen.append((done.outcome, done.new_events, " ".join(done.problems)))
    assert [one[:2] for one in seen] == [("partial", 0), ("partial", 0), ("partial", 0), ("ok", 82)]
    assert seen[0][2] == "run_results.json is no JSON: perhaps it is being written. The next sync reads it again."
    assert seen[1][2].startswith("There is no manifest.json for run_results.json")
    assert seen[2][2].startswith("manifest.json is no JSON")


def test_a_file_of_another_shape_leaves_the_others_be(directory: Path) -> None:
    for path in directory.rglob("*.json"):
        path.touch()
    now = timezone.now()
    seed = directory / "seed" / RUN_RESULTS
    seed.write_bytes(as_if_written(seed, now))
    (directory / "run" / RUN_RESULTS).write_text('{"metadata": {"generated_at": "2026-12-01"}, "results": []}')
    done = fetch(set_up("shop"), lambda: now + timedelta(seconds=5))
    assert done.outcome == "partial"
    assert done.new_events >= 4 + 12
    [(words, count)] = done.problems.items()
    assert words.startswith(
        "run/run_results.json is no such file of dbt 1.3 or newer: Invalid RFC3339 encoded datetime"
    )
    assert words.endswith("at `$.metadata.generated_at`.")
    assert count == 1


def test_a_url_is_asked_for_what_changed() -> None:
    files = {f"/shop/{name}": (HERE / name).read_bytes() for name in (MANIFEST, CATALOG)}
    files[f"/shop/{RUN_RESULTS}"] = (HERE / "run" / RUN_RESULTS).read_bytes()

    def answer(asked: Asked) -> Answer:
        if asked.headers.get("Authorization") != "Bearer canary":
            return Answer(401)
        body = files.get(asked.path)
        if body is None:
            return Answer(404)
        etag = f'"{hash(body)}"'
        if asked.headers.get("If-None-Match") == etag:
            return Answer(304, b"")
        return Answer(200, body, {"ETag": etag})

    with answering(answer) as server:
        source = set_up(f"{server.url}/shop", "canary")
        memory: Memory = {}
        first = fetch_now(source, memory)
        assert (first.outcome, first.new_events) == ("ok", 24 + 12)
        server.asked.clear()
        again(source)
        assert fetch_now(source, memory).events == 0
        assert [asked.path for asked in server.asked] == [f"/shop/{RUN_RESULTS}"]
        del files[f"/shop/{CATALOG}"]
        files[f"/shop/{RUN_RESULTS}"] = (HERE / "test" / RUN_RESULTS).read_bytes()
        again(source)
        assert fetch_now(source, memory).new_events == 2 + 2 * 28
        # Another worker remembers nothing.
        again(source)
        assert fetch_now(source).new_events == 0
        compared = check(source, allowed=ALLOWED, now=NOW)
        assert (compared.agrees, compared.runs) == (True, 1)
        refused = fetch_now(set_up(f"{server.url}/shop", "wrong"))
    assert (refused.outcome, refused.code) == ("failed", "unauthorized")


def test_jobs_have_what_the_project_says_of_their_nodes(directory: Path) -> None:
    source = set_up(str(directory))
    fetch_now(source)
    job = Job.objects.get(connection_id=source.connection_id, name="model.shop.orders")
    assert (job.owners, job.tags, job.description) == (["ada@example.com"], ["daily"], "An order each.")
    assert check(source, allowed=ALLOWED, now=NOW).agrees

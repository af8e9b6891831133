"""Lineage that a walk finds, in whatever order the events came, and however often."""

from collections.abc import Callable
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

import pytest

from tests.lineage.build import at, dataset, run_event
from tests.lineage.conftest import Sender
from tests.lineage.graph.walks import datasets, graph_of, lines, names_in, orders, run

pytestmark = pytest.mark.django_db

NewSender = Callable[[], Sender]


def always(new_sender: NewSender, events: list[bytes], name: str, expected: set[str], **asked: Any) -> None:
    """Check the lines that a walk finds, in each order of the events."""
    for shuffled in orders(events):
        sender = new_sender()
        for event in shuffled:
            sender.send(event)
        assert lines(graph_of(sender, name, **asked)) == expected


def test_a_bare_start_and_a_bare_failure_remove_nothing(new_sender: NewSender) -> None:
    events = [
        run("J", "A", "B"),
        run("J", type_="START", at_minute=10),
        run("J", type_="START", at_minute=20),
        run("J", type_="FAIL", at_minute=20),
    ]
    for name in ("A", "B"):
        always(new_sender, events, name, {"A>J", "J>B"})


def test_events_of_one_run_join_their_datasets(new_sender: NewSender) -> None:
    events = [run("J", "A", type_="START", run_id="r"), run("J", "", "B", run_id="r", at_minute=1)]
    always(new_sender, events, "A", {"A>J", "J>B"})


def test_what_the_latest_round_does_not_name_is_varying(new_sender: NewSender) -> None:
    events = [run("J", "p1", "q1"), run("J", "p2", "q2", at_minute=60)]
    always(new_sender, events, "p2", {"p2>J", "J>q2", "J~q1"})
    always(new_sender, events, "p2", {"p2>J", "J>q2"}, varying=False)
    always(new_sender, events, "q1", set(), varying=False)
    between = datetime(2026, 11, 20, 12, 30, tzinfo=UTC)
    always(new_sender, events, "p1", {"p1>J", "J>q1"}, then=between)
    always(new_sender, events, "p2", set(), then=between)


def test_what_was_named_long_before_the_latest_round_is_past(sender: Sender) -> None:
    for day, output in (("01", "old"), ("10", "older"), ("16", "new")):
        sender.send(run_event("COMPLETE", f"2026-11-{day}T12:00:00Z", run=f"r{day}", outputs=[dataset(output)]))
    assert lines(graph_of(sender, "new")) == {"job>new"}
    assert lines(graph_of(sender, job="job")) == {"job>new", "job~older"}
    then = datetime(2026, 11, 5, tzinfo=UTC)
    assert lines(graph_of(sender, job="job", then=then)) == {"job>old"}


def test_a_mapped_task_has_the_datasets_of_all_its_instances(new_sender: NewSender) -> None:
    def instance(index: int, minute: float, type_: str = "COMPLETE", run_id: str = "") -> bytes:
        facets = {
            "parent": {
                "run": {"runId": "00000000-0000-0000-0000-0000000000aa"},
                "job": {"namespace": "n", "name": "d"},
            },
            "airflow": {"taskInstance": {"try_number": 1, "map_index": index}},
        }
        of: dict[str, Any] = {
            "at_minute": minute,
            "type_": type_,
            "run_id": run_id or f"m{index}",
            "run_facets": facets,
        }
        return run("M", "", f"t{index}", **of)

    events = [instance(1, 0), instance(2, 1), instance(3, 2, "FAIL", "first try"), instance(3, 3)]
    for shuffled in orders(events):
        sender = new_sender()
        sender.send(*shuffled)
        assert lines(graph_of(sender, job="M")) == {"M>t1", "M>t2", "M>t3"}


def test_a_walk_keeps_its_direction(new_sender: NewSender) -> None:
    events = [run("J1", "A", "B"), run("J2", "A", "C"), run("J3", "C B", "D")]
    always(new_sender, events[:2], "B", {"A>J1", "J1>B"})
    always(new_sender, events, "B", {"A>J1", "J1>B", "B>J3", "J3>D"})
    always(new_sender, events, "A", {"A>J1", "A>J2", "J1>B", "J2>C", "B>J3", "C>J3", "J3>D"})
    always(new_sender, events, "D", {"A>J1", "A>J2", "J1>B", "J2>C", "B>J3", "C>J3", "J3>D"}, direction="up")
    always(new_sender, events, "C", {"A>J2", "J2>C"}, direction="up")


def test_depth_counts_datasets(sender: Sender) -> None:
    sender.send(*(run(f"J{n}", f"t{n}", f"t{n + 1}") for n in range(6)))
    assert datasets(graph_of(sender, "t3", depth=1)) == {"t2", "t3", "t4"}
    assert datasets(graph_of(sender, "t3", depth=2)) == {"t1", "t2", "t3", "t4", "t5"}
    assert datasets(graph_of(sender, job="J3", depth=1)) == {"t3", "t4"}
    graph = graph_of(sender, "t3", depth=2)
    assert sorted(graph.datasets.values()) == [-2, -1, 0, 1, 2]


def test_expanded_datasets_show_one_step_more(sender: Sender) -> None:
    sender.send(*(run(f"J{n}", f"t{n}", f"t{n + 1}") for n in range(6)))
    shown = graph_of(sender, "t0", depth=1)
    [last] = [id_ for id_, distance in shown.datasets.items() if distance == 1]
    assert datasets(graph_of(sender, "t0", depth=1, expand=frozenset({str(last)}))) == {"t0", "t1", "t2"}


def test_expanded_datasets_show_what_lies_against_the_direction(sender: Sender) -> None:
    sender.send(run("J", "A", "B"), run("R", "A", "C"), run("W", "X", "B"))
    shown = graph_of(sender, "B", direction="up")
    assert datasets(shown) == {"A", "B", "X"}
    [far] = [id_ for id_, name in names_in(shown).items() if name == "A"]
    expanded = graph_of(sender, "B", direction="up", expand=frozenset({str(far)[:8]}))
    assert datasets(expanded) == {"A", "B", "C", "X"}
    assert sorted(expanded.datasets.values()) == [-1, -1, 0, 0]


def test_cycles_end(new_sender: NewSender) -> None:
    events = [run("merge", "S T", "T"), run("J1", "A", "B"), run("J2", "B", "A")]
    always(new_sender, events, "T", {"S>merge", "T>merge", "merge>T"})
    always(new_sender, events, "A", {"A>J1", "J1>B", "B>J2", "J2>A"})


def test_a_full_graph_says_what_it_leaves_out(sender: Sender) -> None:
    sender.send(run("J", "A", " ".join(f"t{n}" for n in range(30))))
    graph = graph_of(sender, "A", limit=10)
    assert (len(graph.datasets), len(graph.left_out)) == (10, 21)


def symlink(name: str, namespace: str = "hive") -> dict[str, Any]:
    return {"identifiers": [{"namespace": namespace, "name": name, "type": "TABLE"}]}


def test_names_of_one_table_are_one_dataset_across_connections(new_sender: NewSender) -> None:
    """Spark writes files and names the table, in another namespace later. Trino reads the table."""
    written = dataset("/wh/t1", "hdfs", symlinks=symlink("default.t1"))
    later = dataset("/wh/t1", "hdfs", symlinks=symlink("default.t1", "glue"))
    of_spark = [
        run_event("COMPLETE", at(0), run="s1", job="spark", outputs=[written]),
        run_event("COMPLETE", at(60), run="s2", job="spark", outputs=[later]),
    ]
    of_trino = [run_event("COMPLETE", at(90), run="t", job="trino", inputs=[dataset("default.t1", "hive")])]
    for seed in orders(of_spark):
        spark, trino = new_sender(), new_sender()
        trino.send(*of_trino)
        for event in seed:
            spark.send(event)
        for namespace, name in (("hive", "default.t1"), ("hdfs", "/wh/t1")):
            graph = graph_of([spark, trino], name, namespace=namespace)
            assert len(graph.datasets) == 1
            assert {line.split(">")[0] for line in lines(graph)} == {"spark", "default.t1"}


def renamed(before: str) -> dict[str, Any]:
    previous = {"namespace": "warehouse", "name": before}
    return {"lifecycleStateChange": {"lifecycleStateChange": "RENAME", "previousIdentifier": previous}}


def test_a_rename_that_completed_joins_the_datasets(new_sender: NewSender) -> None:
    events = [
        run("J", "", "old"),
        run("R", "", "new", at_minute=1, facets={"new": renamed("old")}),
        run("F", "", "x", at_minute=2, type_="FAIL", facets={"x": renamed("new")}),
        run("K", "new", "z", at_minute=3),
    ]
    always(new_sender, events, "new", {"J>old", "old=>new", "new>K", "K>z"})
    always(new_sender, events, "z", {"J>old", "old=>new", "new>K", "K>z"})
    always(new_sender, events, "old", {"J>old", "old=>new", "new>K", "K>z"})


def test_renames_follow_one_another(sender: Sender) -> None:
    sender.send(
        run("J", "", "v1"),
        run("R", "", "v2", at_minute=1, facets={"v2": renamed("v1")}),
        run("R", "", "v3", at_minute=2, facets={"v3": renamed("v2")}),
        run("K", "v3", "z", at_minute=3),
    )
    for name in ("v1", "v2", "v3", "z"):
        assert lines(graph_of(sender, name)) == {"J>v1", "v1=>v2", "v2=>v3", "v3>K", "K>z"}, name


def test_renames_in_a_circle_end(sender: Sender) -> None:
    names = ("a", "b", "c", "a")
    sender.send(
        *(
            run("R", "", new, at_minute=minute, facets={new: renamed(old)})
            for minute, (old, new) in enumerate(pairwise(names))
        )
    )
    for name in "abc":
        assert lines(graph_of(sender, name)) == {"a=>b", "b=>c", "c=>a"}


def test_what_only_drops_a_dataset_does_not_write_it(sender: Sender) -> None:
    dropped = {"lifecycleStateChange": {"lifecycleStateChange": "DROP"}}
    sender.send(run("J", "A", "B"), run("D", "", "B", at_minute=1, facets={"B": dropped}))
    assert lines(graph_of(sender, "B")) == {"A>J", "J>B"}


def test_a_job_that_is_only_described(sender: Sender) -> None:
    """JobEvents declare datasets; a later one replaces what an earlier one declared."""
    for minute, output in ((0, "B"), (5, "C")):
        described = run("J", "A", output, at_minute=minute).replace(b'"run": {', b'"ran": {')
        sender.send(described.replace(b', "eventType": "COMPLETE"', b""))
    assert lines(graph_of(sender, "A")) == {"A>J", "J>C"}


def test_a_renamed_run_is_one_job(sender: Sender) -> None:
    """Spark adds the name of the table later: the datasets of both names are those of the last one."""
    facets = {"jobType": {"jobType": "SQL_JOB", "integration": "SPARK", "processingType": "BATCH"}}
    sender.send(run("app.insert", "A", "", type_="START", run_id="q", job_facets=facets))
    sender.send(run("app.insert.orders", "", "B", at_minute=1, run_id="q", job_facets=facets))
    expected = {"A>app.insert.orders", "app.insert.orders>B"}
    assert lines(graph_of(sender, "A")) == lines(graph_of(sender, "B")) == expected
    assert lines(graph_of(sender, job="app.insert")) == expected


def test_other_connections_are_followed_only_if_they_may_be_seen(new_sender: NewSender) -> None:
    one, other = new_sender(), new_sender()
    one.send(run("J", "A", "B"))
    other.send(run("K", "B", "C"))
    assert lines(graph_of([one, other], "A")) == {"A>J", "J>B", "B>K", "K>C"}
    assert lines(graph_of(one, "A")) == {"A>J", "J>B"}

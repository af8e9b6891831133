"""The decoder: which documents are events, and what is read from them."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from lineage.events import Event, InvalidEvent, NotJson, decode_batch, decode_event
from lineage.events.decode import MAX_BATCH_EVENTS
from lineage.events.document import MAX_DATASETS
from tests.lineage.build import dataset, run_event

PARENT = {"run": {"runId": "p"}, "job": {"namespace": "n", "name": "parent"}}
ROOT = {"run": {"runId": "r"}, "job": {"namespace": "n", "name": "root"}}


def with_field(path: str, value: Any) -> bytes:
    """A good event with one field set (or, for `...`, left out)."""
    event = json.loads(run_event(inputs=[dataset("t")]))
    *parents, last = [int(p) if p.isdigit() else p for p in path.split(".")]
    target = event
    for parent in parents:
        target = target[parent]
    if value is ...:
        del target[last]
    else:
        target[last] = value
    return json.dumps(event).encode()


def test_every_sample_is_an_event(sample_lines: Callable[..., list[bytes]]) -> None:
    events = [decode_event(line) for line in sample_lines()]
    assert {event.job.integration for event in events if event.job} == {"AIRFLOW", "DBT"}
    assert {event.job.kind for event in events if event.job} == {
        "DAG",
        "TASK",
        "JOB",
        "MODEL",
        "TEST",
        "SEED",
        "SNAPSHOT",
        "SQL",
    }


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("schemaURL", ...),
        ("schemaURL", 7),
        ("producer", ...),
        ("producer", []),
        ("eventType", ...),
        ("eventType", None),
        ("inputs", None),
        ("inputs", ...),
        ("job.facets", None),
        ("job.facets", []),
        ("run.facets", "x"),
        ("run.facets", {"nominalTime": {"nominalStartTime": "2026-01-01T00:00:00Z", "nominalEndTime": None}}),
        ("run.facets", {"parent": [], "errorMessage": 1, "airflow": {"taskInstance": {"try_number": "2"}}}),
        ("run.facets", {"unknown": {"deeply": [{"nested": True}]}}),
        ("inputs.0.facets", None),
    ],
)
def test_what_senders_leave_out_or_break_does_not_reject(path: str, value: Any) -> None:
    assert decode_event(with_field(path, value)).job is not None


@pytest.mark.parametrize(
    ("path", "value", "told"),
    [
        ("eventTime", ..., "missing required field `eventTime`"),
        ("eventTime", "yesterday", "$.eventTime"),
        ("eventTime", "10000-01-01T00:00:00Z", "$.eventTime"),
        ("eventTime", "9999-12-31T23:59:59-10:00", "$.eventTime"),
        ("eventTime", 1763640000, "$.eventTime"),
        ("eventTime", "[" * 1_000_000, "$.eventTime"),
        ("eventType", "FINISHED", "START, RUNNING, COMPLETE, ABORT, FAIL, OTHER"),
        ("run", [], "$.run"),
        ("run.runId", ..., "missing required field `runId`"),
        ("run.runId", "", "$.run.runId"),
        ("job", ..., "missing required field `job`"),
        ("job.name", 7, "$.job.name"),
        ("job.name", "", "$.job.name"),
        ("job.name", "x" * 2049, "$.job.name"),
        ("job.namespace", None, "$.job.namespace"),
        ("run", None, "`run`, which an event of type START needs"),
    ],
)
def test_what_is_no_event_is_refused_with_path_and_expectation(path: str, value: Any, told: str) -> None:
    with pytest.raises(InvalidEvent) as refused:
        decode_event(with_field(path, value))
    assert told in str(refused.value)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"not json",
        run_event()[:-1],
        run_event() + b"x",
        b"\xef\xbb\xbf" + run_event(),
        run_event().decode().encode("utf-16"),
        b'{"a": NaN}',
        b'{"a": "\xff"}',
    ],
)
def test_what_is_not_json_is_told_apart(body: bytes) -> None:
    with pytest.raises(NotJson):
        decode_event(body)


@pytest.mark.parametrize("body", [b"[]", b"null", b"7", b'"text"', b"{}", b'{"eventTime": "2026-01-01T00:00:00Z"}'])
def test_json_that_is_no_event_object(body: bytes) -> None:
    with pytest.raises(InvalidEvent):
        decode_event(body)


def test_nesting_beyond_what_can_be_read_is_refused() -> None:
    deep = run_event(run_facets={"x": "DEEP"}).replace(b'"DEEP"', b"[" * 20_000 + b"]" * 20_000)
    with pytest.raises(InvalidEvent, match="nested too deeply"):
        decode_event(deep)


@pytest.mark.parametrize(
    ("text", "time"),
    [
        ("2026-11-20T12:00:00Z", datetime(2026, 11, 20, 12, tzinfo=UTC)),
        ("2026-11-20T12:00:00", datetime(2026, 11, 20, 12, tzinfo=UTC)),
        ("2026-11-20T12:00:00.123456789Z", datetime(2026, 11, 20, 12, 0, 0, 123456, tzinfo=UTC)),
        ("2026-11-20T13:00:00+01:00", datetime(2026, 11, 20, 12, tzinfo=UTC)),
        ("2026-11-20T13:00:00+01:00[Europe/Paris]", datetime(2026, 11, 20, 12, tzinfo=UTC)),
        ("2026-11-20t12:00:00z", datetime(2026, 11, 20, 12, tzinfo=UTC)),
        ("1960-01-01T00:00:00Z", datetime(1960, 1, 1, tzinfo=UTC)),
    ],
)
def test_times_as_senders_write_them(text: str, time: datetime) -> None:
    assert decode_event(run_event(time=text)).event_time == time


def test_text_that_postgresql_cannot_store_is_kept_in_the_body_and_replaced_in_names() -> None:
    body = run_event(job="JOB").replace(b"JOB", rb"a\u0000b\ud800c\ud83d\ude00d\\ud800")
    event = decode_event(body)
    assert event.body == body
    assert event.job is not None
    assert event.job.name == "a\ufffdb\ufffdc\U0001f600d\\ud800"


def test_a_run_id_that_is_no_uuid_is_mapped_always_to_the_same_one() -> None:
    first, again = (decode_event(run_event(time=time, run="manual__1")).run for time in ("2026-01-01", "2026-01-02"))
    assert first is not None
    assert again is not None
    assert first.id == again.id
    assert first.external_id == "manual__1"


def test_uuids_are_kept_as_they_are() -> None:
    run = decode_event(run_event(run="01A1FA54-6F80-7AE2-BB78-ACC313B446D0")).run
    assert run is not None
    assert (str(run.id), run.external_id) == ("01a1fa54-6f80-7ae2-bb78-acc313b446d0", "")


def test_retries_of_a_task_are_read_from_the_airflow_facet(
    sample_lines: Callable[..., list[bytes]],
) -> None:
    events = [decode_event(line) for line in sample_lines("airflow-scheduler")]
    tries = {(e.run.attempt, e.run.max_attempts) for e in events if e.run and e.job and e.job.name.endswith(".boom")}
    assert tries == {(1, 2), (2, 2)}
    mapped = {e.run.map_index for e in events if e.run and e.job and e.job.name.endswith(".mapped")}
    assert mapped == {0, 1}


@pytest.mark.parametrize(
    "inputs", [{}, "table", [None, 7, "t"], [{"namespace": "n"}], [dataset("")], [dataset("x" * 2049)]]
)
def test_datasets_without_usable_names_are_left_out_and_the_others_are_kept(inputs: Any) -> None:
    outputs = [dataset("before"), *(inputs if isinstance(inputs, list) else ()), dataset("after", schema={})]
    event = decode_event(run_event("COMPLETE", inputs=inputs, outputs=outputs))
    assert [(named.name, named.direction, named.described) for named in event.datasets] == [
        ("before", "WRITES", False),
        ("after", "WRITES", True),
    ]


def test_of_too_many_datasets_the_first_are_kept() -> None:
    inputs = [dataset(f"t{n}") for n in range(MAX_DATASETS + 1)]
    names = [named.name for named in decode_event(run_event(inputs=inputs, outputs=[dataset("o")])).datasets]
    assert names == [f"t{n}" for n in range(MAX_DATASETS)]


def test_an_array_is_told_where_to_go() -> None:
    with pytest.raises(InvalidEvent, match="/batch"):
        decode_event(b" [" + run_event() + b"]")


@pytest.mark.parametrize(
    ("facets", "expected"),
    [
        ({"parent": {"run": {"runId": ""}, "job": {"namespace": "n", "name": "p"}}}, (None, None)),
        ({"parent": {"run": {"runId": "p"}, "job": {"name": "p"}}}, (None, None)),
        ({"parent": {"run": None, "job": None, "root": ROOT}}, (None, "root")),
        ({"parent": {**PARENT, "root": {"run": {"runId": None}}}}, ("parent", None)),
        ({"parent": {**PARENT, "root": ROOT}}, ("parent", "root")),
        ({"parentRun": {**PARENT, "root": ROOT}}, ("parent", "root")),
        ({"parent": None, "parentRun": PARENT}, ("parent", None)),
        ({"parent": {"run": {"runId": ""}}, "parentRun": PARENT}, ("parent", None)),
        ({"parent": PARENT, "parentRun": ROOT}, ("parent", None)),
    ],
)
def test_parent_and_root_are_read_each_by_itself(facets: Any, expected: Any) -> None:
    run = decode_event(run_event(run_facets=facets)).run
    assert run is not None
    assert (run.parent and run.parent.job_name, run.root and run.root.job_name) == expected


@pytest.mark.parametrize(
    ("facets", "message"),
    [
        ({"errorMessage": {"message": "Boom.", "stackTrace": "trace"}}, "Boom."),
        (
            {"errorMessage": {"message": "", "stackTrace": "Traceback (most recent call last):\n  x\nKeyError: 1\n"}},
            "KeyError: 1",
        ),
        (
            {"errorMessage": {"message": None, "stackTrace": "java.lang.Error: no\n\tat a.b(c.java:1)\n\tat d\n"}},
            "java.lang.Error: no",
        ),
        ({"errorMessage": {"stackTrace": "goroutine 1\nmain.go:7\nexit status 2"}}, "exit status 2"),
        ({"errorMessage": {"message": "\x1b[0m\x1b[31mRed\x1b[0m \x1b]8;;http://x\x07link\x1b]8;;\x07"}}, "Red link"),
        ({"errorMessage": {"message": " ", "stackTrace": None}}, None),
        ({"errorMessage": {"message": 7, "stackTrace": "x"}}, "x"),
        ({"errorMessage": None, "spark.exception": {"message": "Job aborted", "stackTrace": "x"}}, "Job aborted"),
        ({"spark.exception": {"message": None, "stackTrace": "a.B: c\n\tat d"}}, "a.B: c"),
        ({"errorMessage": {"message": "Boom."}, "spark.exception": {"message": "Job aborted"}}, "Boom."),
    ],
)
def test_the_error_is_the_message_else_the_line_of_the_trace_else_sparks_own(facets: Any, message: str | None) -> None:
    run = decode_event(run_event("FAIL", run_facets=facets)).run
    assert run is not None
    assert run.error_message == message


def test_an_exception_that_spark_survives_is_no_error() -> None:
    run = decode_event(run_event("RUNNING", run_facets={"spark.exception": {"message": "Retried"}})).run
    assert run is not None
    assert run.error_message is None


def test_odd_elements_of_a_facet_do_not_hide_the_others() -> None:
    job = decode_event(
        run_event(
            job_facets={
                "jobType": {"_deleted": None, "jobType": "sql", "integration": 7, "processingType": None},
                "documentation": {"description": "text", "_deleted": "no"},
                "ownership": {"owners": [None, {"name": "a"}, {"name": None}, 7, {"name": "b", "type": []}]},
                "tags": {"tags": [{"key": "k", "value": None}, {"value": "v"}, {"key": "l", "value": ["x"]}]},
            },
            producer="https://github.com/OpenLineage/OpenLineage/tree/1.44.0/integration/spark",
        )
    ).job
    assert job is not None
    assert (job.kind, job.integration, job.processing_type) == ("SQL", "SPARK", "")
    assert (job.description, job.owners, job.tags) == ("text", ("a", "b"), ("k", "l"))


def test_the_three_kinds_are_told_apart_by_their_fields() -> None:
    job_event = {"eventTime": "2026-01-01T00:00:00Z", "job": {"namespace": "n", "name": "j"}}
    dataset_event = {"eventTime": "2026-01-01T00:00:00Z", "dataset": {"namespace": "n", "name": "d"}}
    assert decode_event(run_event()).kind == "RUN"
    assert decode_event(json.dumps(job_event).encode()).kind == "JOB"
    assert decode_event(json.dumps(job_event | {"eventType": "OTHER", "run": None}).encode()).kind == "JOB"
    event = decode_event(json.dumps(dataset_event).encode())
    assert (event.kind, event.datasets[0].name, event.job) == ("DATASET", "d", None)


@pytest.mark.parametrize(
    ("producer", "kind", "integration"),
    [
        ("https://github.com/apache/airflow/tree/providers-openlineage/2.20.3", "DAG", "AIRFLOW"),
        ("https://github.com/OpenLineage/OpenLineage/tree/1.54.0/integration/dbt", "JOB", "DBT"),
        ("https://github.com/OpenLineage/OpenLineage/tree/1.54.0/integration/spark", "APPLICATION", "SPARK"),
        ("https://example.com", "JOB", ""),
    ],
)
def test_without_a_job_type_the_producer_tells_the_integration(producer: str, kind: str, integration: str) -> None:
    job = decode_event(run_event(producer=producer)).job
    assert job is not None
    assert (job.kind, job.integration, job.declared) == (kind, integration, False)


def test_a_batch_keeps_each_element_as_it_came_and_names_the_bad_ones() -> None:
    odd = run_event(job="LONE").replace(b"LONE", rb"\ud800")
    batch = b"[ " + odd + b" ,\n" + run_event() + b', {}, "x"]'
    first, second, third, fourth = decode_batch(batch)
    assert isinstance(first, Event)
    assert first.body == odd
    assert isinstance(second, Event)
    assert second.id == decode_event(run_event()).id
    assert isinstance(third, InvalidEvent)
    assert isinstance(fourth, InvalidEvent)


@pytest.mark.parametrize(("body", "error"), [(b"{}", InvalidEvent), (b"[{}", NotJson), (b"[1,]", NotJson)])
def test_a_batch_that_is_no_array_is_refused_whole(body: bytes, error: type[Exception]) -> None:
    with pytest.raises(error):
        decode_batch(body)


def test_a_batch_of_too_many_events_is_refused_whole() -> None:
    assert len(decode_batch(b"[" + b"{}," * (MAX_BATCH_EVENTS - 1) + b"{}]")) == MAX_BATCH_EVENTS
    with pytest.raises(InvalidEvent, match="at most 10000 events"):
        decode_batch(b"[" + b"{}," * MAX_BATCH_EVENTS + b"{}]")

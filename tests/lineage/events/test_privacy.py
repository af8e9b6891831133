"""Parts of events that not everybody may see: what is removed, and that all else stays as it was sent."""

import json
from typing import Any

import pytest
from msgspec.structs import replace

from connections.privacy import EVERYTHING, Audience, PrivacyClass, dropped, hidden_from
from lineage.events.decode import decode_event
from lineage.events.document import InvalidEvent, NotJson
from lineage.events.privacy import DROPPED, HIDDEN, hidden_text, without
from tests.conftest import SAMPLES

RUN_FACETS: dict[str, Any] = {
    "errorMessage": {"message": "it broke", "stackTrace": "stack_traces-1"},
    "spark.exception": {"message": "it broke", "stackTrace": "stack_traces-2"},
    "extractionError": {"errors": [{"errorMessage": "no", "stackTrace": "stack_traces-3"}, "odd"]},
    "unknownSourceAttribute": {"unknownItems": [{"properties": {"bash_command": "code-1", "sql": "sql-5"}}]},
    "airflow": {
        "task": {"task_id": "load", "bash_command": "code-2", "sql": "sql-6"},
        "dagRun": {"conf": {"a": "code-3"}},
    },
    "environmentVariables": {"environmentVariables": [{"name": "TOKEN", "value": "environment-1"}]},
    "spark_properties": {"properties": {"a": "environment-2"}},
    "environment-properties": {"a": "environment-3"},
    "spark_applicationDetails": {"appName": "app", "userName": "environment-4", "uiWebUrl": "http://ui"},
    "hive_session": {"username": "environment-5"},
    "spark.logicalPlan": {"plan": ["sql-1"]},
    "spark_jobDetails": {"jobId": 1, "jobDescription": "sql-3", "jobCallSite": "code-5"},
    "trino_metadata": {"query_plan": "sql-4", "transaction_id": "kept"},
    "trino_query_context": {"user": "environment-6"},
}
JOB_FACETS: dict[str, Any] = {"sourceCode": {"sourceCode": "code-4"}, "sql": {"query": "sql-2"}}
KEPT = ("it broke", "load", "app", "http://ui", "odd", "kept", "1e400", "\\ufffd")


def event(**more: Any) -> str:
    """Make an event with every class of parts, a number that must not be written anew, and half a character."""
    document = {"run": {"facets": RUN_FACETS}, "job": {"facets": JOB_FACETS}, **more}
    return json.dumps(document)[:-1] + ', "odd": {"number": 1e400, "half": "\\ud800"}}'


@pytest.mark.parametrize("kind", PrivacyClass)
def test_a_class_is_removed_and_named_and_nothing_else(kind: PrivacyClass) -> None:
    shown = hidden_text(event(), {kind})
    for other in PrivacyClass:
        assert (f'"{other}-' in shown) == (other != kind)
    assert all(text in shown for text in KEPT)
    named = json.loads(shown)[HIDDEN]
    assert named
    assert len(named) == len(set(named))


def test_an_event_without_such_parts_keeps_its_bytes() -> None:
    body = b'{ "run": {"facets": {"sql": 1}},  "job": {"facets": []} }'
    assert without(body, EVERYTHING, DROPPED) == body


def test_names_with_escapes_are_found() -> None:
    body = b'{"job": {"facets": {"s\\u0071l": {"query": "secret"}}}}'
    assert (
        without(body, {PrivacyClass.SQL}, DROPPED) == b'{"job":{"facets":{}},"_observatory_dropped":["job.facets.sql"]}'
    )


def test_a_name_that_comes_twice_is_removed_twice() -> None:
    body = b'{"job": {"facets": {"sql": {"query": "first"}, "sql": {"query": "second"}}}}'
    assert b"first" not in without(body, {PrivacyClass.SQL}, DROPPED)


def test_a_part_does_not_stay_in_a_field_that_is_named_twice() -> None:
    """The product reads the last of two fields; the first would keep the part, in the stored event and on the page."""
    hidden, shown = '{"facets": {"sql": {"query": "sql-1"}}}', '{"name": "load", "facets": {}}'
    for body in (
        f'{{"job": {hidden}, "job": {shown}, "run": {{"runId": "r"}}}}',
        f'{{"j\\u006fb": {hidden}, "job": {shown}, "run": {{"runId": "r"}}}}',
        '{"job": {"facets": {"sql": {"query": "sql-1"}, "sql": {"query": "sql-1"}}, "name": "load"}}',
    ):
        for text in (hidden_text(body, {PrivacyClass.SQL}), without(body.encode(), EVERYTHING, DROPPED).decode()):
            assert "sql-1" not in text
            assert json.loads(text)["job"]["name"] == "load"


def test_what_was_dropped_before_stays_named() -> None:
    once = without(event().encode(), {PrivacyClass.SQL}, DROPPED)
    twice = json.loads(without(once, {PrivacyClass.CODE}, DROPPED))[DROPPED]
    assert {"job.facets.sql", "run.facets.spark.logicalPlan", "job.facets.sourceCode"} <= set(twice)


def test_an_error_without_a_message_keeps_the_line_that_names_it() -> None:
    trace = 'Traceback (most recent call last):\n  File "a.py", line 1\n    secret()\nValueError: no rows'
    body = json.dumps({"run": {"facets": {"errorMessage": {"stackTrace": trace}}}}).encode()
    [error] = json.loads(without(body, {PrivacyClass.STACK_TRACES}, HIDDEN))["run"]["facets"].values()
    assert error == {"message": "ValueError: no rows"}


def test_states_and_lineage_of_real_events_do_not_depend_on_what_is_removed() -> None:
    changed = 0
    for path in sorted(SAMPLES.rglob("*.jsonl")):
        for line in path.read_bytes().splitlines():
            try:
                whole = decode_event(line)
            except (NotJson, InvalidEvent):
                continue
            kept = without(line, EVERYTHING, DROPPED)
            changed += kept != line
            assert replace(decode_event(kept), id=whole.id, body=whole.body) == whole, line[:500]
    assert changed > 100


def test_who_sees_what() -> None:
    everyone, editors, administrators, nobody = Audience
    code, sql, traces, environment = PrivacyClass
    audiences = {code: everyone, sql: editors, traces: administrators, environment: nobody}
    assert hidden_from(audiences, {everyone}) == {sql, traces, environment}
    assert hidden_from(audiences, {everyone, editors, administrators}) == {environment}
    assert dropped(audiences) == {environment}

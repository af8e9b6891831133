"""Documents that no sane sender writes, over real HTTP: never a 5xx, and 2xx exactly for what is stored."""

import bisect
import copy
import json
import random
import socket
import string
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

import pytest
from django.utils import timezone

from lineage.models import Dataset, Edge, Event, Run
from lineage.upkeep.rebuild.rebuild import rebuild_connection
from tests.lineage.intake.http import wire
from tests.lineage.intake.http.documents import FULL, Path, at, encoded, event, full_event, paths, put
from tests.lineage.intake.http.wire import Reply
from tests.live_server import Sender
from tests.serving import LiveServer

ACCEPTED = {201}
REFUSED = {400, 422}


@pytest.fixture
def judge(server: LiveServer, sender: Sender) -> Iterator[Callable[..., int]]:
    """Sends a body, checks that what was answered is what happened, and returns the status."""
    path = server.path(sender.connection.id)
    with closing(socket.create_connection(("127.0.0.1", server.port), wire.SECONDS)) as client:

        def deliver(body: bytes) -> Reply:
            wire.send(client, "POST", path, sender.headers, body)
            return wire.receive(client)

        def judge_(body: bytes, expected: set[int] = ACCEPTED | REFUSED) -> int:
            Event.objects.all().delete()
            reply = deliver(body)
            assert reply.status in expected, body[:2000]
            stored = [event.body.encode() for event in Event.objects.all()]
            assert stored == ([body] if reply.status in ACCEPTED else []), body[:2000]
            if reply.status in REFUSED:
                check_error(reply)
            return reply.status

        yield judge_
        assert deliver(encoded()).status == 201


def check_error(reply: Reply) -> None:
    """The reason is in words that somebody will read."""
    error = json.loads(reply.body)["error"]
    assert error.keys() == {"code", "message", "detail"}
    assert error["code"] == {400: "not_json", 422: "invalid_event"}[reply.status]
    assert 20 < len(error["message"]) < 400


def with_text(document: Any, text: str) -> bytes:
    """The document as JSON, with this text (of JSON) in the place of the string "HERE"."""
    return json.dumps(document).replace('"HERE"', text).encode()


def facet_of(text: str) -> bytes:
    """An event that holds this JSON text in a facet that nobody knows."""
    return with_text(event(run=event()["run"] | {"facets": {"custom": "HERE"}}), text)


# --- What is no JSON --------------------------------------------------------------------------------------

NOT_JSON = {
    "empty": b"",
    "white space": b" \n",
    "text": b"hello",
    "a form": b"event=START&job=load",
    "single quotes": b"{'eventTime': 'now'}",
    "two documents": encoded() + encoded(),
    "a comma too many": encoded()[:-1] + b",}",
    "Latin-1": '{"eventTime": "é"}'.encode("latin-1"),
    "UTF-16": encoded().decode().encode("utf-16"),
    "UTF-32": encoded().decode().encode("utf-32"),
    "a byte order mark": b"\xef\xbb\xbf" + encoded(),
    "a NUL behind it": encoded() + b"\0",
    "surrogates encoded as bytes": facet_of('"').replace(b'"}', b'\xed\xa0\x80"}'),
    "a control character in a string": facet_of('"\n"'),
    "NaN": facet_of("NaN"),
    "Infinity": facet_of("Infinity"),
    "-Infinity": facet_of("-Infinity"),
    "a number with a leading zero": facet_of("007"),
    "an unknown escape": facet_of(r'"\x41"'),
    "half an escape": facet_of(r'"\u00"'),
}


@pytest.mark.parametrize("case", NOT_JSON)
def test_what_is_no_json(judge: Callable[..., int], case: str) -> None:
    judge(NOT_JSON[case], {400})


def test_whatever_breaks_off(judge: Callable[..., int]) -> None:
    body = json.dumps(full_event()).encode()

    for length in range(1, len(body), 29):
        judge(body[:length], {400})


# --- What is JSON, and odd --------------------------------------------------------------------------------

ODD_NUMBERS = ["1e400", "-1e400", "1e-400", "1" * 5_000, "-" + "9" * 5_000, "0." + "3" * 5_000, "9223372036854775808"]


@pytest.mark.parametrize("number", ODD_NUMBERS, ids=lambda number: number[:20])
def test_odd_numbers(judge: Callable[..., int], number: str) -> None:
    """A broken facet never rejects its event, not even one of which columns are made."""
    judge(facet_of(number), ACCEPTED)
    document = full_event()
    document["run"]["facets"]["airflow"]["taskInstance"]["try_number"] = "HERE"
    document["run"]["facets"]["airflow"]["taskInstance"]["map_index"] = "HERE"
    judge(with_text(document, number), ACCEPTED)


@pytest.mark.parametrize("depth", [100, 1_000, 20_000, 200_000])
@pytest.mark.parametrize(("opening", "closing_"), [("[", "]"), ('{"a":', "}")])
def test_deep_nesting(judge: Callable[..., int], depth: int, opening: str, closing_: str) -> None:
    nested = opening * depth + "1" + closing_ * depth

    judge(facet_of(nested), ACCEPTED if depth <= 100 else ACCEPTED | {422})
    judge(nested.encode(), {422})
    judge(nested[:-1].encode(), {400} if depth <= 100 else REFUSED)


def test_the_deepest_that_is_accepted_can_be_rebuilt(judge: Callable[..., int], sender: Sender) -> None:
    """The reader, this test, is deeper in calls than the server was."""

    def nested(depth: int) -> bytes:
        return facet_of("[" * depth + "]" * depth)

    depths = range(100, 20_000)
    refused = bisect.bisect_left(depths, True, key=lambda depth: judge(nested(depth)) not in ACCEPTED)
    judge(nested(depths[refused - 1]), ACCEPTED)
    Run.objects.all().delete()

    rebuilt = rebuild_connection(sender.connection, clock=timezone.now)

    assert (rebuilt.events, rebuilt.unreadable) == (1, 0)
    assert Run.objects.get().event_count == 1


@pytest.mark.parametrize(
    "text",
    [r"\u0000", r"\ud800", r"\udc00\ud800", r"a\u0000b\ud800c", r"\ud83d\ude00"],
)
@pytest.mark.parametrize("kind", FULL)
def test_odd_characters_in_each_string(judge: Callable[..., int], kind: str, text: str) -> None:
    """Stored as they came; columns get what they can hold. Times and types of events are none of this kind."""
    document = FULL[kind]()
    typed = {("eventTime",), ("eventType",)}
    for path in paths(document):
        if isinstance(at(document, path), str):
            odd = copy.deepcopy(document)
            put(odd, path, "HERE")
            judge(with_text(odd, f'"{text}"'), {422} if path in typed else ACCEPTED)


def test_odd_characters_in_a_name_of_a_member(judge: Callable[..., int]) -> None:
    for text in [r"\u0000", r"\ud800", r"\u0061"]:
        judge(with_text(event(), "").replace(b'"producer"', f'"{text}"'.encode()), ACCEPTED)


# What an event is about; `dataset` is in a DatasetEvent alone. Bad inputs and outputs are left out instead.
SUBJECTS: list[Path] = [("job",), ("dataset",)]
WRONG = ["null", "true", "-1.5", '""', '"nonsense"', "[]", '{"": null}']


@pytest.mark.parametrize("kind", FULL)
def test_wrong_types_in_each_field(judge: Callable[..., int], kind: str) -> None:
    document = FULL[kind]()
    for path in paths(document):
        for value in WRONG:
            wrong = copy.deepcopy(document)
            put(wrong, path, "HERE")
            in_facets = "facets" in path[:-1]
            judge(with_text(wrong, value), ACCEPTED if in_facets else ACCEPTED | {422})


@pytest.mark.parametrize("kind", FULL)
def test_each_field_left_out(judge: Callable[..., int], kind: str) -> None:
    document = FULL[kind]()
    required: set[Path] = {("eventTime",), ("run",), ("run", "runId"), ("job",), ("dataset",)}
    required |= {(*of, name) for of in SUBJECTS for name in ("namespace", "name")}
    for path in paths(document):
        if isinstance(path[-1], str):
            without = copy.deepcopy(document)
            del at(without, path[:-1])[path[-1]]
            judge(json.dumps(without).encode(), {422} if path in required else ACCEPTED)


@pytest.mark.parametrize(
    "document", ["null", "true", "0", '"text"', "[]", "{}", "[[]]", '{"eventTime": "2026-07-01T06:00:00Z"}']
)
def test_documents_that_are_no_event(judge: Callable[..., int], document: str) -> None:
    judge(document.encode(), {422})


def test_members_that_come_twice(judge: Callable[..., int]) -> None:
    whole = encoded().decode()

    judge(f'{{"eventType": "FAIL", "job": {{"name": "first"}}, {whole[1:]}'.encode(), ACCEPTED | {422})
    judge(f'{{"job": {{"namespace": "shop", "name": "first"}}, {whole[1:]}'.encode(), ACCEPTED)


# --- Times ------------------------------------------------------------------------------------------------

TIMES = {
    "1969-12-31T23:59:59Z": ACCEPTED,
    "0001-01-01T00:00:00Z": ACCEPTED,
    "9999-12-31T23:59:59.999999Z": ACCEPTED,
    "0001-01-01T00:00:00+14:00": {422},
    "9999-12-31T23:59:59-12:00": {422},
    "10000-01-01T00:00:00Z": {422},
    "+12026-01-01T00:00:00Z": {422},
    "-0001-01-01T00:00:00Z": {422},
    "0000-01-01T00:00:00Z": {422},
    "2026-02-30T00:00:00Z": {422},
    "2026-07-01T06:00:00": ACCEPTED,
    "2026-07-01T06:00:00.123456789Z": ACCEPTED,
    "2026-07-01T06:00:00.123456789+02:00[Europe/Paris]": ACCEPTED,
    "2026-07-01t06:00:00z": ACCEPTED,
    "2026-07-01T06:00:60Z": ACCEPTED | {422},
    "2026-07-01T24:00:00Z": ACCEPTED | {422},
    "2026-07-01T06:00:00+99:99": {422},
    "2026-07-01": ACCEPTED | {422},
    "1782885600": {422},
    "infinity": {422},
    "now": {422},
    "yesterday": {422},
    "2026-07-01T06:00:00" + "0" * 100_000: ACCEPTED | {422},
}


@pytest.mark.parametrize("time", TIMES, ids=lambda time: time[:30])
def test_times(judge: Callable[..., int], time: str) -> None:
    judge(encoded(eventTime=time), TIMES[time])
    document = full_event()
    document["run"]["facets"]["nominalTime"] = {"nominalStartTime": time, "nominalEndTime": time}
    judge(json.dumps(document).encode(), ACCEPTED)


# --- Names and sizes --------------------------------------------------------------------------------------


def random_text(length: int) -> str:
    """Does not compress: an index cannot hold it."""
    source = random.Random(length)
    return "".join(source.choices(string.ascii_letters + string.digits, k=length))


@pytest.mark.parametrize("kind", FULL)
@pytest.mark.parametrize("length", [0, 12_000, 1_000_000])
def test_names_beyond_the_limit(judge: Callable[..., int], kind: str, length: int) -> None:
    name = random_text(length)
    document = FULL[kind]()
    names = {("run", "runId"), *((*of, key) for of in SUBJECTS for key in ("namespace", "name"))}
    for path in names.intersection(paths(document)):
        odd = copy.deepcopy(document)
        put(odd, path, name)
        judge(json.dumps(odd).encode(), {422})


def test_datasets_with_names_beyond_the_limit_are_left_out(judge: Callable[..., int]) -> None:
    good: dict[str, Any] = {"namespace": "s3://lake", "name": "orders"}
    odd = [good | {key: name} for key in good for name in ("", random_text(12_000), random_text(1_000_000), 7, None)]

    judge(encoded(inputs=[*odd, good], outputs=[*odd, good]), ACCEPTED)
    assert [dataset.name for dataset in Dataset.objects.all()] == ["orders"]
    assert Edge.objects.count() == 2


def test_long_names_within_the_limit(judge: Callable[..., int]) -> None:
    """No index depends on their length, even where each character has four bytes."""
    name = "".join(random.Random(1).choices([chr(0x1F600 + n) for n in range(60)], k=2048))
    dataset = {"namespace": name, "name": name}

    judge(encoded(run={"runId": name}, job=dict(dataset), inputs=[dataset], outputs=[dataset]), ACCEPTED)
    assert Run.objects.filter(external_id=name).exists()


def test_long_texts_in_facets(judge: Callable[..., int]) -> None:
    """Long texts are cut for columns, and never reject their event."""
    document = full_event()
    for path in paths(document):
        if "facets" in path and isinstance(at(document, path), str):
            odd = copy.deepcopy(document)
            put(odd, path, random_text(100_000))
            judge(json.dumps(odd).encode(), ACCEPTED)


def test_many_datasets(judge: Callable[..., int]) -> None:
    datasets = [{"namespace": "postgres://shop", "name": f"table_{number}"} for number in range(10_000)]

    judge(encoded(inputs=datasets[:5_000], outputs=datasets[5_000:]), ACCEPTED)
    assert Dataset.objects.count() == Edge.objects.count() == 10_000


def test_of_too_many_datasets_the_first_are_kept(judge: Callable[..., int]) -> None:
    datasets = [{"namespace": "postgres://shop", "name": f"table_{number}"} for number in range(10_001)]

    judge(encoded(inputs=datasets), ACCEPTED)
    assert Dataset.objects.count() == Edge.objects.count() == 10_000


def test_many_elements_that_are_no_datasets(judge: Callable[..., int]) -> None:
    """Reading stops at a bound."""
    judge(encoded(inputs=[0] * 4_000_000), ACCEPTED)
    assert Dataset.objects.count() == 0


def test_the_same_dataset_many_times(judge: Callable[..., int]) -> None:
    judge(encoded(inputs=[{"namespace": "a", "name": "b"}] * 10_000), ACCEPTED)
    assert Dataset.objects.count() == Edge.objects.count() == 1


def test_many_columns(judge: Callable[..., int]) -> None:
    fields = [{"name": f"column_{number}", "type": "VARCHAR"} for number in range(100_000)]
    orders = {"namespace": "postgres://shop", "name": "orders", "facets": {"schema": {"fields": fields}}}

    judge(encoded(outputs=[orders]), ACCEPTED)


def test_many_members(judge: Callable[..., int]) -> None:
    judge(encoded(**{f"member_{number}": number for number in range(100_000)}), ACCEPTED)


def test_a_run_id_that_is_no_uuid(judge: Callable[..., int]) -> None:
    judge(encoded(run={"runId": "manual__2026-07-01"}), ACCEPTED)
    assert Run.objects.get().external_id == "manual__2026-07-01"

"""The real openlineage-python client against the running product, with each transport and URL that people configure."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
import requests
from django.utils import timezone
from openlineage.client import OpenLineageClient
from openlineage.client.event_v2 import (
    DatasetEvent,
    InputDataset,
    Job,
    JobEvent,
    OutputDataset,
    Run,
    RunEvent,
    RunState,
    StaticDataset,
)
from openlineage.client.facet_v2 import error_message_run, job_type_job, schema_dataset
from openlineage.client.serde import Serde
from openlineage.client.transport.async_http import AsyncHttpTransport

from connections import actions
from connections.models import Attempt
from connections.workspace_keys import create_workspace_key, delete_workspace_key
from lineage import models
from tests.live_server import Sender, wait_until_settled
from tests.serving import LiveServer

PRODUCER = "https://example.com/pipelines/1.0"
START = datetime(2026, 7, 1, 6, tzinfo=UTC)
TRANSPORTS = ["http", "async_http"]
# Seconds that a sender may take in all; its own timeout is 9 seconds.
PATIENCE_SECONDS = 30

# url and endpoint as people write them, and whether the resulting path contains the connection's id.
URL_FORMS = {
    "url without slash, endpoint left out": ("{host}/gateway/openlineage/{id}", None, False),
    "url with slash, endpoint left out": ("{host}/gateway/openlineage/{id}/", None, True),
    "url without slash, empty endpoint": ("{host}/gateway/openlineage/{id}", "", True),
    "url with slash, empty endpoint": ("{host}/gateway/openlineage/{id}/", "", True),
    "host, path as endpoint": ("{host}", "gateway/openlineage/{id}", True),
    "host, path as endpoint, both with slash": ("{host}/", "/gateway/openlineage/{id}", True),
    "host, endpoint left out, as for Marquez": ("{host}", None, False),
}


@pytest.fixture
def client_of(server: LiveServer, monkeypatch: pytest.MonkeyPatch) -> Callable[..., OpenLineageClient]:
    monkeypatch.setenv("OPENLINEAGE_CONFIG", "")

    def make(sender: Sender, transport: str, form: str = "host, path as endpoint", **more: Any) -> OpenLineageClient:
        url, endpoint, _ = URL_FORMS[form]
        values = {"host": server.url, "id": sender.connection.id}
        config = {"type": transport, "url": url.format(**values), "auth": {"type": "api_key", "apiKey": sender.key}}
        if endpoint is not None:
            config["endpoint"] = endpoint.format(**values)
        return OpenLineageClient(config={"transport": config | more})

    return make


def run_event(
    state: RunState, run_id: str, minute: int, job: str = "load_orders", namespace: str = "shop", **facets: Any
) -> RunEvent:
    return RunEvent(
        eventType=state,
        eventTime=(START + timedelta(minutes=minute)).isoformat(),
        run=Run(runId=run_id, facets=facets),
        job=Job(
            namespace=namespace,
            name=job,
            facets={
                "jobType": job_type_job.JobTypeJobFacet(processingType="BATCH", integration="CUSTOM", jobType="TASK")
            },
        ),
        inputs=[InputDataset(namespace="postgres://shop", name="public.orders")],
        outputs=[OutputDataset(namespace="postgres://warehouse", name="marts.orders")],
        producer=PRODUCER,
    )


def send(client: OpenLineageClient, *events: RunEvent | JobEvent | DatasetEvent) -> None:
    """Send events, and wait until their runs are settled.

    The http transport raises an error for a refused event; the other transport counts them.
    """
    for event in events:
        client.emit(event)
    assert client.close(PATIENCE_SECONDS)
    if client.transport.kind == "async_http":
        assert isinstance(client.transport, AsyncHttpTransport)
        assert client.transport.get_stats() == {"pending": 0, "success": len(events), "failed": 0}
    wait_until_settled()


@pytest.mark.parametrize("form", URL_FORMS)
@pytest.mark.parametrize("transport", TRANSPORTS)
def test_a_run_arrives_whatever_the_form_of_the_url(
    client_of: Callable[..., OpenLineageClient], sender: Sender, transport: str, form: str
) -> None:
    run_id = str(uuid4())

    send(
        client_of(sender, transport, form),
        run_event(RunState.START, run_id, 0),
        run_event(RunState.COMPLETE, run_id, 5),
    )

    run = models.Run.objects.select_related("job").get()
    assert (run.connection_id, str(run.run_id)) == (sender.connection.id, run_id)
    assert (run.job.namespace, run.job.name, run.job.kind, run.job.integration) == (
        "shop",
        "load_orders",
        "TASK",
        "CUSTOM",
    )
    assert (run.state, run.started_at, run.ended_at) == ("COMPLETED", START, START + timedelta(minutes=5))
    assert run.event_count == models.Event.objects.count() == 2
    assert set(models.Dataset.objects.values_list("name", flat=True)) == {"public.orders", "marts.orders"}
    assert set(models.Edge.objects.values_list("direction", flat=True)) == {"READS", "WRITES"}


@pytest.mark.parametrize("form", URL_FORMS)
def test_the_forms_post_where_the_documentation_says(
    client_of: Callable[..., OpenLineageClient], sender: Sender, new_sender: Callable[..., Sender], form: str
) -> None:
    """A key of another connection shows the difference: a path that names a connection refuses it."""
    other = new_sender("Other")
    _, _, names_connection = URL_FORMS[form]
    client = client_of(Sender(sender.connection, other.api_key, other.key), "http", form)
    event = run_event(RunState.START, str(uuid4()), 0)

    if names_connection:
        with pytest.raises(requests.HTTPError) as refused:
            send(client, event)
        assert refused.value.response is not None
        assert refused.value.response.status_code == 403
        assert not models.Event.objects.exists()
    else:
        send(client, event)
        assert models.Event.objects.get().connection_id == other.connection.id


def test_configuration_from_the_environment(
    server: LiveServer, sender: Sender, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENLINEAGE_CONFIG", "")
    monkeypatch.setenv("OPENLINEAGE_URL", server.endpoint(sender.connection.id))
    monkeypatch.setenv("OPENLINEAGE_ENDPOINT", "")
    monkeypatch.setenv("OPENLINEAGE_API_KEY", sender.key)

    send(OpenLineageClient(), run_event(RunState.START, str(uuid4()), 0))

    assert models.Run.objects.get().state == "RUNNING"


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_compressed_bodies(client_of: Callable[..., OpenLineageClient], sender: Sender, transport: str) -> None:
    run_id = str(uuid4())

    send(
        client_of(sender, transport, compression="gzip"),
        run_event(RunState.START, run_id, 0),
        run_event(RunState.FAIL, run_id, 1, errorMessage=error_message_run.ErrorMessageRunFacet("no disk", "PYTHON")),
    )

    run = models.Run.objects.get()
    assert (run.state, run.error_message) == ("FAILED", "no disk")


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_events_of_all_three_kinds(client_of: Callable[..., OpenLineageClient], sender: Sender, transport: str) -> None:
    fields = [schema_dataset.SchemaDatasetFacetFields("id", "bigint")]
    schema = schema_dataset.SchemaDatasetFacet(fields)
    orders = StaticDataset("postgres://shop", "public.orders", facets={"schema": schema})
    job = Job(namespace="shop", name="described_only")

    send(
        client_of(sender, transport),
        run_event(RunState.START, str(uuid4()), 0),
        JobEvent(eventTime=START.isoformat(), job=job, producer=PRODUCER, inputs=[InputDataset("s3://raw", "clicks")]),
        DatasetEvent(eventTime=START.isoformat(), dataset=orders, producer=PRODUCER),
    )

    assert sorted(models.Event.objects.values_list("kind", flat=True)) == ["DATASET", "JOB", "RUN"]
    assert set(models.Job.objects.values_list("name", flat=True)) == {"load_orders", "described_only"}
    assert models.Run.objects.count() == 1
    assert models.Dataset.objects.get(name="public.orders").described
    assert models.Edge.objects.get(job__name="described_only").direction == "READS"


def test_many_runs_at_once_of_the_asynchronous_transport(
    client_of: Callable[..., OpenLineageClient], sender: Sender
) -> None:
    """The transport sends up to a hundred requests at a time, to both workers, for rows of a few jobs."""
    runs = [str(uuid4()) for _ in range(100)]
    events = [
        run_event(state, run_id, minute + number, job=f"job_{number % 5}")
        for number, run_id in enumerate(runs)
        for minute, state in [(0, RunState.START), (1, RunState.COMPLETE)]
    ]

    send(client_of(sender, "async_http"), *events)

    assert models.Event.objects.count() == 200
    assert set(models.Run.objects.values_list("state", "event_count")) == {("COMPLETED", 2)}
    assert models.Run.objects.count() == 100
    # The latest run of each job is the one that started last.
    assert {(job.latest_run_state, job.running_runs) for job in models.Job.objects.all()} == {("COMPLETED", 0)}
    assert {str(job.latest_run_sent_id) for job in models.Job.objects.all()} == set(runs[-5:])


def test_an_event_sent_twice_counts_once(client_of: Callable[..., OpenLineageClient], sender: Sender) -> None:
    event = run_event(RunState.START, str(uuid4()), 0)

    send(client_of(sender, "http"), event, event)

    assert models.Event.objects.count() == models.Run.objects.get().event_count == 1
    assert sender.connection.attempts.filter(outcome=Attempt.Outcome.REJECTED).count() == 0


def test_a_deleted_key_is_refused_at_once(client_of: Callable[..., OpenLineageClient], sender: Sender) -> None:
    """tests/lineage/intake/http/test_keys.py checks each worker."""
    client = client_of(sender, "http")
    client.emit(run_event(RunState.START, str(uuid4()), 0))
    actions.delete_api_key(api_key=sender.api_key)

    for _ in range(20):
        with pytest.raises(requests.HTTPError, match="401"):
            client.emit(run_event(RunState.START, str(uuid4()), 0))
    assert models.Event.objects.count() == 1


def test_a_workspace_key_sends_to_the_connections_that_its_namespaces_name(
    server: LiveServer, new_sender: Callable[..., Sender], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server of two processes, both of which remember the key before it is deleted."""
    monkeypatch.setenv("OPENLINEAGE_CONFIG", "")
    connections = {name: new_sender(name).connection for name in ("eu", "us")}
    new = create_workspace_key(name="all", created_by=None, now=timezone.now())
    auth = {"type": "api_key", "apiKey": new.text}
    client = OpenLineageClient(config={"transport": {"type": "http", "url": server.url, "auth": auth}})

    for namespace in connections:
        for _ in range(5):
            client.emit(run_event(RunState.START, str(uuid4()), 0, namespace=namespace))
    with pytest.raises(requests.HTTPError, match="422"):
        client.emit(run_event(RunState.START, str(uuid4()), 0, namespace="EU"))
    batch = [Serde.to_dict(run_event(RunState.START, str(uuid4()), 0, namespace=name)) for name in ("us", "xx", "eu")]
    headers = {"Authorization": f"Bearer {new.text}"}
    answer = requests.post(f"{server.url}/api/v1/lineage/batch", json=batch, headers=headers, timeout=9).json()
    assert [failed["index"] for failed in answer["failed_events"]] == [1]
    delete_workspace_key(workspace_key=new.workspace_key)
    for _ in range(10):
        with pytest.raises(requests.HTTPError, match="401"):
            client.emit(run_event(RunState.START, str(uuid4()), 0, namespace="eu"))

    wait_until_settled()
    for namespace, connection in connections.items():
        runs = models.Run.objects.filter(connection=connection)
        assert list(runs.values_list("job__namespace", flat=True)) == [namespace] * 6
        assert {attempt.key_name for attempt in connection.attempts.all()} == {"all"}


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_a_refusal_reaches_the_client_and_is_not_tried_again(
    client_of: Callable[..., OpenLineageClient], sender: Sender, transport: str
) -> None:
    client = client_of(Sender(sender.connection, sender.api_key, "obs_nonsense"), transport)

    if transport == "http":
        with pytest.raises(requests.HTTPError, match="401"):
            client.emit(run_event(RunState.START, str(uuid4()), 0))
    else:
        client.emit(run_event(RunState.START, str(uuid4()), 0))
        assert client.close(PATIENCE_SECONDS)
        assert isinstance(client.transport, AsyncHttpTransport)
        assert client.transport.get_stats() == {"pending": 0, "success": 0, "failed": 1}

    # A further try would be listed.
    assert sender.connection.attempts.get().status == 401

"""openlineage-python: its file of settings, and a program of one's own."""

from web.guides.runners import PYTHON
from web.guides.snippet import Snippet
from web.guides.values import SenderValues


def openlineage_yml(values: SenderValues) -> Snippet:
    return Snippet("yml", "openlineage.yml", _yml(values, "http"), PYTHON)


def openlineage_yml_async(values: SenderValues) -> Snippet:
    return Snippet("async", "openlineage.yml, sending in the background", _yml(values, "async_http"), PYTHON)


def _yml(values: SenderValues, transport: str) -> str:
    return f"""\
transport:
  type: {transport}
  url: "{values.origin}"
  endpoint: "{values.path}"
  auth:
    type: api_key
    apiKey: "{values.key}\""""


def install(_: SenderValues) -> Snippet:
    return Snippet("install", "Shell", "pip install openlineage-python", PYTHON)


def program(values: SenderValues) -> Snippet:
    text = f"""\
from datetime import datetime, timezone

from openlineage.client import OpenLineageClient
from openlineage.client.event_v2 import Job, Run, RunEvent, RunState
from openlineage.client.uuid import generate_new_uuid

transport = {{
    "type": "http",
    "url": "{values.origin}",
    "endpoint": "{values.path}",
    "auth": {{"type": "api_key", "apiKey": "{values.key}"}},
}}
client = OpenLineageClient(config={{"transport": transport}})
run, job = Run(runId=str(generate_new_uuid())), Job(namespace="hello", name="hello.python")


def send(state):
    now = datetime.now(timezone.utc).isoformat()
    client.emit(RunEvent(eventType=state, eventTime=now, run=run, job=job, producer="https://example.com/hello"))


send(RunState.START)
send(RunState.COMPLETE)
client.close()"""
    return Snippet("program", "hello.py", text, PYTHON)

"""Events by hand, from the shell."""

from uuid import uuid4

from web.guides.runners import SHELL
from web.guides.snippet import Snippet
from web.guides.values import SenderValues


def curl_events(values: SenderValues) -> list[Snippet]:
    """A run that starts and one that completes it, under a fresh run id; the shell writes the time."""
    run_id = str(uuid4())
    return [
        Snippet("start", "Shell: a run starts", _curl(values, "START", run_id), SHELL),
        Snippet("complete", "Shell: the same run completes", _curl(values, "COMPLETE", run_id), SHELL),
    ]


def _curl(values: SenderValues, event_type: str, run_id: str) -> str:
    return f"""\
curl --include '{values.endpoint_url}' \\
  --header 'Authorization: Bearer {values.key}' \\
  --header 'Content-Type: application/json' \\
  --data-binary @- <<EVENT
{example_event(event_type, run_id=run_id, event_time="$(date -u +%Y-%m-%dT%H:%M:%SZ)")}
EVENT"""


def example_event(event_type: str, *, run_id: str, event_time: str) -> str:
    """Return the text of a small run event."""
    return f"""\
{{
  "eventType": "{event_type}",
  "eventTime": "{event_time}",
  "producer": "https://curl.se/",
  "schemaURL": "https://openlineage.io/spec/2-0-2/OpenLineage.json",
  "run": {{"runId": "{run_id}"}},
  "job": {{"namespace": "hello", "name": "hello.curl"}}
}}"""

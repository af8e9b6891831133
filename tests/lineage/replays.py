"""Events of a command that `dbt-ol send-events` sends again, made from samples."""

import json
from collections.abc import Sequence
from uuid import uuid4


def replayed(lines: Sequence[bytes]) -> list[bytes]:
    """Change events as send-events does: new run ids, command and tests at another time, the command completed."""
    new_ids: dict[str, str] = {}

    def new(run_id: str) -> str:
        return new_ids.setdefault(run_id, f"ffffffff{str(uuid4())[8:]}")

    made = []
    for line in lines:
        event = json.loads(line)
        event["run"]["runId"] = new(event["run"]["runId"])
        if parent := event["run"]["facets"].get("parent"):
            parent["run"]["runId"] = new(parent["run"]["runId"])
        kind = event["job"]["facets"]["jobType"]["jobType"]
        if kind in ("JOB", "TEST"):
            event["eventTime"] = event["eventTime"].replace("T20:", "T22:")
        if kind == "JOB" and event["eventType"] == "FAIL":
            event["eventType"] = "COMPLETE"
        made.append(json.dumps(event).encode())
    return made


def replayed_as(command: Sequence[bytes], default: Sequence[bytes]) -> list[bytes]:
    """Change a command of structured mode into a later command of default mode with equal nodes."""
    invocation, other = (invocation_of(lines).encode() for lines in (command, default))
    return [line.replace(other, invocation).replace(b"T20:", b"T22:") for line in replayed(default)]


def invocation_of(lines: Sequence[bytes]) -> str:
    said: str = json.loads(lines[0])["run"]["facets"]["dbt_run"]["invocation_id"]
    return said

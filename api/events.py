"""A page of stored events: how many bodies one answer holds, and how they get into it unchanged."""

from collections.abc import Mapping
from itertools import accumulate
from typing import Any, Final
from uuid import UUID

import msgspec
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.urls import replace_query_param

from api.pagination import KeysetPagination
from api.queries import FoundRun

# A body may be as large as the intake allows: a page of 500 such would not fit into memory.
MAX_BYTES_OF_BODIES: Final = 16 * 1024 * 1024


class EventRenderer(JSONRenderer):
    """Writes bodies as they were received: parsing and writing them again would change some.

    `\\u0000`, lone surrogates, numbers of any length, repeated names and the order of names stay as they came.
    """

    def render(
        self,
        data: Any,
        accepted_media_type: str | None = None,  # noqa: ARG002 - the framework's signature
        renderer_context: Mapping[str, Any] | None = None,  # noqa: ARG002
    ) -> bytes:
        return msgspec.json.encode(data)


class EventPagination(KeysetPagination):
    """Pages of a run's events. They end early where bodies are large, and links stay with the run's connection."""

    found: FoundRun
    dropped_events: int

    def fitting(self, rows: list[Any]) -> list[Any]:
        sizes = accumulate(row["body_bytes"] for row in rows)
        count = sum(size <= MAX_BYTES_OF_BODIES for size in sizes)
        return rows[: max(count, 1)]

    def list_url(self, request: Request) -> str:
        # Without it, the next page might come from the other connection that holds a run with this id.
        connection_id = self.found.run.connection_id
        return replace_query_param(super().list_url(request), "connection_id", str(connection_id))

    def get_paginated_response(self, data: Any) -> Response:
        response = super().get_paginated_response(data)
        response.data["connection_id"] = self.found.run.connection_id
        response.data["other_connections"] = self.found.other_connections
        response.data["dropped_events"] = self.dropped_events
        return response

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        page = super().get_paginated_response_schema(schema)
        uuid = {"type": "string", "format": "uuid"}
        page["properties"]["connection_id"] = {**uuid, "description": "Whose run it is."}
        page["properties"]["other_connections"] = {
            "type": "array",
            "items": uuid,
            "description": "Other connections that hold a run with this id; choose one by `?connection_id=`.",
        }
        page["properties"]["dropped_events"] = {
            "type": "integer",
            "minimum": 0,
            "description": "How many events of the run were received longer ago than events are kept, and are no more.",
        }
        page["required"] += ["connection_id", "other_connections", "dropped_events"]
        return page


def with_bodies(events: list[dict[str, Any]], bodies: Mapping[tuple[Any, UUID], str]) -> list[dict[str, Any]]:
    """The events as the API shows them. One that retention dropped between the two queries is left out."""
    return [
        {
            "event_time": event["event_time"],
            "received_at": event["received_at"],
            "event_type": event["event_type"],
            "event": msgspec.Raw(bodies[event["event_time"], event["id"]]),
        }
        for event in events
        if (event["event_time"], event["id"]) in bodies
    ]

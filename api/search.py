"""Pages of what a search found: jobs go on from page to page, the rest stands on the first one."""

from typing import Any, Final

from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from api.pagination import CURSOR, KeysetPagination
from api.serializers import ConnectionSerializer, JobSerializer, NamedDatasetSerializer, RunSerializer, listed
from lineage.overview.summaries import connection_summaries
from lineage.search.columns import FoundColumn
from lineage.search.query import LONGEST_SEARCH, Search
from pull.reading import read_fetching_of

Q, NEAR = "q", "near"
# Of connections, and of runs.
MOST_BESIDE: Final = 50
PARAMETERS: Final = [
    OpenApiParameter(
        Q,
        {"type": "string", "minLength": 1, "maxLength": LONGEST_SEARCH, "pattern": r"^[^\x00]*$"},
        required=True,
        description="Beginnings of words of a name, in any case and order; or an id of a run, the orchestrator's too.",
    ),
    OpenApiParameter(
        NEAR, OpenApiTypes.UUID, description="A connection whose jobs come first, but for those whose name is `q`."
    ),
]


_COMPONENTS: Final = {"connections": "Connection", "runs": "Run", "datasets": "NamedDataset"}
_FOUND_COLUMN: Final = {
    "type": "object",
    "required": ["dataset", "path", "type"],
    "properties": {
        "dataset": {"$ref": "#/components/schemas/NamedDataset"},
        "path": {"type": "string", "description": "`address.city` for a field inside a column."},
        "type": {"type": "string"},
    },
}


class FoundColumnSerializer(serializers.Serializer[FoundColumn]):
    """Column of a dataset's current schema."""

    dataset = NamedDatasetSerializer()
    path = serializers.CharField()
    type = serializers.CharField(allow_blank=True)


class FoundJobSerializer(JobSerializer):
    """A job that a search found. As other jobs; the schema names pages after what they list, and these hold more."""


def read_search(request: Request) -> Search:
    """Read the search that a request asks for. Raises ValidationError."""
    text, near = request.query_params.get(Q), request.query_params.get(NEAR, "")
    if text is None:
        raise ValidationError({Q: ["Say what to search for."]})
    if len(text) > LONGEST_SEARCH or "\0" in text:
        raise ValidationError({Q: [f"Not a text of at most {LONGEST_SEARCH} characters without NUL."]})
    search = Search.read(text, request.user, near)
    if near and search.near is None:
        raise ValidationError({NEAR: ["Not a UUID."]})
    return search


class SearchPagination(KeysetPagination):
    search: Search

    def paginate_queryset(self, queryset: Any, request: Request, view: Any = None) -> list[Any]:
        self._is_first = CURSOR not in request.query_params
        return super().paginate_queryset(queryset, request, view)

    def get_paginated_response(self, data: Any) -> Response:
        # Their types know one or many from what they are called with, which mypy cannot follow.
        summaries: Any = []
        runs: Any = []
        datasets: Any = []
        columns: Any = []
        if self._is_first:
            datasets, columns = self.search.datasets_and_columns(MOST_BESIDE)
            connections, now = list(self.search.connections(MOST_BESIDE)), timezone.now()
            fetching = read_fetching_of([connection.pk for connection in connections], now=now)
            summaries = connection_summaries(connections, now=now, fetching=fetching)
            runs = self.search.runs(MOST_BESIDE)
        response = super().get_paginated_response(data)
        response.data["connections"] = ConnectionSerializer(summaries, many=True).data
        response.data["runs"] = RunSerializer(runs, many=True).data
        response.data["datasets"] = listed(NamedDatasetSerializer, datasets)
        response.data["columns"] = listed(FoundColumnSerializer, columns)
        return response

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        page = super().get_paginated_response_schema(schema)
        components = {name: {"$ref": f"#/components/schemas/{component}"} for name, component in _COMPONENTS.items()}
        for name, items in {**components, "columns": _FOUND_COLUMN}.items():
            page["properties"][name] = {
                "type": "array",
                "items": items,
                "maxItems": MOST_BESIDE,
                "description": f"{name.capitalize()} that were found: on the first page, {MOST_BESIDE} at most.",
            }
            page["required"].append(name)
        return page

"""Pages by keyset, as REST framework has them.

Its own CursorPagination compares the first column of the order alone and counts an offset among equal values, of at
most 1,000: with 1,300 runs of one run_at, each page behind the 1,100th row repeated one page.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django.db.models import QuerySet
from rest_framework.exceptions import ValidationError
from rest_framework.pagination import BasePagination
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.urls import remove_query_param, replace_query_param
from rest_framework.views import APIView

from lineage.database.keyset import Cursor, Keyset

CURSOR, PAGE_SIZE = "cursor", "page_size"
DEFAULT_PAGE_SIZE: Final = 100
MAX_PAGE_SIZE: Final = 500

BY_NAME: Final = Keyset({"name": str, "id": UUID})
BY_NAMESPACE_AND_NAME: Final = Keyset({"namespace": str, "name": str, "id": UUID})
BY_EVENT_TIME: Final = Keyset({"event_time": datetime, "id": UUID})


class KeysetPagination(BasePagination):
    """Serves `{"next", "previous", "results"}` to views that have a `keyset`."""

    display_page_controls = False
    query_parameters = frozenset({CURSOR, PAGE_SIZE})

    def paginate_queryset(
        self, queryset: QuerySet[Any, Any] | Sequence[Any], request: Request, view: APIView | None = None
    ) -> list[Any]:
        url = self.list_url(request)
        keyset: Keyset = view.keyset  # type: ignore[union-attr]
        size = _page_size(request)
        try:
            page = keyset.page(queryset, _cursor(request), size, self.fitting)
        except ValueError:
            raise ValidationError({CURSOR: ["This is no cursor of this list."]}) from None
        self.next = _link(url, page.next) if page.has_next else None
        self.previous = _link(url, page.previous) if page.has_previous else None
        return page.rows

    def list_url(self, request: Request) -> str:
        """The URL of the list, to which links add a cursor."""
        return request.build_absolute_uri()

    def fitting(self, rows: list[Any]) -> list[Any]:
        """Keep as many of the first rows as one answer may hold: at least one, if there are any."""
        return rows

    def get_paginated_response(self, data: Any) -> Response:
        return Response({"next": self.next, "previous": self.previous, "results": data})

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        link = {"type": ["string", "null"], "format": "uri"}
        return {
            "type": "object",
            "required": ["next", "previous", "results"],
            "properties": {
                "next": {**link, "description": "URL of the next page; null on the last one."},
                "previous": {**link, "description": "URL of the page before; null on the first one."},
                "results": schema,
            },
        }

    def get_schema_operation_parameters(self, view: APIView) -> list[dict[str, Any]]:  # noqa: ARG002
        return [
            {
                "name": CURSOR,
                "in": "query",
                "required": False,
                "description": "Where the page begins. Follow the `next` and `previous` links rather than make one.",
                "schema": {"type": "string", "minLength": 1},
            },
            {
                "name": PAGE_SIZE,
                "in": "query",
                "required": False,
                "description": "How many results a page holds at most.",
                "schema": {
                    "type": "integer",
                    "minimum": 1,
                    "maximum": MAX_PAGE_SIZE,
                    "default": DEFAULT_PAGE_SIZE,
                },
            },
        ]


def _link(url: str, cursor: Cursor | None) -> str:
    if cursor is None:
        return remove_query_param(url, CURSOR)
    return replace_query_param(url, CURSOR, cursor.encode())


def _cursor(request: Request) -> Cursor | None:
    text = request.query_params.get(CURSOR)
    return None if text is None else Cursor.decode(text)


def _page_size(request: Request) -> int:
    text = request.query_params.get(PAGE_SIZE)
    if text is None:
        return DEFAULT_PAGE_SIZE
    if text.isascii() and text.isdigit() and len(text) <= 9 and 1 <= int(text) <= MAX_PAGE_SIZE:
        return int(text)
    raise ValidationError({PAGE_SIZE: [f"A page holds 1 to {MAX_PAGE_SIZE} results."]})

"""Pages by keyset: the cursor holds the place where a page ended, so that the next begins right behind it.

REST framework's CursorPagination compares the first column of the order alone and counts an offset among equal
values, of at most 1,000: with 1,300 runs of one run_at, each page behind the 1,100th row was the same one again. Here
the whole key is compared as one row value, `(run_at, id) < (…, …)`: it is unique, and the index is ordered by it. A
deep page costs what the first one does.
"""

import base64
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

import msgspec
from django.db.models import QuerySet
from django.db.models.fields.tuple_lookups import Tuple, TupleGreaterThan, TupleLessThan
from rest_framework.exceptions import ValidationError
from rest_framework.pagination import BasePagination
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.urls import remove_query_param, replace_query_param
from rest_framework.views import APIView

CURSOR, PAGE_SIZE = "cursor", "page_size"
DEFAULT_PAGE_SIZE: Final = 100
MAX_PAGE_SIZE: Final = 500


def _instant(text: str) -> datetime:
    value = datetime.fromisoformat(text)
    if value.tzinfo != UTC:
        raise ValueError("no time as a cursor has it")
    return value


def _text(text: str) -> str:
    if "\0" in text:
        raise ValueError("PostgreSQL has no text with a NUL")
    return text


_PARSERS: Final[Mapping[type, Callable[[str], object]]] = {datetime: _instant, UUID: UUID, str: _text}


class Cursor(msgspec.Struct, array_like=True, frozen=True, forbid_unknown_fields=True):
    """Where a page begins: behind the row that has these values, or, backward, before it.

    Backward without values: the last page there is.
    """

    backward: bool
    values: list[str]

    def encode(self) -> str:
        return base64.urlsafe_b64encode(msgspec.json.encode(self)).decode().rstrip("=")

    @classmethod
    def decode(cls, text: str) -> "Cursor":
        """Raises ValueError for what `encode` never made. The work does not grow beyond the text's length."""
        padded = text + "=" * (-len(text) % 4)
        return msgspec.json.decode(base64.b64decode(padded, altchars=b"-_", validate=True), type=cls)


@dataclass(frozen=True, slots=True)
class Keyset:
    """What a list is ordered by: columns that are unique together, all in one direction, with their types."""

    columns: Mapping[str, type]
    descending: bool = False

    def ordered(self, queryset: Any, cursor: Cursor | None) -> Any:
        """The rows from the cursor on, nearest first. Raises ValueError for a cursor of another list."""
        backward = cursor is not None and cursor.backward
        downwards = self.descending != backward
        if cursor is not None and (cursor.values or not backward):
            parsers = (_PARSERS[type_] for type_ in self.columns.values())
            position = tuple(parse(value) for parse, value in zip(parsers, cursor.values, strict=True))
            lookup = TupleLessThan if downwards else TupleGreaterThan
            queryset = queryset.filter(lookup(Tuple(*self.columns), position))
        return queryset.order_by(*(f"-{name}" if downwards else name for name in self.columns))

    def place_of(self, row: Any) -> list[str]:
        """The values that stand for this row in a cursor."""
        values = (row[name] if isinstance(row, Mapping) else getattr(row, name) for name in self.columns)
        return [value.isoformat() if isinstance(value, datetime) else str(value) for value in values]


BY_NAME: Final = Keyset({"name": str, "id": UUID})
BY_NAMESPACE_AND_NAME: Final = Keyset({"namespace": str, "name": str, "id": UUID})
BY_EVENT_TIME: Final = Keyset({"event_time": datetime, "id": UUID})
NEWEST_RUN_FIRST: Final = Keyset({"run_at": datetime, "id": UUID}, descending=True)


class KeysetPagination(BasePagination):
    """Serves `{"next", "previous", "results"}` to views that have a `keyset`."""

    display_page_controls = False
    query_parameters = frozenset({CURSOR, PAGE_SIZE})

    def paginate_queryset(
        self, queryset: QuerySet[Any, Any] | Sequence[Any], request: Request, view: APIView | None = None
    ) -> list[Any]:
        self.url = self.list_url(request)
        self.keyset: Keyset = view.keyset  # type: ignore[union-attr]
        size = _page_size(request)
        try:
            cursor = _cursor(request)
            ordered = self.keyset.ordered(queryset, cursor)
        except ValueError:
            raise ValidationError({CURSOR: ["This is no cursor of this list."]}) from None
        rows = list(ordered[: size + 1])
        page = self.fitting(rows[:size])
        self._set_links(cursor, page, is_cut=len(rows) > len(page))
        return page

    def list_url(self, request: Request) -> str:
        """The URL of the list, to which links add a cursor."""
        return request.build_absolute_uri()

    def fitting(self, rows: list[Any]) -> list[Any]:
        """As many of the first rows as one answer may hold: at least one, if there are any."""
        return rows

    def _set_links(self, cursor: Cursor | None, page: list[Any], *, is_cut: bool) -> None:
        """Turns a backward page the right way round, and says where the pages around it begin."""
        self.next = self.previous = None
        backward = cursor is not None and cursor.backward
        if backward:
            page.reverse()
        if backward or is_cut:
            self.next = self._link(Cursor(False, self.keyset.place_of(page[-1])) if page else None)
        if is_cut if backward else cursor is not None:
            self.previous = self._link(Cursor(True, self.keyset.place_of(page[0]) if page else []))

    def _link(self, cursor: Cursor | None) -> str:
        if cursor is None:
            return remove_query_param(self.url, CURSOR)
        return replace_query_param(self.url, CURSOR, cursor.encode())

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

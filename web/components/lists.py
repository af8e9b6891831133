"""Lists on pages: the reader's choices, as the URL has them, and the links that change a choice."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from django.http import HttpRequest, HttpResponse, QueryDict
from django_filters import IsoDateTimeFilter

from connections.models import Connection
from lineage.database.keyset import Cursor
from web.components.time_zones import in_utc
from web.components.values import Reader, sort_key

if TYPE_CHECKING:
    from django.core.paginator import Page
    from django_filters import FilterSet

    from lineage.database.keyset import Keyset, KeysetPage


@dataclass(frozen=True, slots=True)
class Column:
    """A column that a list may be sorted by. `downwards_first`: the newest and the most are what readers look for."""

    key: str
    title: str
    downwards_first: bool = False


@dataclass(frozen=True, slots=True)
class Listing:
    """Declares what a page's list takes from its URL. A wrong value is an error, and the list then has no rows."""

    filters: type[FilterSet]
    # The URL's name of each filter that the page has, in the order of its links → the filter, by whose name, as the API
    # has it, the page knows it, too.
    names: Mapping[str, str]
    columns: Sequence[Column] = ()
    # The order without a choice: a key of a column, or empty where the list has an order of its own.
    sort: str = ""
    # Further names that links keep → reader of their text.
    kept: Mapping[str, Reader] = field(default_factory=dict)
    # The one of them that says where the page begins: links that change a choice lead to the first page.
    place: str = ""

    def read(self, request: HttpRequest) -> Choices:
        """Read what the URL of a request chooses."""
        query = request.GET
        # The rows to filter are given later.
        filters = self.filters(self._data(query), queryset=Connection.objects.none(), request=request)
        errors = {name: str(filters.errors[key][0]) for name, key in self.names.items() if key in filters.errors}
        understood = filters.form.cleaned_data
        texts = {name: _text(understood.get(key)) for name, key in self.names.items()}
        for name, read in self._readers().items():
            try:
                texts[name] = read(query.get(name, ""))
            except ValueError as error:
                texts[name], errors[name] = "", str(error)
        if self.columns:
            texts["sort"] = texts["sort"] or self.sort
        return Choices(self, texts, errors, {name: self._raw(query, name) for name in errors}, filters)

    def _readers(self) -> Mapping[str, Reader]:
        sorts = {"sort": sort_key(column.key for column in self.columns)} if self.columns else {}
        return {**sorts, **self.kept}

    def query(self, texts: Mapping[str, str]) -> str:
        """The URL's query, `?…`, for these choices; empty for none."""
        query = QueryDict(mutable=True)
        query.update({name: text for name, text in texts.items() if text and (name, text) != ("sort", self.sort)})
        return f"?{query.urlencode()}" if query else ""

    def _raw(self, query: QueryDict, name: str) -> str:
        return query.get(name) or query.get(self.names.get(name, ""), "")

    def _data(self, query: QueryDict) -> dict[str, str]:
        """The texts to filter by. One that has a longest length is cut to it: PostgreSQL refuses a NUL in it.

        A form says by which clock its times are. They are turned here, because a filter refuses times that this clock
        shows twice or never.
        """
        data = {key: self._raw(query, name) for name, key in self.names.items()}
        for key, text in data.items():
            if isinstance(self.filters.base_filters[key], IsoDateTimeFilter):
                data[key] = in_utc(text, query.get("tz", ""))
        limits = {key: self.filters.base_filters[key].extra.get("max_length") for key in data}
        return {
            key: text.replace("\0", " ").strip()[: limits[key]] if limits[key] else text for key, text in data.items()
        }


@dataclass(frozen=True, slots=True)
class Choices:
    """A reader's choices on a list. `choices[name]`: the text of one, as the URL has it; empty without a choice."""

    listing: Listing
    texts: Mapping[str, str]
    # The names of wrong values → what is wrong with them, and the values.
    errors: Mapping[str, str]
    wrong: Mapping[str, str]
    filters: FilterSet

    def __getitem__(self, name: str) -> str:
        return self.texts[name]

    def filter(self, rows: Any) -> Any:
        """The rows that the filters leave."""
        return self.filters.filter_queryset(rows)

    def any_of(self, *names: str) -> bool:
        return any(self.texts[name] for name in names)

    @property
    def are_narrowing(self) -> bool:
        """True if the filters leave rows out."""
        return self.any_of(*self.listing.names)

    @property
    def has_filters(self) -> bool:
        """True if any filter beside the search is chosen."""
        return self.any_of(*(name for name in self.listing.names if name != "q"))

    def query(self, **changes: str) -> str:
        """The URL's query for these choices with some changed: to the first page, unless `changes` name a place."""
        return self.listing.query({**self.texts, self.listing.place: "", **changes})

    @property
    def own_query(self) -> str:
        """The query that leads here, with its wrong values."""
        return self.listing.query({**self.texts, **self.wrong})

    @property
    def cleared_query(self) -> str:
        """The query for all rows, in the chosen order."""
        return self.query(**dict.fromkeys(self.listing.names, ""))


@dataclass(frozen=True, slots=True)
class Option:
    """A value of a filter. `query`: where choosing it leads. `count`: how many rows have it; "" if not counted."""

    value: str
    title: str
    query: str
    chosen: bool
    count: int | str

    @property
    def counted_title(self) -> str:
        """`DAG (1,200)`."""
        return self.title if self.count == "" else f"{self.title} ({self.count:,})"


def option(
    choices: Choices, name: str, value: str, title: str, count: int | str = "", *, toggles: bool = False
) -> Option:
    """`toggles`: to choose it again takes the choice back."""
    chosen = choices[name] == value
    return Option(value, title, choices.query(**{name: "" if chosen and toggles else value}), chosen, count)


def options(
    choices: Choices, name: str, titles: Mapping[str, str], counts: Mapping[str, int | str] | None = None
) -> list[Option]:
    """An option for each value that has a title."""
    counts = counts or {}
    return [option(choices, name, value, title, counts.get(value, "")) for value, title in titles.items()]


def counted_options(
    choices: Choices,
    name: str,
    titles: Mapping[str, str],
    counts: Mapping[str, int],
    *,
    total: int,
    always: Collection[str] = (),
) -> list[Option]:
    """An option for all rows, and one for each value that occurs, was chosen, or is among `always`."""
    shown = {choices[name], *always}
    found = {value: title for value, title in titles.items() if counts.get(value) or value in shown}
    return options(choices, name, {"": "All"} | found, {value: counts.get(value, 0) for value in found} | {"": total})


@dataclass(frozen=True, slots=True)
class Heading:
    """The heading of a column. `query`: where a click on it leads. `order`: as `aria-sort` has it, ascending or
    descending; empty where the list is not sorted by the column."""

    key: str
    title: str
    query: str
    order: str


def headings(choices: Choices) -> list[Heading]:
    """A list that has an order of its own is sorted first one way, then the other, then by its own order again."""
    sort, own = choices["sort"], choices.listing.sort
    found = []
    for column in choices.listing.columns:
        ways = [column.key, f"-{column.key}"]
        first, then = reversed(ways) if column.downwards_first else ways
        following = {first: then, then: first if own else ""}.get(sort, first)
        order = {column.key: "ascending", f"-{column.key}": "descending"}.get(sort, "")
        found.append(Heading(column.key, column.title, choices.query(sort=following), order))
    return found


class Places(NamedTuple):
    """The queries of the pages before and after, and of the first page; empty where there is none, or no other."""

    previous: str = ""
    next: str = ""
    first: str = ""


def numbered_places(choices: Choices, page: Page[Any]) -> Places:
    return Places(
        choices.query(page=str(page.previous_page_number())) if page.has_previous() else "",
        choices.query(page=str(page.next_page_number())) if page.has_next() else "",
    )


def keyset_places(choices: Choices, page: KeysetPage, name: str = "cursor") -> Places:
    # Without any choice, "?" leads to the first page.
    return Places(
        choices.query(**{name: cursor_text(page.previous)}) or "?" if page.has_previous else "",
        choices.query(**{name: cursor_text(page.next)}) if page.has_next else "",
        choices.query(**{name: ""}) or "?" if choices[name] else "",
    )


def keyset_page(keyset: Keyset, rows: Any, choices: Choices, size: int, name: str = "cursor") -> KeysetPage:
    """Read the page at the chosen cursor."""
    page: KeysetPage = keyset.page(rows, Cursor.decode(choices[name]) if choices[name] else None, size)
    return page


def cursor_text(cursor: Cursor | None) -> str:
    """The cursor as URLs have it; empty for the first page."""
    return cursor.encode() if cursor else ""


def refuse_wrong_values(response: HttpResponse, choices: Choices) -> HttpResponse:
    """Give the page, which names the wrong values of its URL, status 400, as the API answers."""
    if choices.errors and response.status_code == 200:
        response.status_code = 400
    return response


def _text(value: Any) -> str:
    """A value as the URL has it. Times are in UTC; the filter `in_field` makes a form's value of them."""
    if isinstance(value, datetime):
        return f"{value.astimezone(UTC).replace(tzinfo=None).isoformat().removesuffix(':00')}Z"
    return "" if value is None else str(value)

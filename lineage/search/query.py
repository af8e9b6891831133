"""Search by name or id: connections and jobs by words of their names, runs by their whole id or their orchestrator's
id.

A name is split into words at punctuation, and these again where case or digits change: `shop.load_orders`,
`LoadOrders`, `s3://bucket/path`. Each word of the search text must be the start of a word of the name, or of the job's
namespace, in any order. `lineage_words` (lineage/migrations/0001_tables.py) does this in the database, for an index:
see docs/decisions/0019-search.md.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cached_property
from typing import Any, Final
from uuid import UUID

from django.db.models import (
    BooleanField,
    Case,
    CharField,
    DateTimeField,
    Exists,
    F,
    Func,
    IntegerField,
    OuterRef,
    Prefetch,
    Q,
    QuerySet,
    TextField,
    Value,
    When,
)
from django.db.models.functions import Coalesce, Collate, Lower

from connections.models import Connection
from connections.querysets import Reader
from lineage.database.keyset import NEWEST_RUN_OF_ALL_FIRST, Cursor, Keyset, KeysetPage
from lineage.events.facets import MAX_ORCHESTRATOR_RUN_ID_CHARACTERS
from lineage.models import Content, Dataset, Job, Run, RunState
from lineage.search.columns import MOST_SCHEMAS, FoundColumn, FoundDataset, columns_in
from lineage.search.index import by_index
from lineage.search.words import WORD, parts_of

LONGEST_SEARCH: Final = MAX_ORCHESTRATOR_RUN_ID_CHARACTERS
# Further words would hardly narrow the result.
MOST_WORDS: Final = 12
# Longer words are cut in the index.
LONGEST_WORD: Final = 60

# Best matches first: see `_place`. A job that runs meanwhile moves up.
NEAREST_FIRST: Final = Keyset({"place": int, "recent_at": datetime, "id": UUID}, descending=True)
_NEVER: Final = datetime(1970, 1, 1, tzinfo=UTC)
_LOWER_NAME: Final = Lower(Collate(F("name"), "default"), output_field=CharField())


class _Words(Func):
    function = "lineage_words"
    output_field = TextField()


class _WordsOfColumns(Func):
    # As the index has it: a parameter would not match that.
    template = "lineage_words(%(expressions)s, '')"
    output_field = TextField()


class _Match(Func):
    template = "%(expressions)s::tsquery"
    arg_joiner = " @@ "
    output_field = BooleanField()


@dataclass(frozen=True)
class Search:
    """Search text of `reader`, and optionally the connection on whose pages it was typed (`near`): jobs of that
    connection come first."""

    text: str
    reader: Reader
    near: UUID | None = None

    @classmethod
    def read(cls, text: str, reader: Reader, near: str = "") -> "Search":
        """Read from a URL. A `near` that is not an id is ignored."""
        # PostgreSQL refuses a NUL in text.
        cleaned = " ".join(text.replace("\0", " ").split())[:LONGEST_SEARCH]
        try:
            return cls(cleaned, reader, UUID(near) if near else None)
        except ValueError:
            return cls(cleaned, reader)

    @cached_property
    def visible(self) -> dict[UUID, Connection]:
        """Connections that the reader may see, by id."""
        return {connection.pk: connection for connection in self._all if connection.is_visible}  # type: ignore[attr-defined]

    def connections(self, most: int) -> list[Connection]:
        """Return the connections found, the best matches first."""
        found = [connection for connection in self.visible.values() if connection.is_found]  # type: ignore[attr-defined]
        return sorted(found, key=lambda one: (-one.place, one.name.lower()))[:most]  # type: ignore[attr-defined]

    def places_of_jobs(self) -> "QuerySet[Any, Any]":
        """Return the sort columns of NEAREST_FIRST for the jobs found, unsorted. They may be most of all jobs.

        Read it within `by_index`, then give the rows of a page to `jobs_at`.
        """
        jobs = Job.objects.alias(is_found=self._is_found(F("namespace"))).filter(is_found=True).shown()
        found = self._visible(jobs) if self._query else Job.objects.none()
        failing = _first((Q(latest_run_state=RunState.FAILED), 1), default=0)
        here = _first((Q(connection_id=self.near), 8), default=0) if self.near else Value(0)
        places: QuerySet[Any, Any] = found.alias(lower_name=_LOWER_NAME).values(
            "id",
            place=self._place() + here + failing,
            recent_at=Coalesce("latest_run_at", Value(_NEVER), output_field=DateTimeField()),
        )
        return places

    def jobs_at(self, places: Iterable[Mapping[str, Any]]) -> list[Job]:
        """Read the jobs of these rows of `places_of_jobs`, in their order."""
        ids = [place["id"] for place in places]
        # A connection may have been removed, and its jobs deleted, between two queries.
        jobs = {job.id: job for job in Job.objects.filter(id__in=ids) if job.connection_id in self.visible}
        return [jobs[id_] for id_ in ids if id_ in jobs]

    def page_of_jobs(self, cursor: Cursor | None, size: int) -> KeysetPage:
        """Return a page of the jobs found, the best matches first. Raises ValueError for a cursor of another list."""
        with by_index():
            page = NEAREST_FIRST.page(self.places_of_jobs(), cursor, size)
        return replace(page, rows=self.jobs_at(page.rows))

    def datasets_and_columns(self, most: int) -> tuple[list[FoundDataset], list[FoundColumn]]:
        """Return the datasets found, and the columns found in current schemas; `most` of each, the best matches
        first."""
        if not self._query:
            return [], []
        with by_index():
            return self._datasets(most), self._columns(most)

    def _datasets(self, most: int) -> list[FoundDataset]:
        found = self._visible(Dataset.objects.alias(is_found=self._is_found(F("namespace"))).filter(is_found=True))
        rows = found.alias(lower_name=_LOWER_NAME).values_list("id", "namespace", "name", self._place()).distinct()
        return [FoundDataset(*row[:3]) for row in rows.order_by(self._place().desc(), "name", "namespace")[:most]]

    def _columns(self, most: int) -> list[FoundColumn]:
        with_words = Content.objects.exclude(names="").alias(is_found=self._matches(_WordsOfColumns("names")))
        ids = list(self._visible(with_words.filter(is_found=True)).values_list("id", flat=True)[:MOST_SCHEMAS])
        return columns_in(ids, list(self.visible), self._words, most) if ids else []

    def _visible(self, rows: Any) -> Any:
        """Exclude the hidden connections: with a list of the others, PostgreSQL would read all rows of each."""
        hidden = [connection.pk for connection in self._all if connection.pk not in self.visible]
        return rows.exclude(connection_id__in=hidden) if hidden else rows

    def runs(self, most: int) -> list[Run]:
        """Return runs with this id, then with this sender's id, then with this orchestrator's id; each group the latest
        first.

        The runs have their `shown_state` and `job`.
        """
        if not self.text:
            return []
        jobs = Prefetch("job", Job.objects.filter(connection_id__in=self.visible))
        visible = Run.objects.filter(connection_id__in=self.visible)
        runs = visible.prefetch_related(jobs)
        found: list[Run] = []
        if self._run_id is not None:
            # The index begins with the connection, so this costs one index access for each.
            with_id = runs.filter(run_id=self._run_id, joined_in=None)
            found += with_id.order_by("is_hidden", "-last_event_at", "connection_id", "id")[:most]
        by_sender = Q(external_id=self.text) | Q(external_query_id=self.text)
        found += runs.filter(by_sender).order_by("-run_at", "-id", "connection_id")[:most]
        # Most searches are words. If no run has this orchestrator's id, the larger query need not be planned.
        named = {"orchestrator_run_id": self.text}
        if NEWEST_RUN_OF_ALL_FIRST.ordered(visible.filter(**named), None).values("id")[:1]:
            # If two run ids have this name, only the run that lists show is returned.
            found += NEWEST_RUN_OF_ALL_FIRST.ordered(runs.shown().filter(**named), None)[:most]
        return list({(run.connection_id, run.id): run for run in found}.values())[:most]

    @cached_property
    def _all(self) -> list[Connection]:
        """All connections, each with its place, whether it was found, and whether the reader may see it."""
        is_found = self._is_found(Value("")) if self._query else Value(False, BooleanField())
        connections = Connection.objects.order_by("name").alias(lower_name=_LOWER_NAME)
        is_visible = Exists(Connection.objects.visible(self.reader).filter(pk=OuterRef("pk")))
        return list(connections.annotate(is_found=is_found, place=self._place(), is_visible=is_visible))

    @cached_property
    def _run_id(self) -> UUID | None:
        try:
            return UUID(self.text)
        except ValueError:
            return None

    @cached_property
    def _words(self) -> list[str]:
        return WORD.findall(self.text)[:MOST_WORDS]

    @cached_property
    def _query(self) -> str:
        """Search text as a PostgreSQL tsquery. Words contain no quotes."""
        return " & ".join(map(_query_of, self._words))

    def _is_found(self, namespace: Any) -> _Match:
        return self._matches(_Words(F("name"), namespace))

    def _matches(self, words: Any) -> _Match:
        return _Match(words, Value(self._query, TextField()))

    def _place(self) -> Any:
        """Rank a name: 16 if it, or its last part, is the search text; 4 if it, or a part, begins with it; 2 if it
        contains all words or the text; 0 if only the namespace matches."""
        text = self.text.lower()
        whole = Q(lower_name=text) | Q(lower_name__endswith=f".{text}") | Q(lower_name__endswith=f"/{text}")
        start = Q(lower_name__startswith=text) | Q(lower_name__contains=f".{text}") | Q(lower_name__contains=f"/{text}")
        parts = {part for word in self._words for part in parts_of(word)}
        words = Q(*(Q(lower_name__contains=part) for part in sorted(parts)))
        # Nested, so that most names need few comparisons.
        within = _first((start, _first((whole, 16), default=4)), default=2)
        return _first((Q(lower_name__contains=text), within), *([(words, 2)] if parts else []), default=0)


def _first(*cases: tuple[Q, Any], default: int) -> Case:
    """Value of the first condition that holds."""
    return Case(*(When(holds, then=then) for holds, then in cases), default=default, output_field=IntegerField())


def _query_of(word: str) -> str:
    """Match a word that begins a word of the name or namespace, or whose parts are parts of the name."""
    *whole, last = parts_of(word)
    ways = [f"{_lexeme(word.lower())}:*", f"{_lexeme(f'@{word.lower()}')}:*"]
    if whole:
        ways.append(" & ".join([*map(_lexeme, whole), f"{_lexeme(last)}:*"]))
    return f"({' | '.join(ways)})"


def _lexeme(word: str) -> str:
    return f"'{word[:LONGEST_WORD]}'"

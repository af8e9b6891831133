"""What people look for by name or id: connections and jobs by the words of their names, runs by their whole id, or by
what their orchestrator calls them.

A name is cut into words where punctuation stands, and these again where case or digits change: `shop.load_orders`,
`LoadOrders`, `s3://bucket/path`. Each word of what was typed must begin one of them, or one of the job's namespace,
whatever the order. `lineage_words` (lineage/migrations/0001_tables.py) does the same in the database, for an index: see
docs/decisions/0019-search.md.
"""

import re
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
    F,
    Func,
    IntegerField,
    Prefetch,
    Q,
    QuerySet,
    TextField,
    Value,
    When,
)
from django.db.models.functions import Coalesce, Collate, Lower

from connections.models import Connection
from lineage.database.keyset import NEWEST_RUN_OF_ALL_FIRST, Cursor, Keyset, KeysetPage
from lineage.events.facets import MAX_ORCHESTRATOR_RUN_ID_CHARACTERS
from lineage.models import Job, Run, RunState
from lineage.search.index import by_index

LONGEST_SEARCH: Final = MAX_ORCHESTRATOR_RUN_ID_CHARACTERS
# Words beyond these narrow nothing that a reader would notice.
MOST_WORDS: Final = 12
# What is left of a word in the index.
LONGEST_WORD: Final = 60

_LETTERS = "\x80-\U0010ffff"
_WORD: Final = re.compile(f"[0-9A-Za-z{_LETTERS}]+")
_PART: Final = re.compile(f"[0-9]+|[A-Z]+(?![a-z{_LETTERS}])|[A-Z]?[a-z{_LETTERS}]+")

# The nearest first: see `_place`. A job that runs meanwhile moves up.
NEAREST_FIRST: Final = Keyset({"place": int, "recent_at": datetime, "id": UUID}, descending=True)
_NEVER: Final = datetime(1970, 1, 1, tzinfo=UTC)
_LOWER_NAME: Final = Lower(Collate(F("name"), "default"), output_field=CharField())


class _Words(Func):
    function = "lineage_words"
    output_field = TextField()


class _Match(Func):
    template = "%(expressions)s::tsquery"
    arg_joiner = " @@ "
    output_field = BooleanField()


@dataclass(frozen=True)
class Search:
    """What somebody typed, and on the pages of which connection they stand, if on any: its jobs come first."""

    text: str
    near: UUID | None = None

    @classmethod
    def read(cls, text: str, near: str = "") -> "Search":
        """From a URL; what is no connection's id is as if it were not there."""
        # PostgreSQL refuses a NUL in text.
        cleaned = " ".join(text.replace("\0", " ").split())[:LONGEST_SEARCH]
        try:
            return cls(cleaned, UUID(near) if near else None)
        except ValueError:
            return cls(cleaned)

    @cached_property
    def visible(self) -> dict[UUID, Connection]:
        """Every connection that nobody removed."""
        return {connection.pk: connection for connection in self._all if connection.removed_at is None}

    def connections(self, most: int) -> list[Connection]:
        """Those that were found, the nearest first."""
        found = [connection for connection in self.visible.values() if connection.is_found]  # type: ignore[attr-defined]
        return sorted(found, key=lambda one: (-one.place, one.name.lower()))[:most]  # type: ignore[attr-defined]

    def places_of_jobs(self) -> "QuerySet[Any, Any]":
        """Of the jobs that were found, unordered, what NEAREST_FIRST goes by and no more: they may be most of all jobs.
        To be read `by_index`, then given to `jobs_at`."""
        if self._query:
            found = Job.objects.alias(is_found=self._is_found(F("namespace"))).filter(is_found=True).shown()
        else:
            found = Job.objects.none()
        if removed := [connection.pk for connection in self._all if connection.removed_at is not None]:
            # Left out one by one: led by the others, PostgreSQL would go through all jobs of each.
            found = found.exclude(connection_id__in=removed)
        failing = _first((Q(latest_run_state=RunState.FAILED), 1), default=0)
        here = _first((Q(connection_id=self.near), 8), default=0) if self.near else Value(0)
        return found.alias(lower_name=_LOWER_NAME).values(
            "id",
            place=self._place() + here + failing,
            recent_at=Coalesce("latest_run_at", Value(_NEVER), output_field=DateTimeField()),
        )

    def jobs_at(self, places: Iterable[Mapping[str, Any]]) -> list[Job]:
        """The jobs that have these places, in their order."""
        ids = [place["id"] for place in places]
        # A connection may have been removed, and its jobs deleted, between two queries.
        jobs = {job.id: job for job in Job.objects.filter(id__in=ids) if job.connection_id in self.visible}
        return [jobs[id_] for id_ in ids if id_ in jobs]

    def page_of_jobs(self, cursor: Cursor | None, size: int) -> KeysetPage:
        """Jobs that were found, the nearest first. ValueError: a cursor of another list."""
        with by_index():
            page = NEAREST_FIRST.page(self.places_of_jobs(), cursor, size)
        return replace(page, rows=self.jobs_at(page.rows))

    def runs(self, most: int) -> list[Run]:
        """Those with this id, or for which their sender had it, or that their orchestrator calls so, each with its
        `shown_state` and `job`; in each of the three the latest first."""
        if not self.text:
            return []
        jobs = Prefetch("job", Job.objects.filter(connection_id__in=self.visible))
        visible = Run.objects.filter(connection_id__in=self.visible)
        runs = visible.prefetch_related(jobs)
        found: list[Run] = []
        if self._run_id is not None:
            # The keys begin with the connection: one probe for each.
            found += runs.filter(id=self._run_id).order_by("-last_event_at", "connection_id")[:most]
        by_sender = Q(external_id=self.text) | Q(external_query_id=self.text)
        found += runs.filter(by_sender).order_by("-run_at", "-id", "connection_id")[:most]
        # Mostly words were typed: where no run is called so, PostgreSQL need not plan what else is asked of each.
        called = {"orchestrator_run_id": self.text}
        if NEWEST_RUN_OF_ALL_FIRST.ordered(visible.filter(**called), None).values("id")[:1]:
            # A name that a run has under two ids is of the one that lists show.
            found += NEWEST_RUN_OF_ALL_FIRST.ordered(runs.shown().filter(**called), None)[:most]
        return list({(run.connection_id, run.id): run for run in found}.values())[:most]

    @cached_property
    def _all(self) -> list[Connection]:
        """Every connection: how near it is, and whether it was found at all."""
        is_found = self._is_found(Value("")) if self._query else Value(False, BooleanField())
        named = Connection.objects.order_by("name").alias(lower_name=_LOWER_NAME)
        return list(named.annotate(is_found=is_found, place=self._place()))

    @cached_property
    def _run_id(self) -> UUID | None:
        try:
            return UUID(self.text)
        except ValueError:
            return None

    @cached_property
    def _words(self) -> list[str]:
        return _WORD.findall(self.text)[:MOST_WORDS]

    @cached_property
    def _query(self) -> str:
        """As PostgreSQL writes a tsquery. Words hold no quotes."""
        return " & ".join(map(_query_of, self._words))

    def _is_found(self, namespace: Any) -> _Match:
        return _Match(_Words(F("name"), namespace), Value(self._query, TextField()))

    def _place(self) -> Any:
        """How near a name is: 16 for all of it, or of its last part; 4 where it, or a part, begins so; 2 where it holds
        all words, and 0 where the namespace has to help."""
        text = self.text.lower()
        whole = Q(lower_name=text) | Q(lower_name__endswith=f".{text}") | Q(lower_name__endswith=f"/{text}")
        start = Q(lower_name__startswith=text) | Q(lower_name__contains=f".{text}") | Q(lower_name__contains=f"/{text}")
        parts = {part for word in self._words for part in _parts(word)}
        words = Q(*(Q(lower_name__contains=part) for part in sorted(parts)))
        # One inside the other: of most names, most of this need not be asked.
        within = _first((start, _first((whole, 16), default=4)), default=2)
        return _first((Q(lower_name__contains=text), within), *([(words, 2)] if parts else []), default=0)


def _first(*ways: tuple[Q, Any], default: int) -> Case:
    """What stands beside the first condition that holds."""
    return Case(*(When(holds, then=then) for holds, then in ways), default=default, output_field=IntegerField())


def _parts(word: str) -> list[str]:
    return [part.lower() for part in _PART.findall(word)]


def _query_of(word: str) -> str:
    """The word begins a word of the name or of the namespace, or its parts are parts of the name."""
    *whole, last = _parts(word)
    ways = [f"{_lexeme(word.lower())}:*", f"{_lexeme(f'@{word.lower()}')}:*"]
    if whole:
        ways.append(" & ".join([*map(_lexeme, whole), f"{_lexeme(last)}:*"]))
    return f"({' | '.join(ways)})"


def _lexeme(word: str) -> str:
    return f"'{word[:LONGEST_WORD]}'"

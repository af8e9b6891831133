"""The list of audit entries: which ones, in which order, and what its filters lead to."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any, Final

from django.db.models import Q, QuerySet
from django.utils import timezone
from django_filters import DateFilter, FilterSet

from audit.models import AuditEntry, Verb
from lineage.database import filters
from lineage.database.keyset import Keyset
from web.administration.audit_rows import AuditRow, row_of
from web.components.density import DENSITY
from web.components.lists import Choices, Listing, Option, Places, keyset_page, keyset_places, options
from web.components.values import place_in

ROWS_PER_PAGE: Final = 50
# Rows of a file, the newest ones: it is made as a whole, in memory.
MOST_IN_FILE: Final = 20_000
NEWEST_FIRST: Final = Keyset({"at": datetime, "id": int}, descending=True)
# Kinds of what actions are about, as `audit.record` names them.
OBJECTS: Final = (
    "connection",
    "connection access",
    "route",
    "API key",
    "workspace key",
    "API token",
    "user",
    "group",
    "authenticator",
    "social account",
    "email address",
    "user session",
)


class AuditFilter(FilterSet):
    """Filters of audit entries. A day is one of the reader's time zone."""

    actor = filters.search("A part of the name of who did it, or of what it was done to.", method="by_name")
    verb = filters.choice(Verb.choices)
    object = filters.choice((name, name) for name in OBJECTS)
    day = DateFilter(method="on_day", error_messages={"invalid": "Not a day as in 2026-01-31."})

    def by_name(self, entries: QuerySet[AuditEntry], _name: str, value: str) -> QuerySet[AuditEntry]:
        return entries.filter(Q(actor__icontains=value) | Q(name__icontains=value))

    def on_day(self, entries: QuerySet[AuditEntry], _name: str, value: date) -> QuerySet[AuditEntry]:
        # No day comes after 9999-12-31.
        begin, end = (timezone.make_aware(datetime.combine(value, at)) for at in (time.min, time.max))
        return entries.filter(at__range=(begin, end))


AUDIT: Final = Listing(
    AuditFilter,
    {"q": "actor", "verb": "verb", "object": "object", "day": "day"},
    kept={"cursor": place_in(NEWEST_FIRST), **DENSITY},
    place="cursor",
)


@dataclass(frozen=True, slots=True)
class AuditTable:
    choices: Choices
    rows: list[AuditRow]
    verbs: list[Option]
    objects: list[Option]
    places: Places

    @property
    def file_query(self) -> str:
        """The URL's query of the file with the chosen entries."""
        return self.choices.query(density="")


def read_audit_table(choices: Choices) -> AuditTable:
    page = keyset_page(NEWEST_FIRST, _chosen(choices), choices, ROWS_PER_PAGE)
    return AuditTable(
        choices=choices,
        rows=[row_of(entry) for entry in page.rows],
        verbs=options(choices, "verb", dict(Verb.choices)),
        objects=options(choices, "object", {name: name for name in OBJECTS}),
        places=keyset_places(choices, page),
    )


def entries_of_file(choices: Choices) -> Iterator[AuditEntry]:
    """Yield the chosen entries, the newest first, MOST_IN_FILE at most."""
    entries: Iterator[AuditEntry] = NEWEST_FIRST.ordered(_chosen(choices), None)[:MOST_IN_FILE].iterator()
    return entries


def _chosen(choices: Choices) -> Any:
    entries = AuditEntry.objects.all()
    return entries.none() if choices.errors else choices.filter(entries)

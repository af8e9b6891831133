"""Kinds of filters that lists declare, for pages and the API alike: a page leaves out a value that is none, the API
refuses it."""

from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any, Final

from django.db.models import QuerySet
from django_filters import CharFilter, ChoiceFilter, IsoDateTimeFilter, NumberFilter
from django_filters.fields import IsoDateTimeField

LONGEST_SEARCH: Final = 200

# What a filter's `method` is called with: the rows, the filter's name, the value.
Method = Callable[[Any, str, Any], QuerySet[Any]]


def by(narrow: Callable[[Any, Any], QuerySet[Any]]) -> Method:
    """Filter with a method of the queryset, given the value."""

    # The API's schema takes the type of the filter from `value`.
    def method(queryset: Any, _name: str, value: str) -> QuerySet[Any]:
        return narrow(queryset, value)

    return method


def unfiltered(queryset: Any, _name: str, value: str) -> Any:  # noqa: ARG001 - as `by` has it
    """Keep all rows: the filter set itself, or the page, makes use of the value."""
    return queryset


def choice(choices: Iterable[tuple[str, Any]], **options: Any) -> ChoiceFilter:
    choices = list(choices)
    values = ", ".join(value for value, _ in choices)
    return ChoiceFilter(choices=choices, error_messages={"invalid_choice": f"Not one of {values}."}, **options)


def text(help_text: str, **options: Any) -> CharFilter:
    return CharFilter(help_text=help_text, **options)


def search(help_text: str, **options: Any) -> CharFilter:
    return text(help_text, max_length=LONGEST_SEARCH, **options)


def whole_number(help_text: str, *, most: int, **options: Any) -> NumberFilter:
    return NumberFilter(min_value=0, max_value=most, decimal_places=0, help_text=help_text, **options)


_FIRST, _LAST = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)


class _InstantField(IsoDateTimeField):
    """A time that PostgreSQL takes: it knows no zone beyond 16 hours, so it gets each time in UTC."""

    def clean(self, value: Any) -> datetime | None:
        cleaned: datetime | None = super().clean(value)
        try:
            return cleaned and cleaned.astimezone(UTC)
        except OverflowError:
            # Its zone puts it into the year 0 or 10000: as good as the first or the last moment.
            return _FIRST if cleaned and cleaned.year == 1 else _LAST


class _InstantFilter(IsoDateTimeFilter):
    field_class = _InstantField


def instant(help_text: str, **options: Any) -> IsoDateTimeFilter:
    invalid = "Not a time as in 2026-01-31T12:00:00Z (a plus sign in a URL must be encoded)."
    return _InstantFilter(help_text=help_text, error_messages={"invalid": invalid}, **options)

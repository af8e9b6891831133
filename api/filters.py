"""What lists may be filtered by. A value that is none is refused: a filter that is ignored shows too much."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.utils import timezone
from django_filters import rest_framework as filters
from django_filters.fields import IsoDateTimeField
from drf_spectacular.drainage import set_override

from lineage.events.facets import MAX_ORCHESTRATOR_RUN_ID_CHARACTERS
from lineage.events.senders import WORDS_WITH_RUN_IDS
from lineage.models import Job, RunState
from lineage.models.dataset import DatasetQuerySet
from lineage.models.job_queryset import JobQuerySet
from lineage.models.run_queryset import RunQuerySet

LONGEST_SEARCH: Final = 200
# A hundred years, in milliseconds.
LONGEST_DURATION_MS: Final = 36525 * 24 * 3600 * 1000


def _choice(choices: Any, **kwargs: Any) -> filters.ChoiceFilter:
    values = ", ".join(value for value, _ in choices)
    return filters.ChoiceFilter(choices=choices, error_messages={"invalid_choice": f"Not one of {values}."}, **kwargs)


class _InstantField(IsoDateTimeField):
    """A time that PostgreSQL takes: it knows no zone beyond 16 hours, so it gets each time in UTC."""

    def clean(self, value: Any) -> datetime | None:
        cleaned: datetime | None = super().clean(value)
        try:
            return cleaned and cleaned.astimezone(UTC)
        except OverflowError:
            raise ValidationError(self.error_messages["invalid"], code="invalid") from None


class _InstantFilter(filters.IsoDateTimeFilter):
    field_class = _InstantField


def _instant(lookup: str, help_text: str) -> _InstantFilter:
    return _InstantFilter(
        field_name="run_at",
        lookup_expr=lookup,
        help_text=help_text,
        error_messages={"invalid": "Not a time as in 2026-01-31T12:00:00Z (a plus sign in a URL must be encoded)."},
    )


def _text(description: str, **kwargs: Any) -> filters.CharFilter:
    described = {"type": "string", "minLength": 1, "pattern": r"^[^\x00]*$", "description": description}
    if "max_length" in kwargs:
        described["maxLength"] = kwargs["max_length"]
    text_filter = filters.CharFilter(**kwargs)
    set_override(text_filter, "field", described)
    return text_filter


def _whole_number(description: str, *, most: int, **kwargs: Any) -> filters.NumberFilter:
    number = filters.NumberFilter(min_value=0, max_value=most, decimal_places=0, **kwargs)
    described = {"type": "integer", "minimum": 0, "maximum": most, "description": description}
    set_override(number, "field", described)
    return number


def _search(description: str) -> filters.CharFilter:
    return _text(description, method="filter_search", max_length=LONGEST_SEARCH)


def _namespace() -> filters.CharFilter:
    return _text("The namespace, exactly.", field_name="namespace", strip=False)


class JobFilter(filters.FilterSet):
    state = _choice(
        RunState.choices,
        method="filter_state",
        help_text="The state of the job's latest run; `RUNNING`: any run of it is running.",
    )
    kind = _choice(Job.Kind.choices, help_text="What the job is.")
    namespace = _namespace()
    owner = _text("One of the job's owners, exactly.", method="filter_owner", strip=False)
    tag = _text("One of the job's tags, exactly.", method="filter_tag", strip=False)
    parent = filters.UUIDFilter(field_name="parent_job_id", help_text="The id of the job that contains it.")
    search = _search("Words that the name contains, in any case and order.")

    def filter_owner(self, queryset: JobQuerySet, name: str, value: str) -> JobQuerySet:  # noqa: ARG002
        return queryset.owned_by(value)

    def filter_tag(self, queryset: JobQuerySet, name: str, value: str) -> JobQuerySet:  # noqa: ARG002
        return queryset.tagged(value)

    def filter_state(self, queryset: JobQuerySet, name: str, value: str) -> JobQuerySet:  # noqa: ARG002
        return queryset.in_state(value)

    def filter_search(self, queryset: JobQuerySet, name: str, value: str) -> JobQuerySet:  # noqa: ARG002
        return queryset.named(value)


class JobRunFilter(filters.FilterSet):
    """For the runs of one job."""

    state = _choice(RunState.choices, method="filter_state", help_text="The run's state.")
    started_after = _instant(
        "gte", "Runs that took place at this time or later. Without a START event, a run's first event counts."
    )
    started_before = _instant("lt", "Runs that took place before this time.")
    orchestrator_run_id = _text(
        f"Runs that their orchestrator calls so, exactly: {', '.join(words.run_id for words in WORDS_WITH_RUN_IDS)}.",
        strip=False,
        max_length=MAX_ORCHESTRATOR_RUN_ID_CHARACTERS,
    )
    min_duration_ms = _whole_number(
        "Runs that took so long, and those that run for so long already.",
        method="filter_min_duration",
        most=LONGEST_DURATION_MS,
    )

    def filter_min_duration(self, queryset: RunQuerySet, name: str, value: Decimal) -> RunQuerySet:  # noqa: ARG002
        return queryset.lasting_at_least(timedelta(milliseconds=int(value)), now=timezone.now())

    def filter_state(self, queryset: RunQuerySet, name: str, value: str) -> RunQuerySet:  # noqa: ARG002
        return queryset.in_state(value)


class RunFilter(JobRunFilter):
    """For the runs of several jobs."""

    kind = _choice(Job.Kind.choices, method="filter_kind", help_text="What the run's job is.")
    search = _search("Words that the name of the run's job contains, in any case and order.")

    def filter_kind(self, queryset: RunQuerySet, name: str, value: str) -> RunQuerySet:  # noqa: ARG002
        return queryset.of_jobs(Job.objects.visible().filter(kind=value))

    def filter_search(self, queryset: RunQuerySet, name: str, value: str) -> RunQuerySet:  # noqa: ARG002
        return queryset.of_jobs(Job.objects.visible().named(value))


class RunOfAnyConnectionFilter(RunFilter):
    """For the runs of all connections."""

    connection_id = filters.UUIDFilter(
        field_name="connection_id", help_text="Whose runs.", error_messages={"invalid": "Not a UUID."}
    )


class DatasetFilter(filters.FilterSet):
    namespace = _namespace()
    search = _search("Words that the name contains, in any case and order.")

    def filter_search(self, queryset: DatasetQuerySet, name: str, value: str) -> QuerySet[Any]:  # noqa: ARG002
        for word in value.split():
            queryset = queryset.filter(name__icontains=word)
        return queryset

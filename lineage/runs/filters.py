"""Filters of runs, for pages and the API."""

from datetime import timedelta
from decimal import Decimal
from typing import Any, Final

from django.contrib.auth.models import AnonymousUser
from django.utils import timezone
from django_filters import FilterSet, UUIDFilter

from lineage.database import filters
from lineage.events.facets import MAX_ORCHESTRATOR_RUN_ID_CHARACTERS
from lineage.events.senders import WORDS_WITH_RUN_IDS
from lineage.models import Job, RunState
from lineage.models.run_queryset import RunQuerySet

# A hundred years, in milliseconds.
LONGEST_DURATION_MS: Final = 36525 * 24 * 3600 * 1000


def lasting_at_least_ms(runs: RunQuerySet, milliseconds: Decimal) -> RunQuerySet:
    return runs.lasting_at_least(timedelta(milliseconds=int(milliseconds)), now=timezone.now())


class JobRunFilter(FilterSet):
    """Filters of the runs of one job."""

    state = filters.choice(RunState.choices, method=filters.by(RunQuerySet.in_state), help_text="The run's state.")
    started_after = filters.instant(
        "Runs that took place at this time or later. Without a START event, a run's first event counts.",
        field_name="run_at",
        lookup_expr="gte",
    )
    started_before = filters.instant("Runs that took place before this time.", field_name="run_at", lookup_expr="lt")
    orchestrator_run_id = filters.text(
        f"Runs that their orchestrator calls so, exactly: {', '.join(words.run_id for words in WORDS_WITH_RUN_IDS)}.",
        strip=False,
        max_length=MAX_ORCHESTRATOR_RUN_ID_CHARACTERS,
    )
    min_duration_ms = filters.whole_number(
        "Runs that took so long, and those that run for so long already.",
        method=filters.by(lasting_at_least_ms),
        most=LONGEST_DURATION_MS,
    )


class RunFilter(JobRunFilter):
    """Filters of the runs of several jobs. Those of the job ask together, once, which jobs they leave."""

    kind = filters.choice(Job.Kind.choices, method=filters.unfiltered, help_text="What the run's job is.")
    search = filters.search(
        "Words that the name of the run's job contains, in any case and order.", method=filters.unfiltered
    )

    def filter_queryset(self, queryset: Any) -> Any:
        runs: Any = super().filter_queryset(queryset)
        kind, words = self.form.cleaned_data.get("kind"), self.form.cleaned_data.get("search")
        if not kind and not words:
            return runs
        reader = self.request.user if self.request else AnonymousUser()
        jobs = Job.objects.visible(reader).named(words or "")
        return runs.of_jobs(jobs.filter(kind=kind) if kind else jobs)


class RunOfAnyConnectionFilter(RunFilter):
    """Filters of the runs of all connections."""

    connection_id = UUIDFilter(help_text="Whose runs.", error_messages={"invalid": "Not a UUID."})

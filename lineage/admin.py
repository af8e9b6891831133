"""Admin pages of what senders sent. They are read-only: edited rows would no longer be what was sent.

The tables may have millions of rows, so pages run only queries that an index answers: rows are sorted by an index,
columns cannot be sorted, and counts stop at a limit.
"""

from datetime import datetime
from typing import Any, ClassVar, Final, cast
from uuid import UUID

from django.contrib import admin
from django.contrib.admin.utils import quote
from django.contrib.admin.views.main import ChangeList
from django.core.paginator import Paginator
from django.db.models import Model, Q, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.functional import cached_property

from audit.model_admin import NotEdited
from connections.access import hidden_classes
from connections.models import Connection
from lineage.events.privacy import hidden_text
from lineage.models import Activity, Dataset, Edge, Event, Job, Run, RunState

_MOST_CHARACTERS: Final = 100_000


class FirstPages(Paginator):  # type: ignore[type-arg]
    """Paginator of the first rows: rows after the limit are neither counted nor listed."""

    LIMIT: Final = 10_000

    @cached_property
    def _counted(self) -> int:
        rows = cast("QuerySet[Any]", self.object_list)
        # One more than the limit, to know whether there are further rows.
        return rows.order_by()[: self.LIMIT + 1].count()

    @property
    def count(self) -> int:
        return min(self._counted, self.LIMIT)

    @property
    def is_cut(self) -> bool:
        return self._counted > self.LIMIT


class AddressedChangeList(ChangeList):
    """Change list that links each row by its whole key."""

    model_admin: "LineageAdmin"

    def url_for_result(self, result: Model) -> str:
        name = f"admin:{self.opts.app_label}_{self.opts.model_name}_change"
        return reverse(name, args=[quote(self.model_admin.address_of(result))])

    def get_queryset(self, request: HttpRequest, exclude_parameters: Any = None) -> QuerySet[Any]:
        return super().get_queryset(request, exclude_parameters).defer(*self.model_admin.not_listed)


class LineageAdmin(NotEdited, admin.ModelAdmin):  # type: ignore[type-arg]
    list_select_related: ClassVar[Any] = ("connection",)
    list_filter: ClassVar[Any] = ("connection",)
    sortable_by = ()
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER
    paginator = FirstPages
    search_fields = ("id",)
    search_help_text = "An id."
    # Field searched for a UUID, and fields searched for any other text.
    searched_id = "id"
    searched_texts: tuple[str, ...] = ()
    # Columns that are too large for a list.
    not_listed: tuple[str, ...] = ()

    def address_of(self, row: Any) -> str:
        """Return the row's key for a URL."""
        return str(row.pk)

    def get_changelist(self, request: HttpRequest, **_: Any) -> type[ChangeList]:  # noqa: ARG002 - the framework's
        return AddressedChangeList

    def get_fields(self, request: HttpRequest, obj: Any = None) -> list[Any]:  # noqa: ARG002
        return [field.name for field in self.opts.concrete_fields]

    def get_search_results(
        self,
        request: HttpRequest,  # noqa: ARG002
        queryset: QuerySet[Any],
        search_term: str,
    ) -> tuple[QuerySet[Any], bool]:
        term = search_term.strip()
        if not term:
            return queryset, False
        if (sought := _uuid(term)) is not None:
            # Every index begins with the connection, so the query names all connections.
            connections = list(Connection.objects.values_list("pk", flat=True))
            return queryset.filter(**{"connection_id__in": connections, self.searched_id: sought}), False
        matches = Q(pk__in=[])
        for field in self.searched_texts:
            matches |= Q(**{f"{field}__icontains": term.replace("\0", "\ufffd")})
        return queryset.filter(matches), False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ARG002
        return False


class _ConnectionScopedAdmin(LineageAdmin):
    """Admin of rows whose id is unique only within their connection: `<connection id>:<id>` in URLs."""

    def address_of(self, row: Any) -> str:
        return f"{row.connection_id}:{row.pk}"

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Any:  # noqa: ARG002
        key = self.key_of(object_id)
        return self.get_queryset(request).filter(**key).first() if key else None

    def key_of(self, address: str) -> dict[str, Any] | None:
        """Return the fields that `address_of` wrote; None for any other text."""
        connection_id, _, id_ = address.partition(":")
        key = {"connection_id": _uuid(connection_id), "pk": _uuid(id_)}
        return None if None in key.values() else key


class StateFilter(admin.SimpleListFilter):
    title = "state"
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:  # noqa: ARG002
        return list(RunState.choices)

    def queryset(self, request: HttpRequest, queryset: QuerySet[Run]) -> QuerySet[Run]:  # noqa: ARG002
        return queryset if self.value() is None else queryset.filter(state=self.value())


@admin.register(Event)
class EventAdmin(_ConnectionScopedAdmin):
    list_display = ("event_time", "connection", "kind", "event_type", "subject_id", "received_at")
    list_filter = ("connection", "kind")
    ordering = ("-connection_id", "-event_time", "-id")
    search_help_text = "The id of a job or dataset, or of the row of a run."
    searched_id = "subject_id"
    not_listed = ("body",)

    def address_of(self, row: Event) -> str:
        return f"{super().address_of(row)}:{row.event_time.isoformat()}"

    def key_of(self, address: str) -> dict[str, Any] | None:
        *ids, time = address.split(":", 2)
        key, event_time = super().key_of(":".join(ids)), _time(time)
        return {**key, "event_time": event_time} if key and event_time else None

    def get_fields(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        return [field for field in super().get_fields(request, obj) if field != "body"] + ["document"]

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Any:
        found = super().get_object(request, object_id, from_field)
        if found is not None:
            found.body = hidden_text(found.body, hidden_classes(found.connection, request.user))
        return found

    @admin.display(description="as received")
    def document(self, event: Event) -> str:
        cut = len(event.body) - _MOST_CHARACTERS
        return event.body if cut <= 0 else f"{event.body[:_MOST_CHARACTERS]} … and {cut} characters more"


@admin.register(Job)
class JobAdmin(LineageAdmin):
    list_display = ("name", "namespace", "connection", "kind", "integration", "latest_run_state", "latest_run_at")
    list_filter = ("connection", "kind", "latest_run_state")
    ordering = ("connection_id", "id")
    search_help_text = "An id, or a part of a name or namespace."
    searched_texts = ("name", "namespace")


@admin.register(Run)
class RunAdmin(_ConnectionScopedAdmin):
    list_display = ("run_id", "job", "connection", "state", "run_at", "ended_at", "event_count")
    searched_id = "run_id"
    list_select_related = ("connection", "job")
    list_filter = ("connection", StateFilter)
    ordering = ("connection_id", "-run_at", "-id")


@admin.register(Dataset)
class DatasetAdmin(_ConnectionScopedAdmin):
    list_display = ("name", "namespace", "connection", "described")
    list_filter = ("connection", "described")
    ordering = ("connection_id", "id")
    search_help_text = "An id, or a part of a name or namespace."
    searched_texts = ("name", "namespace")


@admin.register(Edge)
class EdgeAdmin(LineageAdmin):
    list_display = ("job", "direction", "dataset_id", "connection", "last_event_hour")
    list_select_related = ("connection", "job")
    list_filter = ("connection", "direction")
    ordering = ("connection_id", "id")


@admin.register(Activity)
class ActivityAdmin(LineageAdmin):
    list_display = ("connection", "first_event_at", "last_event_at", "first_job_name")
    list_filter = ()
    ordering = ("connection_id",)
    search_help_text = "The id of a connection, or a part of its name."
    searched_id = "connection_id"
    searched_texts = ("connection__name",)


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def _time(text: str) -> datetime | None:
    """Parse a time with an offset: stored times are moments."""
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        return None
    return time if time.tzinfo else None

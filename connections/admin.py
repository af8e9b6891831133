"""Connections, routes, keys and attempts for operators: to look at, and to end. People add and rename on the
product's pages.

A key's hash and its lookup part help nobody who reads them, so they are not shown.
"""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone

from audit.model_admin import NotEdited
from connections.actions import delete_api_key, end_connection
from connections.models import ApiKey, Attempt, Connection, ConnectionAccess, Route, UnmatchedNamespace, WorkspaceKey
from connections.workspace_keys import delete_workspace_key


class RemovedFilter(admin.SimpleListFilter):
    title = "removal"
    parameter_name = "removed"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:  # noqa: ARG002
        return [("no", "Not removed"), ("yes", "Removed, its rows are being deleted")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Connection]) -> QuerySet[Connection]:  # noqa: ARG002
        return queryset if self.value() is None else queryset.filter(removed_at__isnull=self.value() == "no")


@admin.register(Connection)
class ConnectionAdmin(NotEdited, admin.ModelAdmin):  # type: ignore[type-arg]
    has_recording_actions = True
    list_display = ("name", "type", "visibility", "created_by", "created_at", "removed_at")
    list_select_related = ("created_by",)
    list_filter = ("type", RemovedFilter)
    search_fields = ("name", "id")
    fields = ("id", "name", "type", "visibility", "created_by", "created_at", "removed_at")

    def get_deleted_objects(
        self,
        objs: Any,
        request: HttpRequest,  # noqa: ARG002
    ) -> tuple[list[Any], dict[Any, Any], set[Any], list[Any]]:
        """Count the rows that go with the connections, without listing them: there may be millions."""
        connections = list(objs)
        keys = ApiKey.objects.filter(connection__in=connections).count()
        counts = {"connections, with all that they sent": len(connections), "API keys": keys}
        return [connection.name for connection in connections], counts, set(), []

    def delete_model(self, request: HttpRequest, obj: Connection) -> None:  # noqa: ARG002
        """End the connection: its keys end and pages hide it at once; `manage.py maintain` deletes its rows."""
        end_connection(connection=obj, now=timezone.now())

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Connection]) -> None:
        for connection in queryset:
            self.delete_model(request, connection)


@admin.register(ApiKey)
class ApiKeyAdmin(NotEdited, admin.ModelAdmin):  # type: ignore[type-arg]
    has_recording_actions = True
    list_display = ("name", "shown", "connection", "created_by", "created_at", "last_used_at")
    list_select_related = ("connection", "created_by")
    list_filter = ("connection__type",)
    search_fields = ("name", "last_characters", "connection__name")
    fields = ("name", "shown", "connection", "created_by", "created_at", "last_used_at")

    @admin.display(description="key")
    def shown(self, api_key: ApiKey) -> str:
        return f"…{api_key.last_characters}"

    def delete_model(self, request: HttpRequest, obj: ApiKey) -> None:  # noqa: ARG002
        delete_api_key(api_key=obj)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[ApiKey]) -> None:
        for api_key in queryset:
            self.delete_model(request, api_key)


@admin.register(ConnectionAccess)
class ConnectionAccessAdmin(NotEdited, admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = ("connection", "user", "group", "level")
    list_select_related = ("connection", "user", "group")
    list_filter = ("level",)
    search_fields = ("connection__name", "user__username", "group__name")


@admin.register(WorkspaceKey)
class WorkspaceKeyAdmin(NotEdited, admin.ModelAdmin):  # type: ignore[type-arg]
    has_recording_actions = True
    list_display = ("name", "shown", "scope", "unmatched", "expires_at", "created_by", "created_at", "last_used_at")
    list_select_related = ("created_by",)
    list_filter = ("scope", "unmatched")
    search_fields = ("name", "last_characters")
    fields = ("name", "shown", "scope", "connections", "default_connection", "unmatched", "expires_at", "created_by")
    readonly_fields = ("shown",)

    @admin.display(description="key")
    def shown(self, workspace_key: WorkspaceKey) -> str:
        return f"…{workspace_key.last_characters}"

    def delete_model(self, request: HttpRequest, obj: WorkspaceKey) -> None:  # noqa: ARG002
        delete_workspace_key(workspace_key=obj)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[WorkspaceKey]) -> None:
        for workspace_key in queryset:
            self.delete_model(request, workspace_key)


@admin.register(Route)
class RouteAdmin(NotEdited, admin.ModelAdmin):  # type: ignore[type-arg]
    """Deleting one without a connection lets events make a connection of its namespace again."""

    list_display = ("namespace", "connection", "made_by_event", "created_at")
    list_select_related = ("connection",)
    list_filter = ("made_by_event",)
    search_fields = ("namespace", "connection__name")


@admin.register(UnmatchedNamespace)
class UnmatchedNamespaceAdmin(NotEdited, admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = ("last_at", "namespace", "reason", "job_name", "type", "workspace_key")
    list_select_related = ("workspace_key",)
    list_filter = ("reason", "workspace_key")
    search_fields = ("namespace", "job_name")

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ARG002
        return False


@admin.register(Attempt)
class AttemptAdmin(NotEdited, admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = ("at", "connection", "outcome", "status", "reason", "key_name", "job_name")
    list_select_related = ("connection",)
    list_filter = ("outcome", "status", "connection")
    search_fields = ("reason", "key_name", "job_name", "connection__name")

    def has_delete_permission(self, request: HttpRequest, obj: Attempt | None = None) -> bool:  # noqa: ARG002
        return False

"""Audit entries for operators, to look at."""

from django.contrib import admin
from django.http import HttpRequest

from audit.model_admin import NotEdited
from audit.models import AuditEntry


@admin.register(AuditEntry)
class AuditEntryAdmin(NotEdited, admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = ("at", "actor", "via", "verb", "object", "name", "address")
    list_filter = ("verb", "object", "via")
    search_fields = ("actor", "name", "object_id")
    date_hierarchy = "at"

    def has_delete_permission(self, request: HttpRequest, obj: AuditEntry | None = None) -> bool:  # noqa: ARG002
        return False

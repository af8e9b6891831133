"""Sources and syncs for operators, to look at. People set sources up, and remove them, on the product's pages.

A secret is encrypted, and nobody needs to see even that.
"""

from django.contrib import admin
from django.http import HttpRequest

from audit.model_admin import NotEdited
from pull.models import PullSource, SyncRun


class _OnlyRead(NotEdited, admin.ModelAdmin):  # type: ignore[type-arg]
    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:  # noqa: ARG002
        return False


@admin.register(PullSource)
class PullSourceAdmin(_OnlyRead):
    list_display = ("connection", "system", "every_minutes", "paused_at", "next_at", "failures", "created_by")
    list_select_related = ("connection", "created_by")
    list_filter = ("system",)
    search_fields = ("connection__name", "config")
    fields = (
        *("connection", "system", "config", "every_minutes", "backfill_days", "created_by", "created_at"),
        *("paused_at", "cursor", "backfilled_to", "backfill_to", "jobs_read_at", "failures"),
        *("next_at", "asked_at", "lease_until"),
    )


@admin.register(SyncRun)
class SyncRunAdmin(_OnlyRead):
    list_display = ("began_at", "ended_at", "source", "outcome", "reason", "calls", "events", "new_events")
    list_select_related = ("source__connection",)
    list_filter = ("outcome",)
    search_fields = ("source__connection__name", "reason")

"""API tokens for operators: to see whose there are, and to end them. People make their own on their account's page."""

from django.contrib import admin
from django.http import HttpRequest

from people.models import ApiToken


@admin.register(ApiToken)
class ApiTokenAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = ("name", "user", "lookup", "created_at", "expires_at", "last_used_at")
    list_select_related = ("user",)
    search_fields = ("name", "lookup", "user__username", "user__email")
    date_hierarchy = "created_at"
    # Without the hash, which is of no use to a reader.
    fields = ("name", "user", "lookup", "created_at", "expires_at", "last_used_at")

    def has_add_permission(self, request: HttpRequest) -> bool:  # noqa: ARG002 - the framework's signature
        return False

    def has_change_permission(self, request: HttpRequest, obj: ApiToken | None = None) -> bool:  # noqa: ARG002
        return False

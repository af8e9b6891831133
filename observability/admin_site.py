"""The operators' site: Django admin over every model."""

from typing import Any

from django.contrib.admin import AdminSite
from django.contrib.auth import REDIRECT_FIELD_NAME
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse


class ObservatoryAdminSite(AdminSite):
    site_header = "Observatory administration"
    site_title = "Observatory administration"
    index_title = "Operators"

    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:  # noqa: ARG002
        """Leads to the product's own sign-in page: one place that limits failed attempts, whatever the method."""
        if self.has_permission(request):
            return redirect("admin:index")
        if request.user.is_authenticated:
            raise PermissionDenied
        return redirect_to_login(request.GET.get(REDIRECT_FIELD_NAME) or reverse("admin:index"))

    def get_urls(self) -> list[Any]:
        """Without `view_on_site`: no model has a page of its own there, and it fails on ids that are no UUID."""
        return [url for url in super().get_urls() if getattr(url, "name", None) != "view_on_site"]

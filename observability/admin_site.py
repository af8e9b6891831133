"""Site for operators: Django admin over every model."""

from typing import Any

from django.contrib.admin import AdminSite, ModelAdmin
from django.contrib.auth import REDIRECT_FIELD_NAME
from django.contrib.auth.models import User
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse

from audit.model_admin import AuditedModelAdmin
from audit.models import Verb
from audit.record import record
from web.components.confirmation import confirmed_writes


class ObservatoryAdminSite(AdminSite):
    site_header = "Observatory administration"
    site_title = "Observatory administration"
    index_title = "Operators"

    def register(self, model_or_iterable: Any, admin_class: Any = None, **options: Any) -> None:
        """Register models so that what administrators change of them is audited, also those of libraries."""
        base = admin_class or ModelAdmin
        if not getattr(base, "has_recording_actions", False):
            base = type(base.__name__, (AuditedModelAdmin, base), {"__module__": base.__module__})
        super().register(model_or_iterable, base, **options)

    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:  # noqa: ARG002
        """Redirect to the product's sign-in page, the only place that limits failed attempts."""
        if self.has_permission(request):
            return redirect("admin:index")
        if request.user.is_authenticated:
            raise PermissionDenied
        return redirect_to_login(request.GET.get(REDIRECT_FIELD_NAME) or reverse("admin:index"))

    def logout(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        with transaction.atomic():
            if request.method == "POST" and isinstance(request.user, User):
                record(Verb.SIGNED_OUT, request.user)
            return super().logout(request, extra_context)

    def admin_view(self, view: Any, cacheable: bool = False) -> Any:
        """Ask who signed in a while ago for a confirmation before each write."""
        is_sign_out = getattr(view, "__func__", None) is ObservatoryAdminSite.logout
        return super().admin_view(view if is_sign_out else confirmed_writes(view), cacheable)

    def password_change(  # type: ignore[override]  # Django answers with a page
        self,
        request: HttpRequest,  # noqa: ARG002
        extra_context: dict[str, Any] | None = None,  # noqa: ARG002
    ) -> HttpResponse:
        """Redirect to the reader's own page for that, which keeps the list of their sessions right."""
        return redirect("password_change")

    def get_urls(self) -> list[Any]:
        """Leave out `view_on_site`: no model has a page there, and the view fails for ids that are not UUIDs."""
        return [url for url in super().get_urls() if getattr(url, "name", None) != "view_on_site"]

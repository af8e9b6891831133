"""The intake as a Django view: for tests, and for servers that do not run server.asgi."""

from django.urls import URLPattern, re_path

from lineage.intake.routes import PATTERN
from lineage.intake.view import intake

urlpatterns: list[URLPattern] = [re_path(f"^{PATTERN}$", intake, name="intake")]

"""Every URL of the product, by room; but for the health probes, which a middleware answers (observability/health)."""

from django.contrib import admin
from django.urls import include, path

urlpatterns = [
    path("", include("observability.pages.urls")),
    path("", include("lineage.intake.urls")),
    path("api/v1/", include("api.urls")),
    path("admin/", admin.site.urls),
]

"""Every URL of the product, by room; but for the health probes, which a middleware answers (observability/health)."""

from django.contrib import admin
from django.urls import include, path

from observability.metrics.access import PATH as METRICS_PATH
from observability.metrics.access import metrics

urlpatterns = [
    path("", include("observability.pages.urls")),
    path("", include("lineage.intake.urls")),
    path("api/v1/", include("api.urls")),
    path("admin/", admin.site.urls),
    path(METRICS_PATH.removeprefix("/"), metrics, name="metrics"),
]

handler500 = "observability.errors.server_error"

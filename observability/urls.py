"""Every URL of the product, by room; but for the health probes, which a middleware answers (server/health)."""

from django.contrib import admin
from django.urls import include, path

from server.metrics.access import PATH as METRICS_PATH
from server.metrics.access import metrics

urlpatterns = [
    path("", include("web.urls")),
    path("", include("lineage.intake.urls")),
    path("api/v1/", include("api.urls")),
    path("admin/", admin.site.urls),
    path(METRICS_PATH.removeprefix("/"), metrics, name="metrics"),
]

handler500 = "observability.errors.server_error"

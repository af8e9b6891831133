"""URLs of the product, by room. A middleware (server/health) answers the health probes, which are not among them."""

from django.contrib import admin
from django.urls import include, path

from lineage.intake.trial import try_event
from observability.lineage_path import lineage
from server.metrics.access import PATH as METRICS_PATH
from server.metrics.access import metrics
from web.connections.trial import send_test_event

urlpatterns = [
    path("", include("web.urls")),
    path(
        "connections/<uuid:connection_id>/test-event",
        send_test_event,
        {"try_event": try_event},
        name="connection_test_event",
    ),
    path("api/v1/lineage", lineage),
    path("", include("lineage.intake.urls")),
    path("api/v1/", include("api.urls")),
    path("admin/", admin.site.urls),
    path(METRICS_PATH.removeprefix("/"), metrics, name="metrics"),
]

handler400 = "observability.errors.bad_request"
handler403 = "observability.errors.permission_denied"
handler404 = "observability.errors.not_found"
handler500 = "observability.errors.server_error"

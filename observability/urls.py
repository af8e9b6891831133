"""Every URL of the product, by room."""

from django.contrib import admin
from django.urls import include, path

urlpatterns = [
    path("", include("observability.pages.urls")),
    path("", include("lineage.intake.urls")),
    path("health/", include("observability.health.urls")),
    path("api/v1/", include("api.urls")),
    path("admin/", admin.site.urls),
]

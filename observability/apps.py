from django.apps import AppConfig
from django.contrib.admin.apps import AdminConfig


class ObservabilityConfig(AppConfig):
    name = "observability"
    verbose_name = "Observatory"

    def ready(self) -> None:
        import observability.checks  # noqa: F401, PLC0415 - registers itself, with models that are ready now


class ObservatoryAdminConfig(AdminConfig):
    """Django's admin, with the product's own admin site."""

    default_site = "observability.admin_site.ObservatoryAdminSite"

from django.apps import AppConfig


class QuickstartConfig(AppConfig):
    name = "quickstart"
    verbose_name = "Quick start"

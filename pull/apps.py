from django.apps import AppConfig


class PullConfig(AppConfig):
    name = "pull"
    verbose_name = "Fetching"

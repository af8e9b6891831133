from django.apps import AppConfig


class LineageConfig(AppConfig):
    name = "lineage"
    verbose_name = "Lineage"

    def ready(self) -> None:
        from lineage.database import arrays  # noqa: PLC0415 - nothing of a room is imported before Django is set up

        arrays.register()

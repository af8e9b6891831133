"""The server's entry point: the intake in front, Django behind it."""

import os

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "observability.settings")

django_application = get_asgi_application()

from lineage.intake.asgi import IntakeInFront  # noqa: E402 - its models need Django set up

application = IntakeInFront(django_application)

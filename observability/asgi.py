"""The server's entry point: the intake in front, Django behind it."""

import os
import warnings

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "observability.settings")
# WhiteNoise (6.12) hands static files to Django as synchronous iterators; Django reads them whole, and warns of it.
warnings.filterwarnings("ignore", message="StreamingHttpResponse must consume synchronous iterators")

django_application = get_asgi_application()

from lineage.intake.asgi import IntakeInFront  # noqa: E402 - its models need Django set up

application = IntakeInFront(django_application)

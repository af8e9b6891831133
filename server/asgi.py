"""The server's entry point: the intake in front, Django behind it, each with its own limit on bodies."""

import os
import warnings

from django.conf import settings
from django.core.asgi import get_asgi_application

from server.body_limit import LimitedBodies

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "observability.settings")
# WhiteNoise (6.12) hands static files to Django as synchronous iterators; Django reads them whole, and warns of it.
warnings.filterwarnings("ignore", message="StreamingHttpResponse must consume synchronous iterators")

django_application = get_asgi_application()

from lineage.intake.group.asgi import IntakeInFront  # noqa: E402 - its models need Django set up
from server.preload import load_pages  # noqa: E402

load_pages()

application = IntakeInFront(LimitedBodies(django_application, settings.DATA_UPLOAD_MAX_MEMORY_SIZE))

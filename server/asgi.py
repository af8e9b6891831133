"""ASGI entry point of the server: intake first, then Django, each with its own limit on bodies."""

import os
import warnings

from django.conf import settings
from django.core.asgi import get_asgi_application

from server.body_limit import LimitedBodies
from server.secret_key import refuse_weak_secret_key

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "observability.settings")
# WhiteNoise (6.12) gives Django static files as synchronous iterators; Django reads them completely, and warns about
# it.
warnings.filterwarnings("ignore", message="StreamingHttpResponse must consume synchronous iterators")

django_application = get_asgi_application()
refuse_weak_secret_key()

from lineage.intake.group.asgi import IntakeInFront  # noqa: E402 - its models need Django to be set up
from server.preload import load_pages  # noqa: E402

load_pages()

application = IntakeInFront(LimitedBodies(django_application, settings.DATA_UPLOAD_MAX_MEMORY_SIZE))

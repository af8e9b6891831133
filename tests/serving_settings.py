"""Settings for servers under test: static files under their own names, which are not collected, and quick password
checks."""

from observability.settings import *  # noqa: F403
from observability.settings import STORAGES as _STORAGES

STORAGES = {
    **_STORAGES,
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
PASSWORD_HASHERS = ["tests.hashers.QuickArgon2"]

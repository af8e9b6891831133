"""The product's settings for servers under test: static files by their own names, for nobody has collected them, and
passwords that are checked quickly."""

from observability.settings import *  # noqa: F403
from observability.settings import STORAGES as _STORAGES

STORAGES = {
    **_STORAGES,
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
PASSWORD_HASHERS = ["tests.hashers.QuickArgon2"]

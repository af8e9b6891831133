"""The product's settings; only, static files are collected without the compression, which takes a minute, and passwords
are checked quickly."""

import os
from pathlib import Path

from observability.settings import *  # noqa: F403
from observability.settings import STORAGES

STATIC_ROOT = Path(os.environ["STATIC_ROOT"])
STORAGES = {
    **STORAGES,
    "staticfiles": {"BACKEND": "observability.static_files.JoinedStyleSheets"},
}
PASSWORD_HASHERS = ["tests.hashers.QuickArgon2"]
# Of no other place: what these tests store is gone after them.
SECRETS_KEY = ["c2VjcmV0cy1vZi10ZXN0cy1hbmQtb2Ytbm90aGluZzE="]
PULL_ALLOWED_HOSTS = ["127.0.0.1"]

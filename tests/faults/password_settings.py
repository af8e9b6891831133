"""Settings for servers under test that hash passwords as the product does."""

from observability.settings import PASSWORD_HASHERS as _PASSWORD_HASHERS
from tests.serving_settings import *  # noqa: F403

PASSWORD_HASHERS = _PASSWORD_HASHERS

"""The migrations match the models, and Django's own checks have no warning for production."""

import os
import subprocess
import sys

import pytest
from django.core.management import call_command

from tests.house.files import ROOT


@pytest.mark.django_db
def test_no_migration_is_missing() -> None:
    call_command("makemigrations", check=True, dry_run=True, verbosity=0)


def test_a_production_set_up_passes_every_check_of_django() -> None:
    environment = os.environ | {
        "SECRET_KEY": "a-key-of-more-than-fifty-characters-as-production-has-0123456789",
        "PUBLIC_URL": "https://observatory.example",
        "DEBUG": "",
    }
    # The browser tests of this session may have set it.
    environment.pop("DJANGO_ALLOW_ASYNC_UNSAFE", None)
    checked = subprocess.run(
        [sys.executable, "manage.py", "check", "--deploy", "--fail-level", "WARNING"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )

    assert checked.returncode == 0, checked.stderr

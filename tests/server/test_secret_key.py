"""A server with a SECRET_KEY that can be guessed does not start."""

import os
import subprocess
import sys

import pytest

from tests.serving import ROOT


@pytest.mark.parametrize("key", ["short", "abcd" * 20, "x" * 49], ids=["short", "few characters", "49 characters"])
def test_a_weak_secret_key_is_refused(key: str) -> None:
    started = subprocess.run(
        [sys.executable, "-m", "gunicorn", "server.asgi:application", "--config", "python:server.gunicorn"],
        cwd=ROOT,
        env=os.environ | {"SECRET_KEY": key, "PORT": "0"},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )

    assert started.returncode != 0
    assert "SECRET_KEY is too weak" in started.stdout + started.stderr
    assert f"{key!r}" not in started.stdout + started.stderr

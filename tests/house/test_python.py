"""CI tests with the Python of the image, for which the locks were made."""

import os
import re
import sys
import tomllib

from tests.serving import ROOT


def test_the_image_has_the_python_that_is_tested() -> None:
    images = re.findall(r"^FROM python:(\S+)-slim", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    assert images
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    made_for = re.findall(r"--python-version (\S+)", (ROOT / "Makefile").read_text())
    assert {*images, *made_for, project["tool"]["mypy"]["python_version"]} == {images[0]}
    assert project["project"]["requires-python"] == f">={images[0]}"
    # Whoever develops may have a later one.
    if os.environ.get("CI") == "true":
        assert "{}.{}".format(*sys.version_info) == images[0]

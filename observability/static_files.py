"""Static files as they are served: style sheets joined, names hashed, contents compressed."""

import re
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Any

from django.contrib.staticfiles.storage import ManifestStaticFilesStorage
from django.core.files.base import ContentFile
from django.core.files.storage import Storage
from whitenoise.storage import CompressedManifestStaticFilesStorage

# Name of each collected file → the storage that holds its source, and the source's name there.
Paths = dict[str, tuple[Storage, str]]

SITE = "css/site.css"
IMPORT = re.compile(r'^@import url\("([^"]+)"\);$', re.MULTILINE)


def joined(paths: Paths, name: str) -> str:
    """Return the style sheet `name` with the text of each imported file in the import's place.

    Raises KeyError where an imported file is missing.
    """

    def read(path: str) -> str:
        storage, source = paths[path]
        with storage.open(source) as file:
            return bytes(file.read()).decode()

    folder = PurePosixPath(name).parent
    return IMPORT.sub(lambda found: read(str(folder / found[1])), read(name))


class JoinedStyleSheets(ManifestStaticFilesStorage):
    """Join the site's style sheet while files are collected, so that a browser asks for one file instead of 36.

    Pages look alike without it: a browser follows the imports. `post_process` is the hook that Django documents for
    storages of static files.
    """

    def post_process(self, paths: Paths, dry_run: bool = False, **options: Any) -> Iterator[Any]:
        if not dry_run and SITE in paths:
            text = joined(paths, SITE)
            self.delete(SITE)
            self.save(SITE, ContentFile(text.encode()))
            paths = {**paths, SITE: (self, SITE)}
        yield from super().post_process(paths, dry_run=dry_run, **options)


class StaticFiles(JoinedStyleSheets, CompressedManifestStaticFilesStorage):  # type: ignore[misc]  # it is untyped
    """The product's storage: joined style sheets, and a compressed copy of each file."""

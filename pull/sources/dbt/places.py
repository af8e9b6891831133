"""Places where dbt's artifacts lie: a directory below PULL_LOCAL_ROOT, or a URL.

A directory is searched for run_results.json, three levels deep, so it may keep the artifacts of each command in a
directory of its own. A URL has one set of artifacts, since HTTP lists nothing.
"""

import os
import stat
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from hashlib import blake2b
from pathlib import Path
from typing import Final, NamedTuple, Protocol

from pull.http.client import Client
from pull.http.faults import Fault, FaultCode
from pull.sources.dbt.artifacts import CATALOG, MANIFEST, RUN_RESULTS, Manifest, Unreadable, decode

DIRECTORIES_ARE_OFF: Final = (
    "Directories of Observatory's machine are off. Whoever operates it can allow those below one: "
    "PULL_LOCAL_ROOT=/srv/dbt"
)
MOST_BYTES: Final = 256 * 1024 * 1024
_DEEPEST: Final = 3
# Of the entries of a directory, and of all that are below it.
_MOST_ENTRIES: Final = 200_000


class Artifacts(NamedTuple):
    """Artifacts of one command. `name`: of run_results.json, for people. `version`: of its content.

    `came_at`: when they came to the place; None: it does not say. `manifest`, `catalog`: names; empty: there is none.
    """

    name: str
    version: str
    came_at: datetime | None
    manifest: str
    catalog: str


# Name of a run_results.json → version that was read.
Versions = Mapping[str, str]


class Place(Protocol):
    """Raises Fault where it cannot be read."""

    def find(self, known: Versions) -> list[Artifacts]:
        """Return the artifacts of each command, the newest last: those with another version than the known one."""

    def read(self, name: str) -> bytes | None:
        """Return a file's content; None if it is not there."""


class Directory:
    """`root`: the setting PULL_LOCAL_ROOT. `place`: a path below it, or relative to it."""

    def __init__(self, root: str, place: str) -> None:
        self._root = root
        self._place = place

    def find(self, known: Versions) -> list[Artifacts]:
        top = self._top()
        found = []
        entries = 0
        for folder, names in _walk(top, _DEEPEST):
            entries += len(names)
            if entries > _MOST_ENTRIES:
                words = f"{self._place} has more than {_MOST_ENTRIES} entries: choose a directory further down."
                raise Fault(FaultCode.TOO_LARGE, words)
            if RUN_RESULTS in names and (artifacts := self._artifacts(top, folder)):
                found.append(artifacts)
        changed = (one for one in found if known.get(one.name) != one.version)
        return sorted(changed, key=lambda one: (one.came_at, one.name))

    def read(self, name: str) -> bytes | None:
        path = self._below(self._top() / name, name)
        try:
            # The last part is no link any more: one that was put there since then is not followed.
            descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise Fault(FaultCode.FORBIDDEN, f"{name} cannot be read: {error.strerror}.", path=name) from error
        with os.fdopen(descriptor, "rb") as file:
            found = os.fstat(descriptor)
            if not stat.S_ISREG(found.st_mode):
                raise Fault(FaultCode.FORBIDDEN, f"{name} is no file.", path=name)
            content = file.read(MOST_BYTES + 1)
        if len(content) > MOST_BYTES:
            raise Fault(FaultCode.TOO_LARGE, f"{name} is larger than {MOST_BYTES // 1024 // 1024} MiB.", path=name)
        return content

    def _top(self) -> Path:
        if not self._root:
            raise Fault(FaultCode.ADDRESS_REFUSED, DIRECTORIES_ARE_OFF)
        path = self._below(Path(self._root) / self._place, self._place)
        if not path.is_dir():
            raise Fault(FaultCode.NOT_FOUND, f"There is no directory {self._place} below {self._root}.")
        return path

    def _below(self, path: Path, name: str) -> Path:
        """Follow all links. Raises Fault if the end is not below the root."""
        try:
            resolved = path.resolve()
            root = Path(self._root).resolve()
        except (OSError, RuntimeError, ValueError) as error:
            raise Fault(FaultCode.NOT_FOUND, f"There is no {name} below {self._root}.") from error
        if not resolved.is_relative_to(root):
            raise Fault(FaultCode.ADDRESS_REFUSED, f"{name} is not below {self._root}, where directories are allowed.")
        return resolved

    def _artifacts(self, top: Path, folder: Path) -> Artifacts | None:
        results = _written(folder / RUN_RESULTS)
        if results is None:
            return None
        manifest = _nearest(top, folder, MANIFEST)
        catalog = _nearest(top, folder, CATALOG)
        # A manifest that is written to its end later makes the results readable.
        of_manifest = (manifest and _written(manifest)) or results
        version = f"{results.isoformat()} {of_manifest.isoformat()}"
        names = (str(path.relative_to(top)) if path else "" for path in (manifest, catalog))
        return Artifacts(str((folder / RUN_RESULTS).relative_to(top)), version, max(results, of_manifest), *names)


class Website:
    """Artifacts below one URL. Each file is read once in a sync."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._files: dict[str, bytes | None] = {}
        # Of run_results.json as it is now; empty: not asked yet.
        self._version = ""

    def find(self, known: Versions) -> list[Artifacts]:
        version = known.get(RUN_RESULTS, "")
        if self._version == "" or (self._version != version and RUN_RESULTS not in self._files):
            self._ask(version)
        if self._version == version:
            return []
        return [Artifacts(RUN_RESULTS, self._version, None, MANIFEST, CATALOG)]

    def read(self, name: str) -> bytes | None:
        if name not in self._files:
            try:
                self._files[name] = self._client.get(f"/{name}")
            except Fault as fault:
                if fault.code != FaultCode.NOT_FOUND:
                    raise
                self._files[name] = None
        return self._files[name]

    def _ask(self, version: str) -> None:
        """Ask for run_results.json, unless it still has this version, and note its own: the ETag."""
        found = self._client.get_if_changed(f"/{RUN_RESULTS}", version)
        if found is None:
            self._version = version
            return
        content, etag = found
        self._files[RUN_RESULTS] = content
        self._version = etag or blake2b(content, digest_size=16).hexdigest()


def read_manifest(place: Place, artifacts: Artifacts) -> Manifest:
    """Read the manifest of a command. Raises Unreadable, also if there is none, or if it names no project."""
    content = place.read(artifacts.manifest) if artifacts.manifest else None
    if content is None:
        words = f"There is no {MANIFEST} for {artifacts.name}: dbt writes both into the directory target."
        raise Unreadable(FaultCode.NOT_FOUND, words, path=artifacts.name)
    manifest = decode(content, Manifest, artifacts.manifest)
    if not manifest.project:
        words = f"{artifacts.manifest} names no project: neither metadata.project_name nor metadata.project_id."
        raise Unreadable(FaultCode.UNEXPECTED, words, path=artifacts.manifest)
    return manifest


def _walk(folder: Path, levels: int) -> Iterator[tuple[Path, list[str]]]:
    """Yield directories and the names in them. Directories that are links are not entered: they may lead in circles."""
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError as error:
        if levels < _DEEPEST:
            return
        raise Fault(FaultCode.FORBIDDEN, f"{folder.name} cannot be read: {error.strerror}.") from error
    yield folder, [entry.name for entry in entries]
    if levels:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                yield from _walk(folder / entry.name, levels - 1)


def _nearest(top: Path, folder: Path, name: str) -> Path | None:
    """Find a file beside the results, or in the directories above: commands may share a manifest."""
    for one in (folder, *folder.parents):
        if (one / name).is_file():
            return one / name
        if one == top:
            return None
    return None


def _written(path: Path) -> datetime | None:
    """Return when a file came here; None if it is gone. Copies may keep the time at which the original was written."""
    try:
        found = path.stat()
    except OSError:
        return None
    return datetime.fromtimestamp(max(found.st_mtime, found.st_ctime), UTC)

"""The paths that the intake answers. A client builds them in several ways; all of them arrive.

openlineage-python joins its url and endpoint with urljoin (1.54.0), which drops the connection's id from a url that
does not end in a slash; then the key alone names the connection, as it does at the paths that other products have.
There a workspace key's events may go to many connections.
"""

import re
from dataclasses import dataclass, field
from functools import lru_cache
from uuid import UUID

_BY_KEY = (
    r"(?:gateway/openlineage(?:/api/v1)?|(?:events/openlineage/generic-openlineage/)?api/v1)"
    r"/(?P<lineage>lineage)(?P<batch_by_key>/batch)?/?"
)
_BY_ID = r"gateway/openlineage/(?P<connection>[^/]+)(?:(?:/api/v1)?/lineage)?(?P<batch_by_id>/batch)?/?"
# All other paths there are refused here as well, so that a sender with a wrong URL learns of it.
_BESIDE = r"gateway/openlineage(?:/(?P<beside>(?s:.*)))?"
# Django matches paths without their first slash.
PATTERN = f"(?:{_BY_KEY}|{_BY_ID}|{_BESIDE})"
_PATTERN = re.compile(PATTERN)


READ_PATH = "/api/v1/lineage"
_READS = frozenset({"GET", "HEAD", "OPTIONS"})


@dataclass(frozen=True, slots=True)
class Target:
    """The target of a path. `connection_id` is None if the path names no connection."""

    connection_id: UUID | None
    batch: bool = False
    # The path names a connection, but not by an id.
    malformed_id: bool = False
    # The path is below the intake's, and the intake does not know it.
    unknown_path: bool = False
    # Methods by which the read API answers there.
    reads: frozenset[str] = field(default=frozenset(), compare=False)

    def is_of(self, connection_id: UUID | None) -> bool:
        """Returns True if a key of this connection may send here: the path names it, or leaves that to the key.

        `connection_id` is None for a workspace key, which may send only where the path leaves that to the key.
        """
        return not self.malformed_id and self.connection_id in (None, connection_id)


@lru_cache(1024)
def target_of(path: str) -> Target | None:
    """The target of an intake path; None: the path is not the intake's."""
    match = _PATTERN.fullmatch(path.removeprefix("/"))
    if match is None:
        return None
    batch = bool(match["batch_by_key"] or match["batch_by_id"])
    if match["connection"] is not None:
        id_ = _uuid(match["connection"])
        return Target(id_, batch, malformed_id=id_ is None)
    if match["lineage"] is not None:
        return Target(None, batch, reads=_READS if path == READ_PATH else frozenset())
    beside = match["beside"] or ""
    return Target(_uuid(beside.partition("/")[0]), unknown_path=True)


def is_read(method: str, path: str) -> bool:
    """Returns True if a request asks the read API for lineage, at the path to which old clients send events."""
    return path == READ_PATH and method in _READS


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None

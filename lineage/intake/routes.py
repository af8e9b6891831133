"""The paths that the intake answers. A client builds them in several ways; all of them arrive.

openlineage-python joins its url and endpoint with urljoin (1.54.0), which drops the connection's id from a url that
does not end in a slash; then the key alone names the connection, as it does at the path that Marquez has.
"""

import re
from dataclasses import dataclass
from uuid import UUID

_BY_KEY = r"(?:gateway/openlineage(?:/api/v1)?|api/v1)/lineage(?P<batch_by_key>/batch)?/?"
_BY_ID = r"gateway/openlineage/(?P<connection>[^/]+)(?:(?:/api/v1)?/lineage)?(?P<batch_by_id>/batch)?/?"
# Without the path's first slash, as Django has it.
PATTERN = f"(?:{_BY_KEY}|{_BY_ID})"
_PATTERN = re.compile(PATTERN)


@dataclass(frozen=True, slots=True)
class Target:
    """What a path asks for. `connection_id` is None where the key alone names the connection."""

    connection_id: UUID | None
    batch: bool
    # The path names a connection, but by what is no id.
    malformed_id: bool = False


def target_of(path: str) -> Target | None:
    """The target of an intake path; None: the path is not the intake's."""
    match = _PATTERN.fullmatch(path.removeprefix("/"))
    if match is None:
        return None
    batch = bool(match["batch_by_key"] or match["batch_by_id"])
    if match["connection"] is None:
        return Target(None, batch)
    try:
        return Target(UUID(match["connection"]), batch)
    except ValueError:
        return Target(None, batch, malformed_id=True)

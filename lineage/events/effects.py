"""Effects of jobs on the datasets that they write or read: bits, joined over all events that name the edge."""

from collections.abc import Mapping
from typing import Final

DATA: Final = 1
ALTER: Final = 2
RENAME: Final = 4
DROP: Final = 8
TRUNCATE: Final = 16
# Only the columns' lineage names the dataset as a source; it is not among the inputs.
IMPLIED: Final = 32

_OF_CHANGES: Final[Mapping[str, int]] = {"ALTER": ALTER, "RENAME": RENAME, "DROP": DROP, "TRUNCATE": TRUNCATE}


def effect_of(change: str | None) -> int:
    """Return the effect of a change of a dataset's life. None, CREATE and OVERWRITE move data."""
    return _OF_CHANGES.get(change or "", DATA)

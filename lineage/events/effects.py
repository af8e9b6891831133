"""Effects of jobs on the datasets that they write or read: bits, joined over all events that name the edge."""

from collections.abc import Mapping
from typing import Final

DATA: Final = 1
ALTER: Final = 2
RENAME: Final = 4
DROP: Final = 8
TRUNCATE: Final = 16
# The dataset is not among the inputs and outputs: only lineage of columns, or explicit lineage, names it.
IMPLIED: Final = 32
# Explicit lineage says what the job makes the dataset of.
EXPLICIT: Final = 64

_OF_CHANGES: Final[Mapping[str, int]] = {"ALTER": ALTER, "RENAME": RENAME, "DROP": DROP, "TRUNCATE": TRUNCATE}


def effect_of(change: str | None) -> int:
    """Return the effect of a change of a dataset's life. None, CREATE and OVERWRITE move data."""
    return _OF_CHANGES.get(change or "", DATA)

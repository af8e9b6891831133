"""Ways along the lines of a graph: what leads to a place, what leads from it, and what lies between two. Pure."""

from collections import defaultdict
from collections.abc import Collection, Hashable, Iterable
from typing import TypeVar

Place = TypeVar("Place", bound=Hashable)


def leading_from(lines: Iterable[tuple[Place, Place]], start: Place) -> dict[Place, int]:
    """Return all places that can be reached from `start` along the lines, with the number of lines to each. `start` is
    among them, with 0."""
    after: dict[Place, list[Place]] = defaultdict(list)
    for source, target in lines:
        after[source].append(target)
    steps = {start: 0}
    waiting = [start]
    for place in waiting:
        for target in after[place]:
            if target not in steps:
                steps[target] = steps[place] + 1
                waiting.append(target)
    return steps


def leading_to(lines: Iterable[tuple[Place, Place]], end: Place) -> dict[Place, int]:
    """Return all places from which `end` can be reached, with the number of lines from each. `end` is among them."""
    return leading_from(((target, source) for source, target in lines), end)


def through(lines: Collection[tuple[Place, Place]], place: Place) -> set[tuple[Place, Place]]:
    """Return the lines that lead to a place, and those that lead from it."""
    before, after = leading_to(lines, place), leading_from(lines, place)
    return {line for line in lines if line[1] in before or line[0] in after}


def between(lines: Collection[tuple[Place, Place]], start: Place, end: Place) -> set[tuple[Place, Place]]:
    """Return the lines on ways from `start` to `end`. Empty: no way leads there."""
    after, before = leading_from(lines, start), leading_to(lines, end)
    return {line for line in lines if line[0] in after and line[1] in before}

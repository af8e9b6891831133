"""Points of SVG paths."""

import re
from collections.abc import Iterator

Point = tuple[float, float]

_SAMPLES = 24


def points_of(path: str) -> list[Point]:
    """Return points along a path of the commands M, h and c."""
    return list(_points(path))


def _points(path: str) -> Iterator[Point]:
    at: Point = (0, 0)
    for command, text in re.findall(r"([Mhc])([^Mhc]*)", path):
        numbers = [float(number) for number in text.split()]
        if command == "M":
            at = (numbers[0], numbers[1])
            yield at
        elif command == "h":
            end = (at[0] + numbers[0], at[1])
            yield from (_between(at, end, step / _SAMPLES) for step in range(1, _SAMPLES + 1))
            at = end
        else:
            ends = zip(numbers[::2], numbers[1::2], strict=True)
            first, second, end = ((at[0] + x, at[1] + y) for x, y in ends)
            yield from (_cubic(at, first, second, end, step / _SAMPLES) for step in range(1, _SAMPLES + 1))
            at = end


def _between(start: Point, end: Point, part: float) -> Point:
    return start[0] + (end[0] - start[0]) * part, start[1] + (end[1] - start[1]) * part


def _cubic(start: Point, first: Point, second: Point, end: Point, part: float) -> Point:
    """Return a point of a cubic curve (de Casteljau)."""
    middle = _between(first, second, part)
    left = _between(_between(start, first, part), middle, part)
    right = _between(middle, _between(second, end, part), part)
    return _between(left, right, part)

"""Layers: the column in which each box stands, so that most lines go from left to right, and few far."""

from collections.abc import Collection, Sequence

# Rounds of tightening. More than four have changed nothing in estates of 500 boxes.
_ROUNDS = 6

Arrow = tuple[int, int]
Neighbours = Sequence[Sequence[int]]


def layers_of(count: int, arrows: Collection[Arrow]) -> list[int]:
    """Return the layer of each of `count` boxes, the leftmost 0. An arrow that does not lead right closes a cycle."""
    sequence = _sequence(count, arrows)
    place = {box: index for index, box in enumerate(sequence)}
    sources: list[list[int]] = [[] for _ in range(count)]
    targets: list[list[int]] = [[] for _ in range(count)]
    for source, target in arrows:
        if place[source] < place[target]:
            sources[target].append(source)
            targets[source].append(target)
    layers = [0] * count
    for box in sequence:
        layers[box] = max((layers[source] + 1 for source in sources[box]), default=0)
    for _ in range(_ROUNDS):
        moved = [_tighten(layers, box, targets, sources, 1) for box in reversed(sequence)]
        moved += [_tighten(layers, box, sources, targets, -1) for box in sequence]
        moved += [_join(layers, sources, targets)]
        if not any(moved):
            break
    # Tightening may leave a layer empty.
    number = {layer: index for index, layer in enumerate(sorted(set(layers)))}
    return [number[layer] for layer in layers]


def _sequence(count: int, arrows: Collection[Arrow]) -> list[int]:
    """Return the boxes so that few arrows lead backward.

    Heuristic of Eades, Lin and Smyth (1993): take away sinks to the end and sources to the front. If a cycle is left,
    take away the box with the most arrows out compared with those in.
    """
    out: list[set[int]] = [set() for _ in range(count)]
    into: list[set[int]] = [set() for _ in range(count)]
    for source, target in arrows:
        if source != target:
            out[source].add(target)
            into[target].add(source)
    left = dict.fromkeys(range(count))
    front: list[int] = []
    end: list[int] = []
    free = [box for box in left if not out[box] or not into[box]]
    while left:
        if not free:
            free.append(max(left, key=lambda box: (len(out[box]) - len(into[box]), -box)))
        box = free.pop()
        if box not in left:
            continue
        del left[box]
        (front if out[box] or not into[box] else end).append(box)
        for target in sorted(out[box]):
            into[target].remove(box)
            if not into[target]:
                free.append(target)
        for source in sorted(into[box]):
            out[source].remove(box)
            if not out[source]:
                free.append(source)
    return front + end[::-1]


def _tighten(layers: list[int], box: int, ahead: Neighbours, behind: Neighbours, step: int) -> bool:
    """Move a box, and all that it pushes ahead, if that shortens the lines in sum. Return True if it was moved.

    `step` is 1 to move right, where `ahead` are the targets, or -1 to move left.
    """
    pushed = {box}
    waiting = [box]
    while waiting:
        at = waiting.pop()
        for other in ahead[at]:
            if other not in pushed and layers[other] - layers[at] == step:
                pushed.add(other)
                waiting.append(other)
    shorter = [abs(layers[other] - layers[at]) for at in pushed for other in ahead[at] if other not in pushed]
    longer = sum(other not in pushed for at in pushed for other in behind[at])
    if len(shorter) <= longer:
        return False
    distance = step * (min(shorter) - 1)
    for at in pushed:
        layers[at] += distance
    return True


def _join(layers: list[int], sources: Neighbours, targets: Neighbours) -> bool:
    """Move whole parts, whose lines are all as short as can be, until they meet their neighbours.

    Never makes the lines longer in sum. Returns True if a part was moved.
    """
    moved = False
    while steps := [
        step for part in _parts(layers, sources, targets) if (step := _step(layers, part, sources, targets))
    ]:
        _, distance, part = max(steps, key=lambda step: (step[0], -len(step[2])))
        for box in part:
            layers[box] += distance
        moved = True
    return moved


def _parts(layers: Sequence[int], sources: Neighbours, targets: Neighbours) -> list[set[int]]:
    """Return the boxes in parts that are held together by lines between neighbouring layers."""
    parts = []
    seen: set[int] = set()
    for first in range(len(layers)):
        if first not in seen:
            part = {first}
            waiting = [first]
            while waiting:
                at = waiting.pop()
                near = [other for other in (*sources[at], *targets[at]) if abs(layers[other] - layers[at]) == 1]
                waiting += [other for other in near if other not in part]
                part.update(near)
            parts.append(part)
            seen |= part
    return parts


def _step(
    layers: Sequence[int], part: set[int], sources: Neighbours, targets: Neighbours
) -> tuple[int, int, set[int]] | None:
    """Return by how many lines more a part is pulled to one side than to the other, how far it may go, and the part."""
    right = [layers[other] - layers[box] for box in part for other in targets[box] if other not in part]
    left = [layers[box] - layers[other] for box in part for other in sources[box] if other not in part]
    if not right and not left:
        return None
    pull = len(right) - len(left)
    return abs(pull), min(right) - 1 if pull >= 0 else 1 - min(left), part

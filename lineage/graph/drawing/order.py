"""Order of the vertices in each layer, so that few lines cross."""

from bisect import bisect_left, bisect_right, insort
from collections import Counter, deque
from collections.abc import Hashable, Sequence

from lineage.graph.drawing.graph import Graph
from lineage.graph.drawing.isotonic import isotonic

# Sweeps without a better order, after which a search ends; sweeps at most; passes of exchanges after each.
_PATIENCE = 8
_SWEEPS = 40
_PASSES = 8
# Orders to start with: depth first or breadth first, from the left or from the right. The next one is tried while fewer
# vertices than _EFFORT were looked at: one of 150 datasets with many crossings has one or two searches, 70 ms.
_STARTS = ((True, True), (False, True), (True, False), (False, False))
_EFFORT = 20_000

Layers = list[list[int]]


class Ordering:
    """Search for an order with few crossings.

    `groups` holds the group of each box: boxes of one group stand together in their layer. Bends, which come after the
    boxes, may stand anywhere.
    """

    def __init__(self, graph: Graph, groups: Sequence[Hashable]) -> None:
        self._layers = [layer[:] for layer in graph.layers]
        self._groups = groups
        self._count = sum(map(len, graph.layers))
        # Vertices looked at in passes of exchanges, which take most of the time.
        self._work = 0
        # A place for each vertex, and behind these one for each of a vertex's docks: where lines end off its middle.
        self._place = [0.0] * self._count
        self._docks: dict[int, list[tuple[int, float]]] = {}
        self._left: list[list[int]] = [[] for _ in self._place]
        self._right: list[list[int]] = [[] for _ in self._place]
        layer_of = {vertex: index for index, layer in enumerate(graph.layers) for vertex in layer}
        self._links: list[list[tuple[int, int]]] = [[] for _ in graph.layers]
        known: dict[tuple[int, float], int] = {}
        for left, right, start, end in sorted(graph.links):
            near, far = self._dock(known, left, start), self._dock(known, right, end)
            self._left[right].append(near)
            self._right[left].append(far)
            self._links[layer_of[left]].append((near, far))
        sizes = [Counter(groups[v] for v in layer if v < len(groups)) for layer in graph.layers]
        self._sizes = sizes
        self._free = [len(counts) <= 1 or max(counts.values()) == 1 for counts in sizes]

    def _dock(self, known: dict[tuple[int, float], int], vertex: int, offset: float) -> int:
        if not offset:
            return vertex
        if (vertex, offset) not in known:
            known[vertex, offset] = len(self._place)
            # Nearer to its own vertex than to any other, however far from the middle it is.
            shift = offset / (abs(offset) + 100) / 2
            self._docks.setdefault(vertex, []).append((len(self._place), shift))
            self._place.append(0.0)
        return known[vertex, offset]

    def best(self) -> Layers:
        """Return the best order that sweeps to the right and back find, from several orders to start with."""
        best: Layers = []
        fewest = -1
        for deep, from_left in _STARTS:
            if best and self._work > _EFFORT:
                break
            self._start(deep=deep, from_left=from_left)
            stale = 0
            for sweep in range(_SWEEPS):
                self._sweep(to_right=(sweep % 2 == 0) == from_left, median=sweep % 4 >= 2)
                self._exchange(equals=sweep % 4 in {1, 2})
                crossings = self._crossings()
                stale += 1
                if not best or crossings < fewest:
                    best, fewest, stale = [layer[:] for layer in self._layers], crossings, 0
                if stale == _PATIENCE or not fewest:
                    break
            if not fewest:
                break
        return best

    def _put(self, index: int, layer: list[int]) -> None:
        self._layers[index] = layer
        for place, vertex in enumerate(layer):
            self._place[vertex] = place
            for dock, shift in self._docks.get(vertex, ()):
                self._place[dock] = place + shift

    def _start(self, *, deep: bool, from_left: bool) -> None:
        """Order each layer as a walk meets it, depth first or breadth first, from the leftmost or the rightmost."""
        vertex_of = [*range(self._count), *([0] * (len(self._place) - self._count))]
        for vertex, docks in self._docks.items():
            for dock, _ in docks:
                vertex_of[dock] = vertex
        seen: dict[int, int] = {}
        for vertex in (vertex for layer in self._layers[:: 1 if from_left else -1] for vertex in sorted(layer)):
            waiting = deque([vertex])
            while waiting:
                at = vertex_of[waiting.pop() if deep else waiting.popleft()]
                if at not in seen:
                    seen[at] = len(seen)
                    near = self._left[at] + self._right[at] if from_left else self._right[at] + self._left[at]
                    waiting.extend(reversed(near) if deep else near)
        for index, layer in enumerate(self._layers):
            self._arrange(index, {vertex: float(seen[vertex]) for vertex in layer})

    def _sweep(self, *, to_right: bool, median: bool) -> None:
        indices = range(1, len(self._layers)) if to_right else range(len(self._layers) - 2, -1, -1)
        near, far = (self._left, self._right) if to_right else (self._right, self._left)
        place = self._place
        for index in indices:
            keys = {}
            for vertex in self._layers[index]:
                places = sorted([place[other] for other in near[vertex] or far[vertex]]) or [place[vertex]]
                size = len(places)
                middle = (places[(size - 1) // 2] + places[size // 2]) / 2
                keys[vertex] = middle if median else sum(places) / size
            self._arrange(index, keys)

    def _arrange(self, index: int, keys: dict[int, float]) -> None:
        """Sort a layer by `keys`, with the boxes of each group together."""
        layer = sorted(self._layers[index], key=keys.__getitem__)
        if not self._free[index]:
            layer = self._grouped(layer, keys)
        self._put(index, layer)

    def _grouped(self, layer: list[int], keys: dict[int, float]) -> list[int]:
        groups = self._groups
        members: dict[Hashable, list[int]] = {}
        for vertex in layer:
            if vertex < len(groups):
                members.setdefault(groups[vertex], []).append(vertex)
        by_mean = sorted(members.values(), key=lambda boxes: sum(keys[box] for box in boxes) / len(boxes))
        boxes = [box for group in by_mean for box in group]
        # Boxes may now be out of order. Bends find their place by the nearest keys that are in order.
        steady = isotonic((keys[box], 1) for box in boxes)
        keyed = [(key, 0, box) for key, box in zip(steady, boxes, strict=True)]
        keyed += [(keys[vertex], 1, vertex) for vertex in layer if vertex >= len(groups)]
        return [vertex for _, _, vertex in sorted(keyed, key=lambda entry: entry[:2])]

    def _exchange(self, *, equals: bool) -> None:
        """Exchange neighbours while that takes crossings away.

        `equals` also exchanges where nothing is gained: that leads out of places where no single exchange helps.
        """
        waiting = set(range(len(self._layers)))
        for _ in range(_PASSES):
            changed = {index for index in sorted(waiting) if self._exchange_in(index, equals=equals)}
            if not changed:
                return
            near = {index + step for index in changed for step in (-1, 0, 1)}
            waiting = near & set(range(len(self._layers)))

    def _exchange_in(self, index: int, *, equals: bool) -> bool:
        layer = self._layers[index]
        self._work += len(layer)
        left = [self._places(self._left[vertex]) for vertex in layer]
        right = [self._places(self._right[vertex]) for vertex in layer]
        gained = False
        for at in range(1, len(layer)):
            upper, lower, above, below = left[at - 1], left[at], right[at - 1], right[at]
            if not (equals or _may_cross(upper, lower) or _may_cross(above, below)):
                continue
            gain = _gain(upper, lower) + _gain(above, below)
            if (gain > 0 or (equals and gain == 0)) and self._may_exchange(index, layer[at - 1], layer[at]):
                layer[at - 1], layer[at] = layer[at], layer[at - 1]
                left[at - 1], left[at] = lower, upper
                right[at - 1], right[at] = below, above
                gained |= gain > 0
        self._put(index, layer)
        return gained

    def _places(self, vertices: Sequence[int]) -> list[float]:
        place = self._place
        return [place[vertices[0]]] if len(vertices) == 1 else sorted([place[vertex] for vertex in vertices])

    def _may_exchange(self, index: int, upper: int, lower: int) -> bool:
        groups, sizes = self._groups, self._sizes[index]
        if self._free[index] or upper >= len(groups) or lower >= len(groups) or groups[upper] == groups[lower]:
            return True
        return sizes[groups[upper]] == sizes[groups[lower]] == 1

    def _crossings(self) -> int:
        place = self._place
        crossings = 0
        for links in self._links:
            ends: list[float] = []
            for _, end in sorted([(place[near], place[far]) for near, far in links]):
                crossings += len(ends) - bisect_right(ends, end)
                insort(ends, end)
        return crossings


def _may_cross(upper: Sequence[float], lower: Sequence[float]) -> bool:
    return bool(upper and lower) and upper[-1] > lower[0]


def _gain(upper: Sequence[float], lower: Sequence[float]) -> int:
    """Return the crossings that an exchange takes away, from the sorted places of both vertices' neighbours."""
    if len(upper) == len(lower) == 1:
        return (upper[0] > lower[0]) - (upper[0] < lower[0])
    return sum([bisect_left(lower, place) + bisect_right(lower, place) - len(lower) for place in upper])


def order(graph: Graph, groups: Sequence[Hashable]) -> Layers:
    """Return the layers of `graph` in an order with few crossings."""
    return Ordering(graph, groups).best()

"""Isotonic regression, which keeps an order and moves each number as little as possible."""

from collections.abc import Iterable


def isotonic(wanted: Iterable[tuple[float, float]]) -> list[float]:
    """Return the numbers that never fall and are nearest to `wanted` (number, weight), by weighted squares.

    Pools neighbours that are out of order into their mean (Ayer and others, 1955); linear time.
    """
    pools: list[tuple[float, float, int]] = []
    for number, weight in wanted:
        mean, mass, size = number, weight, 1
        while pools and pools[-1][0] >= mean:
            last_mean, last_mass, last_size = pools.pop()
            mean = (mean * mass + last_mean * last_mass) / (mass + last_mass)
            mass += last_mass
            size += last_size
        pools.append((mean, mass, size))
    return [mean for mean, _, size in pools for _ in range(size)]

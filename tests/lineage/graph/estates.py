"""Invented estates of datasets, of the shapes that real ones have. The seed decides each."""

from random import Random

from lineage.graph.drawing import Box, Line

FRAMES = ("Airflow production", "Shop warehouse (dbt)", "Spark on EMR")


def layered(count: int, seed: int) -> list[tuple[int, int]]:
    """Return arrows of a warehouse: few sources, most tables made of one to three earlier ones, some hubs."""
    random = Random(seed)
    sources = max(1, count // 6)
    arrows = set()
    for table in range(sources, count):
        for _ in range(random.choice((1, 1, 1, 2, 2, 3))):
            # Near ones are likelier, and a few old ones are read again and again.
            read = (
                random.randrange(max(0, table - count // 3), table)
                if random.random() < 0.8
                else random.randrange(sources)
            )
            arrows.add((read, table))
    return sorted(arrows)


def hubs(count: int, seed: int) -> list[tuple[int, int]]:
    """Return arrows of tables that 40 others read, whose readers feed reports."""
    random = Random(seed)
    arrows = set()
    hub_of: list[int] = []
    for table in range(count):
        if table % 45 == 0:
            hub_of.append(table)
        elif table % 45 <= 40:
            arrows.add((hub_of[-1], table))
        else:
            arrows.update((table - random.randrange(2, 40), table) for _ in range(4))
    arrows.update((random.randrange(hub), hub) for hub in hub_of[1:])
    return sorted(arrows)


def chains(count: int, seed: int) -> list[tuple[int, int]]:
    """Return arrows of chains of eight tables, some of which read another chain."""
    random = Random(seed)
    arrows = {(table - 1, table) for table in range(count) if table % 8}
    arrows.update((random.randrange(table), table) for table in range(9, count, 9))
    return sorted(arrows)


def diamonds(count: int, seed: int) -> list[tuple[int, int]]:
    """Return arrows of tables that are split into parts and put together again, one after the other."""
    random = Random(seed)
    arrows = set()
    last, table = 0, 1
    while table < count - 1:
        parts = range(table, min(table + random.randrange(2, 6), count - 1))
        table = parts.stop + 1
        arrows.update({(last, part) for part in parts} | {(part, parts.stop) for part in parts})
        last = parts.stop if random.random() < 0.7 else random.choice(parts)
    return sorted(arrows)


SHAPES = {"warehouse": layered, "hubs": hubs, "chains": chains, "diamonds": diamonds}


def estate(shape: str, count: int, seed: int) -> tuple[list[Box], list[Line]]:
    """Return the boxes and lines of an estate of `count` datasets."""
    random = Random(seed)
    arrows = SHAPES[shape](count, seed)
    frames = [random.choice(FRAMES) if seed % 2 else "" for _ in range(count)]
    boxes = [Box(f"table_{table:03}", 186, 72, frames[table]) for table in range(count)]
    return boxes, [Line(f"table_{source:03}", f"table_{target:03}") for source, target in arrows]

"""Real events with something wrong in them: a node lost, replaced or repeated, a facet of another event, bytes cut off
or flipped, a wrong encoding."""

import copy
import gzip
import json
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from random import Random
from typing import Any
from uuid import UUID, uuid5

from hypothesis import strategies as st

from lineage.events import NotJson
from tests.conftest import SAMPLES
from tests.faults.fuzz.parsing import DEEP, depth, strictly_parsed
from tests.faults.fuzz.values import AGAIN, ODD_TEXTS, ODD_VALUES, to_json
from tests.lineage.intake.http.documents import Path, at, paths, put
from tests.samples.field import refusal

EVENT_TYPES = ["START", "RUNNING", "COMPLETE", "FAIL", "ABORT", "OTHER"]


@dataclass(frozen=True, slots=True, repr=False)
class Mutant:
    """Request to send. `content`: the body before compression. `encoding`: its declared encoding."""

    content: bytes
    sent: bytes
    encoding: str | None = None
    is_batch: bool = False

    def __repr__(self) -> str:
        return f"Mutant({self.content[:1_000]!r}, {self.encoding!r}, is_batch={self.is_batch})"


@dataclass(frozen=True, slots=True)
class Chance:
    """Source of random choices. Hypothesis draws the odd values, and one seed for all other choices.

    If it drew each choice, it would return to few events (of 2,000 bodies, 266 were new and stored).
    """

    draw: st.DrawFn
    rng: Random

    def real_event(self) -> Any:
        return json.loads(self.rng.choice(_lines()))


@cache
def _lines() -> list[bytes]:
    return [line for path in sorted(SAMPLES.rglob("*.jsonl")) for line in path.read_bytes().splitlines()]


@cache
def _lines_of_runs() -> list[bytes]:
    """Events of runs that are stored as they are."""
    return [line for line in _lines() if refusal(line) is None and _identity(json.loads(line))]


@st.composite
def mutants(draw: st.DrawFn) -> Mutant:
    """Build one request."""
    chance = Chance(draw, draw(st.randoms(use_true_random=True)))
    rng = chance.rng
    is_array = rng.random() < 0.25
    content = _document(chance)
    if is_array:
        content = b"[%s]" % b",".join([content, *(_document(chance) for _ in range(rng.randrange(4)))])
    if rng.random() < 0.15:
        content = rng.choice(BYTES)(rng, content)
    # Now and then one where many are due, or the other way round.
    mutant = Mutant(content, content, is_batch=is_array != (rng.random() < 0.03))
    return _compressed(rng, mutant) if rng.random() < 0.2 else mutant


@dataclass(frozen=True, slots=True)
class MutantOfRun:
    """Event of a run with up to three defects. `is_json`: any parser reads it. `is_one`: that, and its run, job, type
    and time are as its sender meant them."""

    content: bytes
    is_json: bool
    is_one: bool


@st.composite
def mutants_of_runs(draw: st.DrawFn, copies: int) -> MutantOfRun:
    """Build one event, of one of so many copies of the samples' runs."""
    chance = Chance(draw, draw(st.randoms(use_true_random=True)))
    original = json.loads(_copied(chance.rng.choice(_lines_of_runs()), chance.rng.randrange(copies)))
    document = copy.deepcopy(original)
    for _ in range(chance.rng.choice([1, 1, 2, 3])):
        if document:
            chance.rng.choice(MUTATIONS)(chance, document, _place(chance.rng, document))
    content = to_json(document, is_ascii=chance.rng.random() < 0.7)
    parsed = NotJson if depth(content) >= DEEP else strictly_parsed(content)
    is_one = _identity(parsed) == _identity(original) and _is_said_once(content)
    return MutantOfRun(content, is_json=parsed is not NotJson, is_one=is_one)


_NAMES = {"run", "job", "runId", "namespace", "name", "eventType", "eventTime"}
_UUID = re.compile(rb"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def _copied(line: bytes, number: int) -> bytes:
    """Give all ids of an event other values, so that the events of one copy still name each other."""
    return _UUID.sub(lambda found: str(uuid5(UUID(int=number), found[0].decode())).encode(), line) if number else line


def _is_said_once(content: bytes) -> bool:
    """Tell whether no name is repeated of those that say which run it is. Of two, one may be of a refused type."""

    def refuse_repeated(members: list[tuple[str, Any]]) -> None:
        names = [name for name, _ in members if name in _NAMES]
        if len(names) > len(set(names)):
            raise ValueError(names)

    try:
        json.loads(content.decode(), object_pairs_hook=refuse_repeated, parse_int=str)
    except ValueError:
        return False
    return True


def _identity(document: Any) -> Any:
    try:
        run, job = document["run"], document["job"]
        return run["runId"], job["namespace"], job["name"], document["eventType"], document["eventTime"]
    except (LookupError, TypeError):
        return None


# --- Documents --------------------------------------------------------------------------------------------


def _document(chance: Chance) -> bytes:
    document = chance.real_event()
    for _ in range(chance.rng.choice([0, 1, 1, 1, 2, 3])):
        if document:
            chance.rng.choice(MUTATIONS)(chance, document, _place(chance.rng, document))
    return to_json(document, is_ascii=chance.rng.random() < 0.7)


_SUBJECTS = ("run", "job", "inputs", "outputs")
_READ_FACETS = ("parent", "nominalTime", "errorMessage", "externalQuery", "airflow", "jobType")


def _is_read(path: Path) -> bool:
    """Tell whether columns are made from this place."""
    if "facets" not in path:
        return len(path) == 1 or path[0] in _SUBJECTS
    return path[0] in _SUBJECTS[:2] and len(path) <= 6 and (len(path) == 2 or path[2] in _READ_FACETS)


def _place(rng: Random, document: Any) -> Path:
    """Mostly one that is read."""
    every = list(paths(document))
    read = [path for path in every if _is_read(path)]
    return rng.choice(read if read and rng.random() < 0.75 else every)


def _delete(chance: Chance, document: Any, path: Path) -> None:
    del at(document, path[:-1])[path[-1]]


def _replace(chance: Chance, document: Any, path: Path) -> None:
    put(document, path, chance.draw(ODD_VALUES))


def _alter_text(chance: Chance, document: Any, path: Path) -> None:
    """An odd text within the one that is there; where none is, in its place."""
    value, odd = at(document, path), chance.draw(ODD_TEXTS)
    if isinstance(value, str):
        position = chance.rng.randint(0, len(value))
        odd = f"{value[:position]}{odd}{value[position:]}"
    put(document, path, odd)


def _rename(chance: Chance, document: Any, path: Path) -> None:
    """The member comes last then."""
    parent = at(document, path[:-1])
    if isinstance(parent, dict):
        value = parent.pop(path[-1])
        parent[chance.draw(ODD_TEXTS)] = value


def _say_twice(chance: Chance, document: Any, path: Path) -> None:
    parent = at(document, path[:-1])
    if isinstance(parent, dict):
        again = parent[path[-1]] if chance.rng.random() < 0.3 else chance.draw(ODD_VALUES)
        parent[f"{AGAIN}{path[-1]}"] = again
    else:
        parent += [parent[path[-1]]] * chance.rng.choice([1, 30])


def _wrap(chance: Chance, document: Any, path: Path) -> None:
    value = at(document, path)
    put(document, path, chance.rng.choice([[value], {"value": value}, [value, value], str(value)]))


def _move(chance: Chance, document: Any, path: Path) -> None:
    """The value of another place."""
    put(document, path, copy.deepcopy(at(document, chance.rng.choice(list(paths(document))))))


def _contradict(chance: Chance, document: Any, path: Path) -> None:
    """Make another event type at one time, or one type at the time of another event."""
    if chance.rng.random() < 0.5:
        document["eventType"] = chance.rng.choice(EVENT_TYPES)
    else:
        document["eventTime"] = chance.real_event()["eventTime"]


def _splice(chance: Chance, document: Any, path: Path) -> None:
    """Insert the value of this place in another event; if that has no such place, one of its facets."""
    other = chance.real_event()
    try:
        put(document, path, at(other, path))
    except (LookupError, TypeError):
        subjects = [other.get("job") or {}, other.get("run") or {}]
        facets = [facet for subject in subjects for facet in (subject.get("facets") or {}).values()]
        put(document, path, chance.rng.choice(facets or [other]))


MUTATIONS: list[Callable[[Chance, Any, Path], None]] = [
    *(_delete, _replace, _replace, _alter_text, _alter_text, _rename, _say_twice, _wrap, _move, _splice),
    *(_contradict, _contradict),
]

# --- Bytes ------------------------------------------------------------------------------------------------

_ODD_BYTES = [b"\0", b"\xff", b'"', b"\\", b"\\u00", b"\\ud800", b"\n", b",", b"}", b"\xed\xa0\x80", b"\xe2\x80", b"1e"]


def _cut(rng: Random, body: bytes) -> bytes:
    return body[: rng.randrange(len(body))]


def _flip(rng: Random, body: bytes) -> bytes:
    position = rng.randrange(len(body))
    return body[:position] + bytes([body[position] ^ 1 << rng.randrange(8)]) + body[position + 1 :]


def _lose(rng: Random, body: bytes) -> bytes:
    position = rng.randrange(len(body))
    return body[:position] + body[position + rng.randint(1, 40) :]


def _insert(rng: Random, body: bytes) -> bytes:
    position = rng.randrange(len(body))
    return body[:position] + rng.choice(_ODD_BYTES) + body[position:]


def _other_charset(rng: Random, body: bytes) -> bytes:
    return body.decode("utf-8", "replace").encode(rng.choice(["utf-8-sig", "utf-16", "utf-16-le", "utf-32"]))


def _append(rng: Random, body: bytes) -> bytes:
    return body + rng.choice([b"\0", b"\n", b"{}", b",", b"]", body])


BYTES: list[Callable[[Random, bytes], bytes]] = [_cut, _flip, _flip, _lose, _insert, _insert, _other_charset, _append]


def _compressed(rng: Random, mutant: Mutant) -> Mutant:
    encoding = rng.choice(["gzip"] * 6 + ["x-gzip", "identity", "br", "gzip, gzip", "\xff"])
    if "gzip" not in encoding:
        return replace(mutant, encoding=encoding)
    compressed = gzip.compress(mutant.content, 1, mtime=0)
    spoiled = rng.randrange(8)
    if spoiled == 0:
        compressed = gzip.compress(compressed, 1, mtime=0)
    elif spoiled == 1:
        compressed = rng.choice(BYTES)(rng, compressed)
    elif spoiled == 2:
        return replace(mutant, encoding=encoding)  # not compressed at all
    return replace(mutant, sent=compressed, encoding=encoding)

"""Digests a family's events and settles them in child processes, which it kills with SIGKILL.

Reads one JSON document from stdin, `{connection_id, key_id, bodies, seed, kills}`, and prints one, `{killed}`: how many
children were killed after a digest was committed, and before it was settled.
"""

import json
import os
import random
import select
import signal
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import django

# Written to the pipe: the digest was committed; it was settled.
DIGESTED, SETTLED = b"d", b"s"
LONGEST_REST_SECONDS = 0.02


def main() -> None:
    django.setup()
    asked = json.load(sys.stdin)
    chance = random.Random(asked["seed"])
    killed = done = 0
    bodies: list[str] = asked["bodies"]
    while done < len(bodies):
        # When the wanted kills were made, a last child digests the rest, and settles nothing.
        said = _run_child(asked, done, chance, killed < asked["kills"])
        done += said.count(DIGESTED)
        killed += said.endswith(DIGESTED) and done < len(bodies)
    json.dump({"killed": killed}, sys.stdout)


def _run_child(asked: dict[str, Any], done: int, chance: random.Random, is_killed: bool) -> bytes:
    """Returns what a child wrote until it ended. `done`: how many bodies earlier children have digested."""
    reader, writer = os.pipe()
    if (child := os.fork()) == 0:
        os.close(reader)
        _work(asked, asked["bodies"][done:], writer, settles=is_killed)
    os.close(writer)
    said = b""
    if is_killed:
        enough = chance.randint(1, 3)
        while said.count(DIGESTED) < enough and (more := os.read(reader, 1)):
            said += more
        # Anywhere in the settling, or in the next digest: an end of file is not awaited, only time.
        select.select([], [], [], chance.uniform(0, LONGEST_REST_SECONDS) * chance.randint(0, 1))
        os.kill(child, signal.SIGKILL)
    while more := os.read(reader, 1024):
        said += more
    os.close(reader)
    os.waitpid(child, 0)
    return said


def _work(asked: dict[str, Any], bodies: Sequence[str], writer: int, *, settles: bool) -> None:
    """Digests one body after another, settles each of them if `settles`, and ends the process."""
    from connections.vouchers import Voucher, VoucherKind  # noqa: PLC0415 - needs Django to be set up
    from lineage.digest.digest import Submission, digest  # noqa: PLC0415
    from lineage.events import decode_event  # noqa: PLC0415
    from lineage.states.settle import settle  # noqa: PLC0415

    now = datetime(2026, 11, 21, 6, 0, tzinfo=UTC)
    connection_id = UUID(asked["connection_id"])
    voucher = Voucher(VoucherKind.API_KEY, UUID(asked["key_id"]), connection_id)
    try:
        for body in bodies:
            digest([Submission(voucher, [decode_event(body.encode())])], now=now)
            os.write(writer, DIGESTED)
            if settles:
                settle(connection_id, now=now)
                os.write(writer, SETTLED)
    finally:
        os._exit(0)


if __name__ == "__main__":
    main()

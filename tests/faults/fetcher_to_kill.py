"""Fetches in child processes, for a test that kills them.

For each line of stdin it starts a child that fetches what is due, and prints the child's process id; once the child has
ended, it prints another line.
"""

import os
import sys
import threading

import django


def main() -> None:
    django.setup()
    for _ in sys.stdin:
        if (child := os.fork()) == 0:
            _fetch()
        _say(child)
        os.waitpid(child, 0)
        _say("ended")


def _say(what: object) -> None:
    sys.stdout.write(f"{what}\n")
    sys.stdout.flush()


def _fetch() -> None:
    from pull.worker import Worker  # noqa: PLC0415 - needs Django to be set up

    Worker(threading.Event()).run(once=True)
    os._exit(0)


if __name__ == "__main__":
    main()

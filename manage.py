#!/usr/bin/env python
"""Django's command line, with the database of `make run`."""

import os
import sys

from quickstart.environment import prepare_environment


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "observability.settings")
    prepare_environment(command=sys.argv[1] if len(sys.argv) > 1 else "help")
    from django.core.management import execute_from_command_line  # noqa: PLC0415 - settings need the environment

    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)

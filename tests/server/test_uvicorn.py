"""server/protocol.py and server/balance.py extend uvicorn's classes: they must be read again when its version
changes."""

from importlib.metadata import version

READ_AGAINST = {"0.54.0"}


def test_its_version_is_one_that_our_protocol_was_read_against() -> None:
    assert version("uvicorn") in READ_AGAINST

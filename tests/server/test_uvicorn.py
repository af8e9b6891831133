"""server/protocol.py and balance.py build on uvicorn's classes: whoever moves the version reads them again."""

from importlib.metadata import version

READ_AGAINST = {"0.54.0"}


def test_its_version_is_one_that_our_protocol_was_read_against() -> None:
    assert version("uvicorn") in READ_AGAINST

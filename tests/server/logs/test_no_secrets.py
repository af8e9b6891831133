"""Log lines contain no key, token or password, from any logger and in any form."""

import io
import json
import logging
import logging.config
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import structlog

from connections.keys import new_key
from server.logging import LogFormat, logging_config

KEY = new_key()
TOKEN = new_key(prefix="obt_")


@pytest.fixture(params=["json", "console"])
def log_format(request: pytest.FixtureRequest) -> LogFormat:
    chosen: LogFormat = request.param
    return chosen


@pytest.fixture
def logged(log_format: LogFormat) -> Iterator[Callable[[], str]]:
    """Output of the logger `some.library`, with the product's own configuration."""
    written = io.StringIO()
    config = logging_config(log_format)
    formatter = config["formatters"]["lines"]
    handler = logging.StreamHandler(written)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=formatter["foreign_pre_chain"], processors=formatter["processors"]
        )
    )
    logger = logging.getLogger("some.library")
    logger.addHandler(handler)
    logger.propagate = False
    yield written.getvalue
    logger.removeHandler(handler)
    logger.propagate = True


SHAPES: dict[str, Callable[[logging.Logger, Any], None]] = {
    "in the message": lambda library, _: library.warning("refused %s", KEY.text),
    "a header in the message": lambda library, _: library.warning("Authorization: Bearer %s", KEY.text),
    "an unknown bearer": lambda library, _: library.warning("Bearer %s", KEY.secret),
    "a token of the API": lambda library, _: library.warning("token %s", TOKEN.text),
    "a field of a telling name": lambda _, ours: ours.warning("refused", authorization=KEY.secret),
    "a field in a field": lambda _, ours: ours.warning("refused", headers={"Cookie": KEY.secret, "a": [KEY.text]}),
    "an object's repr": lambda _, ours: ours.warning("refused", thing=Exception(KEY.text)),
    "a database's password": lambda library, _: library.warning("postgresql://ada:%s@db/x", KEY.secret),
    "the same in keywords": lambda library, _: library.warning("host=db password=%s user=ada", KEY.secret),
    "the same in quotes": lambda library, _: library.warning("host=db password = '%s x'", KEY.secret),
    "a member of some JSON": lambda library, _: library.warning('{"a": 1, "client_secret": "%s"}', KEY.secret),
    "a password link": lambda library, _: library.error("Error: /account/password/MQ/%s", KEY.secret),
    "the token of the metrics": lambda library, _: library.warning("METRICS_TOKEN=%s", KEY.secret),
    "a mapping's key": lambda _, ours: ours.warning("refused", seen={KEY.text: 1}),
    "bytes": lambda _, ours: ours.warning("refused", head=f"authorization: bearer {KEY.text}".encode()),
    "a list of headers": lambda _, ours: ours.warning("refused", headers=[(b"x-key", KEY.text.encode())]),
}


@pytest.mark.parametrize("shape", SHAPES)
def test_a_secret_is_removed(shape: str, logged: Callable[[], str]) -> None:
    SHAPES[shape](logging.getLogger("some.library"), structlog.get_logger("some.library"))

    assert logged()
    for key in (KEY, TOKEN):
        assert key.secret not in logged()
        assert key.last_characters not in logged().replace("[removed]", "")


def test_a_secret_in_a_traceback_is_removed(logged: Callable[[], str]) -> None:
    local = KEY.text
    try:
        int(f"no connection for {local}")
    except ValueError:
        logging.getLogger("some.library").exception("failed")

    assert "ValueError" in logged()
    assert KEY.secret not in logged()


def test_the_public_part_of_a_key_stays(logged: Callable[[], str]) -> None:
    logging.getLogger("some.library").warning("refused %s", KEY.text)

    assert KEY.lookup in logged()


@pytest.mark.parametrize("log_format", ["json"], indirect=True)
def test_a_line_is_one_json_object(logged: Callable[[], str]) -> None:
    structlog.get_logger("some.library").warning("refused", status=401, path="/gateway/openlineage")
    logging.getLogger("some.library").warning("stored %d", 3)

    ours, library = (json.loads(line) for line in logged().splitlines())
    assert ours["event"] == "refused"
    assert (ours["status"], ours["level"], ours["logger"]) == (401, "warning", "some.library")
    assert ours["timestamp"].endswith("Z")
    assert library["event"] == "stored 3"


@pytest.mark.parametrize(
    "text",
    [
        "CSRF token missing",
        "intake_rejected key_refused",
        "the secret is wrong",
        "GET /connections/1/keys/generate 200",
        "tokens: none",
    ],
)
@pytest.mark.parametrize("log_format", ["json"], indirect=True)
def test_what_is_no_secret_stays(logged: Callable[[], str], text: str) -> None:
    logging.getLogger("some.library").warning(text)

    assert json.loads(logged())["event"] == text

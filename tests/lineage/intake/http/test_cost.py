"""The cost of a request: neither a long text nor a long list keeps a worker from its other requests."""

import gzip
from collections.abc import Callable

import pytest

from tests.lineage.intake.http.documents import encoded
from tests.lineage.intake.http.wire import Reply

pytestmark = pytest.mark.alone

# The timeout of senders: openlineage-python's and Java's.
PATIENCE_SECONDS = 5
MIB = 1024 * 1024

BODIES = {
    "a time of opening brackets": ("", encoded(eventTime="[" * MIB)),
    "escapes, and no end": ("", b'{"producer":"' + rb"\n" * (8 * MIB - 100)),
    "a batch of numbers": ("/batch", b"[" + b"1," * (8 * MIB - 2) + b"1]"),
    "a batch of empty events": ("/batch", b"[" + b"{}," * (5 * MIB) + b"{}]"),
    "a batch with a lone surrogate": ("/batch", rb'["\ud800",' + b"{}," * (5 * MIB) + b"{}]"),
}


@pytest.mark.parametrize("case", BODIES)
def test_an_answer_comes_while_its_sender_waits(
    deliver: Callable[..., Reply], case: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tests.lineage.intake.http.wire.SECONDS", PATIENCE_SECONDS)
    suffix, body = BODIES[case]

    try:
        reply = deliver(gzip.compress(body), suffix, Content_Encoding="gzip")
    except TimeoutError:
        pytest.fail(f"no answer within {PATIENCE_SECONDS} s")

    assert 400 <= reply.status < 500

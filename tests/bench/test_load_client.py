"""The load client reads responses as servers send them: in pieces, with a length or in chunks."""

import pytest

from bench.load import _status

HEAD = b"HTTP/1.1 201 Created\r\nContent-Type: application/json\r\n"


@pytest.mark.parametrize(
    "answer",
    [
        HEAD + b"Content-Length: 2\r\n\r\n{}",
        HEAD + b"content-length: 2\r\nserver: x\r\n\r\n{}",
        HEAD + b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
    ],
)
def test_a_whole_answer_and_no_part_of_it_has_a_status(answer: bytes) -> None:
    assert _status(answer) == 201
    assert {_status(answer[:end]) for end in range(len(answer))} == {None}


def test_an_answer_without_a_length_is_an_error() -> None:
    with pytest.raises(ValueError, match="without a length"):
        _status(HEAD + b"\r\n{}")

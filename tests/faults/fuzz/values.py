"""Values that no sender means to send, as JSON has them or nearly has them."""

import json
import string
from dataclasses import dataclass
from random import Random
from typing import Any

from hypothesis import strategies as st

# What marks a member as one that repeats a name: JSON can say it, a dict cannot.
AGAIN = "again: "


@dataclass(frozen=True, slots=True)
class Verbatim:
    """JSON text that `json.dumps` would not write."""

    text: str


def to_json(document: Any, *, is_ascii: bool) -> bytes:
    texts: list[str] = []

    def mark(value: Verbatim) -> str:
        texts.append(value.text)
        return f"verbatim {len(texts) - 1}"

    encoded = json.dumps(document, default=mark, ensure_ascii=is_ascii).replace(f'"{AGAIN}', '"')
    for number, text in enumerate(texts):
        encoded = encoded.replace(f'"verbatim {number}"', text)
    # A lone surrogate, written as itself, is no UTF-8.
    return encoded.encode("utf-8", "surrogatepass")


_LETTERS = Random(1).choices(string.ascii_letters, k=200_000)


def _long_text(length: int) -> str:
    """Random, so that it does not compress."""
    return "".join(_LETTERS[:length])


def _nested(depth: int, opening: str) -> Verbatim:
    return Verbatim(opening * depth + "1" + {"[": "]", '{"a":': "}"}[opening] * depth)


ODD_TEXTS = st.one_of(
    # What PostgreSQL cannot store.
    st.sampled_from(["\0", "a\0b", "\ud800", "\udc00\ud800"]),
    st.sampled_from(["", " ", "\U0001f600", "\\", '"', "\u2028", "a\r\nb", "{}"]),
    st.sampled_from(["START", "complete", "ABORT ", "DAG", "null", "-1", "NaN", "../..", "<script>", "%s", "'; --"]),
    st.sampled_from([2047, 2048, 2049, 8193, 12_000, 200_000]).map(_long_text),
    st.text(max_size=20),
)
ODD_TIMES = st.sampled_from(
    [
        *("1969-12-31T23:59:59Z", "0001-01-01T00:00:00Z", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59.999999Z"),
        *("9999-12-31T23:59:59-12:00", "10000-01-01T00:00:00Z", "2026-02-30T00:00:00Z", "2026-07-01T06:00:00"),
        *(
            "2026-07-01T06:00:00.123456789Z",
            "2026-07-01T06:00:00+02:00[Europe/Paris]",
            "2026-07-01",
            "now",
            "1782885600",
        ),
        *("2026-W27-3", "20260701T060000Z", "2026-07-01T24:00:00Z", "2026-07-01T06:00:60Z", "infinity", "2026-182"),
    ]
)
ODD_IDS = st.sampled_from(
    [
        *("00000000-0000-0000-0000-000000000000", "FFFFFFFF-FFFF-FFFF-FFFF-FFFFFFFFFFFF", "manual__2026-07-01"),
        *("{00000000-0000-0000-0000-000000000001}", "urn:uuid:00000000-0000-0000-0000-000000000001", "0" * 32),
        "0x000000000000000000000000000000",
    ]
)
ODD_NUMBERS = st.one_of(
    st.sampled_from([0, -1, 1.5, 2**31 - 1, 2**31, -(2**31) - 1, 2**63, 2**64, 1e308]),
    st.sampled_from(["1e400", "-1e400", "1e-400", "-0", "NaN", "Infinity", "007", "1.", "0x1"]).map(Verbatim),
    st.sampled_from(["9", "-9", "0."]).map(lambda begin: Verbatim(begin + "7" * 5_000)),
)
NESTED = st.builds(_nested, st.sampled_from([5, 300, 900, 1_000, 20_000]), st.sampled_from(["[", '{"a":']))
# Made anew each time: a later mutation may change what stands in the document.
PLAIN = st.sampled_from(["null", "true", "false", "[]", "{}", "[[]]", '{"": null}', "[null]", '{"facets": {}}']).map(
    json.loads
)
ODD_VALUES = st.one_of(PLAIN, ODD_TEXTS, ODD_TIMES, ODD_IDS, ODD_NUMBERS, NESTED)

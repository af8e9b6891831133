"""The text of a key, taken apart and put together."""

import math
import re
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connections.keys import MalformedKey, new_key, parse_key


def test_a_new_key_is_made_of_what_scanners_and_shells_take_as_one_word() -> None:
    key = new_key()
    assert re.fullmatch(r"obs_[0-9A-Za-z]{12}_[0-9A-Za-z]{36}_[0-9A-Za-z]{6}", key.text)
    assert key.text.startswith(f"obs_{key.lookup}_{key.secret}_")
    assert key.last_characters == key.text[-4:]


def test_what_a_page_does_not_show_has_190_random_bits() -> None:
    key = new_key()
    bits = math.log2(62)
    assert len(key.secret) * bits - len(key.last_characters) * bits >= 190


def test_no_two_keys_are_alike() -> None:
    keys = [new_key() for _ in range(200)]
    assert len({key.lookup for key in keys}) == len({key.secret for key in keys}) == 200
    # Each character is drawn from the whole alphabet: in 7,200 of them, each of the 62 appears.
    assert len(set("".join(key.secret for key in keys))) == 62


def test_a_key_is_read_back_as_it_was_made() -> None:
    key = new_key()
    assert parse_key(key.text) == key
    token = new_key(prefix="obt_")
    assert token.text.startswith("obt_")
    assert parse_key(token.text, prefix="obt_") == token


def test_a_key_of_another_purpose_is_refused() -> None:
    for key, prefix in ((new_key(), "obt_"), (new_key(prefix="obt_"), "obs_")):
        with pytest.raises(MalformedKey):
            parse_key(key.text, prefix=prefix)


def test_every_single_mistyped_or_swapped_character_is_noticed() -> None:
    text = new_key().text
    for position, character in enumerate(text):
        for other in "0aZ_":
            if other != character:
                with pytest.raises(MalformedKey):
                    parse_key(text[:position] + other + text[position + 1 :])
    for position in range(len(text) - 1):
        first, second = text[position], text[position + 1]
        if first != second:
            with pytest.raises(MalformedKey):
                parse_key(text[:position] + second + first + text[position + 2 :])


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text[:0],
        lambda text: text[:-1],
        lambda text: text + "x",
        lambda text: text + "\n",
        lambda text: " " + text[1:],
        lambda text: text.upper(),
        lambda text: text[:20] + "\u0663" + text[21:],  # a digit, but not of ASCII
        lambda text: text[:20] + "\ud800" + text[21:],
        lambda text: text[:20] + "\0" + text[21:],
    ],
)
def test_what_is_no_key_is_refused(change: Callable[[str], str]) -> None:
    with pytest.raises(MalformedKey):
        parse_key(change(new_key().text))


@given(st.text(max_size=80))
def test_any_other_text_is_refused(text: str) -> None:
    with pytest.raises(MalformedKey):
        parse_key(text)


def test_a_key_does_not_show_its_secret_in_a_log() -> None:
    key = new_key()
    assert key.secret not in repr(key)
    assert key.secret not in str(key)
    assert key.text[-6:] not in repr(key)

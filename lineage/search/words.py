"""Words of names and of search texts: they end at punctuation, and have parts where case or digits change."""

import re
from typing import Final

_LETTERS = "\x80-\U0010ffff"
WORD: Final = re.compile(f"[0-9A-Za-z{_LETTERS}]+")
_PART: Final = re.compile(f"[0-9]+|[A-Z]+(?![a-z{_LETTERS}])|[A-Z]?[a-z{_LETTERS}]+")


def parts_of(word: str) -> list[str]:
    return [part.lower() for part in _PART.findall(word)]


def has_words(name: str, words: list[str]) -> bool:
    """Tell whether each of the words begins a word of the name, or a part of one, or has parts of it, as the index in
    the database finds it."""
    known = [word.lower() for word in WORD.findall(name)]
    parts = [part for word in WORD.findall(name) for part in parts_of(word)]
    return all(_is_in(word, known, parts) for word in words)


def _is_in(word: str, known: list[str], parts: list[str]) -> bool:
    if any(one.startswith(word.lower()) for one in (*known, *parts)):
        return True
    *whole, last = parts_of(word)
    return bool(whole) and set(whole) <= set(parts) and any(part.startswith(last) for part in parts)

"""A text to copy."""

from dataclasses import dataclass

from web.guides.runners import Runner


@dataclass(frozen=True, slots=True)
class Snippet:
    """`name` is its own among the snippets of its guide; `place` says where the text goes, `runner` what reads it."""

    name: str
    place: str
    text: str
    runner: Runner

"""Texts cut to the room that they have, because SVG does not cut them. Widths are estimates."""

from dataclasses import dataclass

# Widths of characters in 32nds of the font's size, measured from Inter at weight 600.
_WIDTHS = {
    8: " ijl",
    9: "I",
    10: "!',.:",
    11: ";`t|",
    12: "()/[\\]f",
    13: "r",
    14: "1",
    15: "-^_{}",
    16: "\N{EN DASH}",
    17: '"*?',
    18: "7Laksxz",
    19: "EFJceovy",
    20: "235689bdghnpqu",
    21: "#$&04BPRSTZ",
    22: "+<=>K~\N{MULTIPLICATION SIGN}",
    23: "ADVXY",
    24: "CGHNU",
    25: "OQ",
    27: "w",
    29: "m",
    30: "M",
    31: "…",
    32: "%@",
    33: "W",
}
_WIDTH_OF = {character: width for width, characters in _WIDTHS.items() for character in characters}
# Letters of other scripts: most are narrower, Chinese and Japanese ones as wide as this.
_OTHER = 32
# Chinese and Japanese letters take two places of a monospace font.
_FIRST_WIDE = 0x1100

_ELLIPSIS = "…"


@dataclass(frozen=True, slots=True)
class Font:
    """Font of a text: its size in pixels, and its width compared with weight 600, or that of a monospace character."""

    size: int
    scale: float = 1.0
    monospace: float = 0.0

    def width(self, text: str) -> float:
        """Return the estimated width of `text` in pixels."""
        return sum(map(self._advance, text))

    def cut(self, text: str, width: float) -> str:
        """Return `text`, or both its ends if it is wider than `width` pixels: tables often differ in the last letters.

        For example `features.c…enue_90d`.
        """
        advances = [self._advance(character) for character in text]
        if sum(advances) <= width:
            return text
        room = width - self._advance(_ELLIPSIS)
        head, tail = 0, len(text)
        while True:
            is_head = head <= len(text) - tail
            room -= advances[head if is_head else tail - 1]
            if room < 0:
                return text[:head].rstrip() + _ELLIPSIS + text[tail:].lstrip()
            head, tail = (head + 1, tail) if is_head else (head, tail - 1)

    def _advance(self, character: str) -> float:
        if self.monospace:
            return self.size * self.monospace * (2 if ord(character) >= _FIRST_WIDE and character != _ELLIPSIS else 1)
        return self.size * self.scale * _WIDTH_OF.get(character, _OTHER) / 32


NAME = Font(13)
HEADING = Font(12)
SMALL = Font(12, scale=0.97)
CODE = Font(12, monospace=0.61)

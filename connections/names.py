"""Names of connections and API keys: one rule for models, forms and commands."""

import unicodedata

from django.core.exceptions import ValidationError

MAX_NAME_LENGTH = 100

# Control characters, lone surrogates, line and paragraph separators: they break a line in a log or a terminal.
_REFUSED_CATEGORIES = {"Cc", "Cs", "Zl", "Zp"}
# Bidirectional overrides, spaces without width and letters without a picture (Hangul fillers) make a name look like
# another. Joiners stay: some scripts and emoji need them.
_REFUSED_CHARACTERS = {
    *map(chr, range(0x202A, 0x202F)),
    *map(chr, range(0x2066, 0x206A)),
    *("\u00ad", "\u200b", "\u2060", "\ufeff"),
    *("\u115f", "\u1160", "\u3164", "\uffa0"),
}
# Letters, numbers, punctuation, symbols: a name needs one that can be seen.
_VISIBLE_CATEGORIES = "LNPS"


def normalize_name(name: str) -> str:
    """Removes white space around the name and composes it (NFC), so that equal-looking names are equal."""
    return unicodedata.normalize("NFC", name.strip())


def validate_name(name: str) -> None:
    """Raises ValidationError, with words for the person who typed the name."""
    if not any(unicodedata.category(c)[0] in _VISIBLE_CATEGORIES for c in name):
        raise ValidationError("A name has at least one visible character.", code="invisible")
    if any(c in _REFUSED_CHARACTERS or unicodedata.category(c) in _REFUSED_CATEGORIES for c in name):
        raise ValidationError("A name has no control characters or line breaks.", code="control_characters")
    if name != normalize_name(name):
        raise ValidationError("A name does not begin or end with white space.", code="not_normalized")

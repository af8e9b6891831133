"""Headline of an error message: the one line for which a list has room."""

from functools import lru_cache

from lineage.events.errors import clean, headline_of_message
from lineage.events.senders import ERROR_CODES

# In characters. Longer headlines are cut on pages, so that each takes one line.
_SHORT = 60
# Longest headline in a sentence: about two lines of a page.
_OF_A_SENTENCE = 200
_ENDS = (".", "!", "?", "\N{HORIZONTAL ELLIPSIS}")


# A row asks for it several times, and many rows have one message.
@lru_cache(256)
def error_headline(message: str) -> str:
    """Return the most useful line: the exception below a Python traceback, else the first line.

    A code that a sender uses as error message is replaced by its meaning.
    """
    headline = headline_of_message(clean(message))
    return ERROR_CODES.get(headline, headline)


def error_details(message: str) -> str:
    """Return the whole message, or an empty text if the headline says all of it."""
    whole = clean(message).strip()
    is_complete = whole in ERROR_CODES or (len(whole) <= _SHORT and whole == error_headline(message))
    return "" if is_complete else clean(message)


def as_sentence(headline: str) -> str:
    """Add a full stop unless there is another end; cut a long headline."""
    if len(headline) > _OF_A_SENTENCE:
        headline = f"{headline[: _OF_A_SENTENCE - 1].rstrip()}\N{HORIZONTAL ELLIPSIS}"
    return headline if headline.endswith(_ENDS) else f"{headline}."

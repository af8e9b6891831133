"""The one line of an error message that a list has room for, and whether there is more to it."""

from lineage.events.senders import ERROR_CODES

# In characters: longer headlines are cut, so that each takes one line.
_SHORT = 60
# In a sentence among others: about two lines of a page.
_OF_A_SENTENCE = 200
_ENDS = (".", "!", "?", "\N{HORIZONTAL ELLIPSIS}")


def error_headline(message: str) -> str:
    """The line that says most: the first, or the exception below a Python traceback. A code that a sender
    gives in place of a message is put into words."""
    lines = [line for line in message.splitlines() if line.strip()]
    traceback = max((n for n, line in enumerate(lines) if line.startswith("Traceback (most recent")), default=-1)
    below = (line for line in lines[traceback + 1 :] if traceback < 0 or not line.startswith(" "))
    headline = next(below, lines[0] if lines else "").strip()
    return ERROR_CODES.get(headline, headline)


def error_details(message: str) -> str:
    """What unfolds below the headline: the whole message. Empty where that says nothing more."""
    whole = message.strip()
    is_told = whole in ERROR_CODES or (len(whole) <= _SHORT and whole == error_headline(message))
    return "" if is_told else message


def as_sentence(headline: str) -> str:
    """With a full stop, where it has no other end; cut where it is long."""
    if len(headline) > _OF_A_SENTENCE:
        headline = f"{headline[: _OF_A_SENTENCE - 1].rstrip()}\N{HORIZONTAL ELLIPSIS}"
    return headline if headline.endswith(_ENDS) else f"{headline}."

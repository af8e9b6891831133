class CannotStart(Exception):
    """The quick start cannot go on. The message is one sentence for the person at the terminal, and contains no
    secret."""

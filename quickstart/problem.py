class CannotStart(Exception):
    """The quick start cannot go on. Its text is one sentence for the person at the terminal, and holds no secret."""

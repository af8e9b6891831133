"""Guides that set a sender up: ready-made configuration with a connection's own values, one for each sender.

The words are in templates/connections/guides/, one template a guide. The texts to copy are made here, so that tests
can give each one to its program.
"""

from web.guides.cures import cure_of
from web.guides.guides import GUIDES, Guide, guide_for, guide_named
from web.guides.snippet import Snippet
from web.guides.texts.shell import example_event
from web.guides.values import KEY_PLACEHOLDER, SenderValues

__all__ = [
    "GUIDES",
    "KEY_PLACEHOLDER",
    "Guide",
    "SenderValues",
    "Snippet",
    "cure_of",
    "example_event",
    "guide_for",
    "guide_named",
]

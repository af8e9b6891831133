"""Guides that set a sender up: ready-made configuration with a connection's own values, one for each sender.

The words are in templates/connections/guides/, one template a guide. The texts to copy are made here, so that tests
can give each one to its program.
"""

from web.guides.guides import GUIDES, Guide, guide_for, guide_named
from web.guides.snippets import Snippet
from web.guides.values import KEY_PLACEHOLDER, SenderValues

__all__ = ["GUIDES", "KEY_PLACEHOLDER", "Guide", "SenderValues", "Snippet", "guide_for", "guide_named"]

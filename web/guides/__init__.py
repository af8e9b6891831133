"""How to set a sender up: ready-made configuration with a connection's own values, in one guide for each sender.

The words stand in templates/connections/guides/, one template a guide; what a reader copies is made here, so that
tests can give each text to the program that it is for.
"""

from web.guides.guides import GUIDES, Guide, guide_for, guide_named
from web.guides.snippets import Snippet
from web.guides.values import KEY_PLACEHOLDER, SenderValues

__all__ = ["GUIDES", "KEY_PLACEHOLDER", "Guide", "SenderValues", "Snippet", "guide_for", "guide_named"]

"""Senders over real HTTP, as all other rooms' tests have them: those of tests/lineage go straight to digest."""

from tests.live_server import new_sender, sender

__all__ = ["new_sender", "sender"]

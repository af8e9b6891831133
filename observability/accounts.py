"""How people get in: only those whom an administrator made."""

from allauth.account.adapter import DefaultAccountAdapter
from django.http import HttpRequest


class ClosedAccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]  # allauth ships no types
    def is_open_for_signup(self, request: HttpRequest) -> bool:  # noqa: ARG002
        """Nobody signs up by themselves: administrators add people."""
        return False

    def is_safe_url(self, url: str) -> bool:
        """Whether `next` may lead there. What is no URL at all, such as `http://[`, makes allauth (65.21) raise."""
        try:
            return bool(super().is_safe_url(url))
        except ValueError:
            return False

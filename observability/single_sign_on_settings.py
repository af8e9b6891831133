"""Settings of signing in through an identity provider, from the texts of the environment. Pure.

Wrong ones raise ImproperlyConfigured.
"""

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured

_ROLES = {"viewer", "editor", "administrator"}
# Consent that everybody comes whom the provider knows, as a viewer at first.
_EVERYBODY = {"*": "viewer"}
_OWN_MACHINE = {"localhost", "127.0.0.1", "::1"}


def read_role_map(entries: Sequence[str]) -> dict[str, str]:
    """Return value of the claim → role, of entries such as `data-admins=administrator`."""
    roles = {}
    for entry in entries:
        value, _, role = (part.strip() for part in entry.rpartition("="))
        if not value or role not in _ROLES:
            raise ImproperlyConfigured(f"OIDC_ROLE_MAP: {entry!r} is not GROUP=viewer, =editor or =administrator.")
        roles[value] = role
    return roles


def check(
    *,
    issuer: str,
    client_id: str,
    role_claim: str,
    role_map: Mapping[str, str],
    domains: Sequence[str],
    local_login: bool,
    break_glass: str,
) -> None:
    parts = urlsplit(issuer)
    is_protected = parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _OWN_MACHINE)
    if issuer and not (is_protected and client_id):
        raise ImproperlyConfigured("OIDC_ISSUER is an https:// URL, and needs OIDC_CLIENT_ID.")
    if bool(role_claim) != bool(role_map) and (role_claim or role_map != _EVERYBODY):
        raise ImproperlyConfigured("OIDC_ROLE_CLAIM and OIDC_ROLE_MAP need each other, but for OIDC_ROLE_MAP=*=viewer.")
    if issuer and not (domains or role_map):
        raise ImproperlyConfigured(
            "OIDC_ISSUER needs OIDC_ALLOWED_DOMAINS, or OIDC_ROLE_MAP with the groups that may come. "
            "OIDC_ROLE_MAP=*=viewer lets everybody in whom the provider knows: at a public one, everybody."
        )
    if not local_login and not (issuer and break_glass):
        raise ImproperlyConfigured("LOCAL_LOGIN=off needs OIDC_ISSUER and BREAK_GLASS_ADMINISTRATOR.")


def providers(issuer: str, client_id: str, secret: str, name: str) -> dict[str, Any]:
    """Return allauth's SOCIALACCOUNT_PROVIDERS; empty without an issuer."""
    if not issuer:
        return {}
    app = {"provider_id": "sso", "name": name, "client_id": client_id, "secret": secret}
    return {
        "openid_connect": {
            "OAUTH_PKCE_ENABLED": True,
            "APPS": [{**app, "settings": {"server_url": issuer.rstrip("/")}}],
        }
    }

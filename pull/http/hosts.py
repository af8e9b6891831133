"""Addresses that may be asked: public ones, and private ones that the operator allows. Pure.

People type addresses into a form, and the server then asks them. Without this, a person could reach what only the
server reaches, such as the metadata service of a cloud, which hands out credentials.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final

from django.core.exceptions import ImproperlyConfigured

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

# Never allowed: link-local addresses, and the metadata services of clouds, which are elsewhere in some of them.
_NEVER: Final = tuple(
    ip_network(network)
    for network in (
        *("169.254.0.0/16", "fe80::/10", "fd00:ec2::254/128", "fd20:ce::254/128"),
        *("100.100.100.200/32", "168.63.129.16/32", "192.0.0.192/32"),
        # Tunnels to IPv4 addresses that cannot be read from them: a network's own NAT64, and Teredo.
        *("64:ff9b:1::/48", "2001::/32"),
        *("0.0.0.0/8", "::/128", "224.0.0.0/4", "ff00::/8", "255.255.255.255/32"),
    )
)
# IPv6 addresses with an IPv4 address in their last 32 bits.
_NAT64: Final = tuple(ip_network(network) for network in ("64:ff9b::/96", "::/96"))
# Where all public IPv6 addresses are. Python takes the reserved ones for public, too.
_PUBLIC_IPV6: Final = ip_network("2000::/3")


@dataclass(frozen=True, slots=True)
class AllowedHosts:
    """The setting PULL_ALLOWED_HOSTS: private hosts and networks that may be asked."""

    names: frozenset[str] = frozenset()
    networks: tuple[Network, ...] = ()

    @classmethod
    def parse(cls, words: Iterable[str]) -> "AllowedHosts":
        """Raises ValueError for what is neither a host name nor a network."""
        names, networks = set(), []
        for word in words:
            try:
                networks.append(ip_network(word.strip("[]"), strict=False))
            except ValueError:
                is_number = word.replace(".", "").isdecimal()
                if is_number or not word.strip(".") or any(sign in word for sign in "/:@?#*, "):
                    raise ValueError(f"{word!r} is neither a host name nor a network such as 10.0.0.0/8") from None
                names.add(word.lower().rstrip("."))
        return cls(frozenset(names), tuple(networks))

    def has(self, host: str, address: Address) -> bool:
        """Tell whether the operator allows a host by its name, or by its address."""
        return host.lower().rstrip(".") in self.names or any(_is_in(address, network) for network in self.networks)

    def why_refused(self, host: str, address: str) -> str | None:
        """Explain why a host must not be asked at an address that it has; None: it may."""
        found = _meant(ip_address(address.partition("%")[0]))
        if any(_is_in(found, network) for network in _NEVER):
            return f"{host} is at {found}, an address that is never asked: it belongs to the machine or its cloud."
        if found.is_global and (found.version == 4 or found in _PUBLIC_IPV6):
            return None
        if self.has(host, found):
            return None
        return (
            f"{host} is at {found}, a private address. Whoever operates Observatory can allow it: "
            f"PULL_ALLOWED_HOSTS={host}"
        )


def check_hosts(words: list[str]) -> list[str]:
    """Return the setting's words. Raises ImproperlyConfigured for one that AllowedHosts cannot parse."""
    try:
        AllowedHosts.parse(words)
    except ValueError as error:
        raise ImproperlyConfigured(f"PULL_ALLOWED_HOSTS: {error}.") from None
    return words


def _meant(address: Address) -> Address:
    """The IPv4 address inside an IPv6 address, if there is one."""
    if isinstance(address, IPv4Address):
        return address
    inner = address.ipv4_mapped or address.sixtofour
    if inner is None and any(address in network for network in _NAT64) and int(address) > 1:
        inner = IPv4Address(int(address) & 0xFFFFFFFF)
    return inner or address


def _is_in(address: Address, network: Network) -> bool:
    return address.version == network.version and address in network

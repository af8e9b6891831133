"""Addresses that may be asked, and those that must not."""

import pytest

from pull.http.hosts import AllowedHosts

NONE = AllowedHosts()
SOME = AllowedHosts.parse(["airflow.internal", "10.0.0.0/8", "fd00:1::/32", "127.0.0.1", "169.254.0.0/16"])


@pytest.mark.parametrize("address", ["93.184.216.34", "2606:2800:220:1:248:1893:25c8:1946"])
def test_public_addresses_may_be_asked(address: str) -> None:
    assert NONE.why_refused("example.com", address) is None


@pytest.mark.parametrize(
    "address",
    [
        *("10.1.2.3", "172.16.0.1", "192.168.1.1", "127.0.0.1", "100.64.0.1", "192.0.2.1", "198.18.0.1", "240.0.0.1"),
        *("::1", "fc00::1", "fd12:3456::1", "::ffff:10.1.2.3", "64:ff9b::10.1.2.3", "2002:0a01:0203::", "::10.1.2.3"),
        *("fec0::1", "4000::1"),
    ],
)
def test_private_addresses_are_refused_unless_allowed(address: str) -> None:
    why = NONE.why_refused("db.example.com", address)
    assert why is not None
    assert "PULL_ALLOWED_HOSTS=db.example.com" in why
    assert AllowedHosts.parse(["DB.example.com"]).why_refused("db.example.com", address) is None


@pytest.mark.parametrize(
    "address",
    [
        *("169.254.169.254", "fe80::1", "fd00:ec2::254", "100.100.100.200", "168.63.129.16", "192.0.0.192"),
        *("::ffff:169.254.169.254", "64:ff9b::169.254.169.254", "2002:a9fe:a9fe::", "fe80::1%eth0"),
        *("64:ff9b:1:a9fe:a9:fe00:808:808", "2001:0:808:808::5601:5601"),
        *("0.0.0.0", "::", "224.0.0.1", "ff02::1", "255.255.255.255"),  # noqa: S104
    ],
)
def test_metadata_services_are_never_asked(address: str) -> None:
    everything = AllowedHosts.parse(["metadata.internal", "0.0.0.0/0", "::/0"])
    assert everything.why_refused("metadata.internal", address) is not None


def test_networks_and_names_that_are_allowed() -> None:
    assert SOME.why_refused("anything", "10.200.0.1") is None
    assert SOME.why_refused("AIRFLOW.internal.", "192.168.1.1") is None
    assert SOME.why_refused("other.internal", "192.168.1.1") is not None
    assert SOME.why_refused("anything", "fd00:1::5") is None
    assert SOME.why_refused("localhost", "127.0.0.1") is None
    assert SOME.why_refused("localhost", "127.0.0.2") is not None


@pytest.mark.parametrize("word", ["https://airflow.internal", "a b", "10.0.0.0/33", "user@host", "", "10.0.0", "a,b"])
def test_nonsense_in_the_setting(word: str) -> None:
    with pytest.raises(ValueError, match="neither a host name nor a network"):
        AllowedHosts.parse([word])

"""The addresses to which the service connects for a client."""

import ipaddress

import pytest

from duygu.shared.errors import LinkRefusedError, WebhookRefusedError
from duygu.shared.network.addresses import LINK, AddressPolicy


def test_each_purpose_has_its_error_and_names_its_setting() -> None:
    """A refused address raises the error of its purpose, which names the setting that would permit it."""
    with pytest.raises(WebhookRefusedError, match="DUYGU_WEBHOOK_NETWORKS"):
        AddressPolicy().check("10.0.0.1", secure=True)
    with pytest.raises(LinkRefusedError, match="DUYGU_LINK_NETWORKS"):
        AddressPolicy(purpose=LINK).check("10.0.0.1", secure=True)


@pytest.mark.parametrize("host", ["2130706433", "0x7f.1", "127.1", "0177.0.0.1", "::ffff:7f00:1"])
def test_every_notation_of_an_address_is_recognised(host: str) -> None:
    """A host that resolvers take for an address is checked as one before any connection."""
    with pytest.raises(WebhookRefusedError, match="not public"):
        AddressPolicy().check_host(host, secure=True)
    AddressPolicy((ipaddress.ip_network("127.0.0.0/8"),)).check_host(host, secure=True)


def test_plain_http_needs_a_trusted_network_or_the_setting() -> None:
    """A name without TLS may resolve to a trusted network; without one it is refused at once."""
    with pytest.raises(LinkRefusedError, match="https"):
        AddressPolicy(purpose=LINK).check_host("example.org", secure=False)
    AddressPolicy((), LINK, plain=True).check_host("example.org", secure=False)
    AddressPolicy((ipaddress.ip_network("10.0.0.0/8"),), LINK).check_host("example.org", secure=False)

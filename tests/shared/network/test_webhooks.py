"""The permitted addresses of webhooks, and their signature."""

import pytest

from duygu.shared.config.settings import Settings
from duygu.shared.errors import ConfigurationError, WebhookRefusedError
from duygu.shared.network.webhooks import AddressPolicy, address_policy, check_endpoint, parse_endpoint, sign

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"  # noqa: S105 - a published example
"""The secret of the example in the specification."""


def policy(settings: Settings, names: str) -> AddressPolicy:
    """Return the networks that the setting names."""
    return address_policy(settings.model_copy(update={"webhook_networks": names}))


def test_the_signature_is_that_of_the_specification() -> None:
    """The signature equals the published example of the specification."""
    signature = sign(SECRET, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}')
    assert signature == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "10.0.0.1",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "0.0.0.0",  # noqa: S104 - an address to refuse
        "224.0.0.1",
        "255.255.255.255",
        "::1",
        "::",
        "fe80::1",
        "fe80::1%eth0",
        "fc00::1",
        "ff02::1",
        "::ffff:127.0.0.1",
        "64:ff9b::7f00:1",
        "2002:7f00:1::",
    ],
)
def test_only_public_addresses_are_allowed(address: str) -> None:
    """Private, local and link-local addresses are refused in every notation."""
    with pytest.raises(WebhookRefusedError):
        AddressPolicy().check(address, secure=True)


@pytest.mark.parametrize("address", ["93.184.216.34", "2606:2800:220:1::1", "64:ff9b::5db8:d822"])
def test_public_addresses_need_tls(address: str) -> None:
    """Public addresses are allowed with TLS only."""
    AddressPolicy().check(address, secure=True)
    with pytest.raises(WebhookRefusedError, match="https"):
        AddressPolicy().check(address, secure=False)


def test_trusted_networks_are_allowed(settings: Settings) -> None:
    """Trusted networks are allowed, also without TLS, and others are not."""
    trusted = policy(settings, "10.1.0.0/16, fd00::/8")
    trusted.check("10.1.2.3", secure=False)
    trusted.check("fd00::1", secure=True)
    with pytest.raises(WebhookRefusedError):
        trusted.check("10.2.0.1", secure=True)


def test_an_invalid_network_is_an_error(settings: Settings) -> None:
    """An invalid network in the settings is refused at the start."""
    with pytest.raises(ConfigurationError, match="WEBHOOK_NETWORKS"):
        policy(settings, "office")


def test_an_address_is_parsed() -> None:
    """The parsed address has the default port of its scheme."""
    endpoint = parse_endpoint("https://example.com/hook?a=b")
    assert (endpoint.secure, endpoint.host, endpoint.port, endpoint.path) == (True, "example.com", 443, "/hook?a=b")
    endpoint = parse_endpoint("http://[::1]:8080")
    assert (endpoint.secure, endpoint.host, endpoint.port, endpoint.path) == (False, "::1", 8080, "/")


@pytest.mark.parametrize(
    "url",
    [
        "",
        "example.com",
        "ftp://example.com/",
        "file:///etc/passwd",
        "https://",
        "https:///path",
        "https://user:word@example.com/",
        "https://example.com/#part",
        "https://example.com:99999/",
        "https://example.com/a b",
        "https://example.com/\r\nHost: other",
        "https://[::1/",
        "https://exämple.com/",
        "https://a..b/",
        "https://.example.com/",
        "https://" + "a" * 64 + ".example.com/",
        "https://example.com/" + "x" * 2000,
        "http://example.com/",
        "https://127.0.0.1/",
        "http://10.0.0.1/",
        "https://[::ffff:10.0.0.1]/",
    ],
)
def test_what_cannot_be_sent_to_is_refused_at_once(url: str) -> None:
    """An address that cannot receive a webhook is refused before the video is accepted."""
    with pytest.raises(WebhookRefusedError):
        check_endpoint(url, AddressPolicy())

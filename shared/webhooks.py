"""Webhooks by https://www.standardwebhooks.com: the permitted addresses, and the signature."""

import base64
import hashlib
import hmac
import ipaddress
from dataclasses import dataclass
from urllib.parse import urlsplit

from duygu.shared.config import Settings
from duygu.shared.errors import ConfigurationError, WebhookRefusedError

SECRET_PREFIX = "whsec_"  # noqa: S105 - the prefix of secrets

LONGEST_URL = 2000

NAT64 = ipaddress.ip_network("64:ff9b::/96")
"""IPv6 addresses that embed an IPv4 address in their last four bytes (RFC 6052)."""

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
IPNetwork = ipaddress.IPv4Network | ipaddress.IPv6Network


@dataclass(frozen=True, slots=True)
class Endpoint:
    """The parsed address of a webhook."""

    secure: bool
    host: str
    port: int
    path: str  # with the query


@dataclass(frozen=True, slots=True)
class AddressPolicy:
    """The permitted addresses of webhooks: public ones, and those of the networks in the settings."""

    trusted: tuple[IPNetwork, ...] = ()

    def check(self, address: str, *, secure: bool) -> None:
        """Raise WebhookRefusedError for an address that is neither public nor trusted, or public without TLS."""
        meant = _meant(ipaddress.ip_address(address.partition("%")[0]))
        if any(meant in network for network in self.trusted):
            return
        if not meant.is_global or meant.is_multicast:
            raise WebhookRefusedError(
                "The webhook address is not public, and DUYGU_WEBHOOK_NETWORKS does not list its network"
            )
        if not secure:
            raise WebhookRefusedError("A public webhook address requires https")


def parse_endpoint(url: str) -> Endpoint:
    """Parse the address of a webhook. Raises WebhookRefusedError when a webhook cannot be sent to it."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise WebhookRefusedError("The webhook address is not a valid URL") from error
    if len(url) > LONGEST_URL or not url.isascii() or not url.isprintable() or " " in url:
        raise WebhookRefusedError(
            f"The webhook address exceeds {LONGEST_URL} characters or contains characters other than printable ASCII"
        )
    if parts.scheme not in {"https", "http"} or not host or parts.username is not None or parts.fragment:
        raise WebhookRefusedError("The webhook address is not of the form https://host/path, without user and fragment")
    try:
        host.encode("idna")  # the first step of resolving a name
    except UnicodeError as error:
        raise WebhookRefusedError(
            "The host of the webhook address is invalid: each label needs 1 to 63 characters"
        ) from error
    secure = parts.scheme == "https"
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Endpoint(secure, host, port or (443 if secure else 80), path)


def address_policy(settings: Settings) -> AddressPolicy:
    """Return the policy of the settings. Raises ConfigurationError."""
    names = [name.strip() for name in settings.webhook_networks.split(",") if name.strip()]
    try:
        return AddressPolicy(tuple(ipaddress.ip_network(name) for name in names))
    except ValueError as error:
        raise ConfigurationError(f"DUYGU_WEBHOOK_NETWORKS: {error}") from error


def check_endpoint(url: str, policy: AddressPolicy) -> None:
    """Refuse an address early where the delivery would refuse it. Host names are resolved at delivery, not here.

    Raises WebhookRefusedError.
    """
    endpoint = parse_endpoint(url)
    try:
        ipaddress.ip_address(endpoint.host)
    except ValueError:
        if not endpoint.secure and not policy.trusted:
            raise WebhookRefusedError("A public webhook address requires https") from None
    else:
        policy.check(endpoint.host, secure=endpoint.secure)


def sign(secret: str, message_id: str, timestamp: int, body: bytes) -> str:
    """Return the `webhook-signature` of a message: version, and HMAC-SHA256 over id, timestamp and body in base64."""
    key = base64.b64decode(secret.removeprefix(SECRET_PREFIX))
    signed = f"{message_id}.{timestamp}.".encode() + body
    return "v1," + base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()


def _meant(address: Address) -> Address:
    """Return the embedded IPv4 address of an IPv6 address that has one, and the address itself otherwise."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if address in NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour or address

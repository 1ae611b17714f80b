"""Webhooks by https://www.standardwebhooks.com: the permitted addresses, and the signature."""

import base64
import hashlib
import hmac
from dataclasses import dataclass
from urllib.parse import urlsplit

from duygu.shared.config.settings import Settings
from duygu.shared.errors import WebhookRefusedError
from duygu.shared.network.addresses import AddressPolicy as AddressPolicy  # also for importers of this module
from duygu.shared.network.addresses import read_networks

SECRET_PREFIX = "whsec_"  # noqa: S105 - the prefix of secrets

LONGEST_URL = 2000


@dataclass(frozen=True, slots=True)
class Endpoint:
    """The parsed address of a webhook."""

    secure: bool
    host: str
    port: int
    path: str  # with the query


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
    return AddressPolicy(read_networks(settings.webhook_networks, "DUYGU_WEBHOOK_NETWORKS"))


def check_endpoint(url: str, policy: AddressPolicy) -> None:
    """Refuse an address early where the delivery would refuse it. Host names are resolved at delivery, not here.

    Raises WebhookRefusedError.
    """
    endpoint = parse_endpoint(url)
    policy.check_host(endpoint.host, secure=endpoint.secure)


def sign(secret: str, message_id: str, timestamp: int, body: bytes) -> str:
    """Return the `webhook-signature` of a message: version, and HMAC-SHA256 over id, timestamp and body in base64."""
    key = base64.b64decode(secret.removeprefix(SECRET_PREFIX))
    signed = f"{message_id}.{timestamp}.".encode() + body
    return "v1," + base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()

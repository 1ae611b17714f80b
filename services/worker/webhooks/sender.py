"""Sends a webhook, to an address that is checked at the moment of connecting."""

import http.client
import socket
import ssl
import time
from dataclasses import dataclass
from http import HTTPStatus

from duygu.shared.errors import WebhookRefusedError
from duygu.shared.webhooks import AddressPolicy, Endpoint, parse_endpoint, sign

TIMEOUT_S = 10.0
"""For the connection, and for each read of the response."""


@dataclass(frozen=True, slots=True)
class WebhookResponse:
    """The receiver's status, or why there is none."""

    status: int | None
    error: str | None

    @property
    def final(self) -> bool:
        """Whether no further attempt is due: the webhook was delivered, or the receiver answered 410 Gone."""
        return self.error is None or self.status == HTTPStatus.GONE


class Sender:
    """Sends signed messages."""

    def __init__(self, secret: str, policy: AddressPolicy) -> None:
        self._secret = secret
        self._policy = policy
        self._tls = ssl.create_default_context()

    def send(self, url: str, message_id: str, body: bytes) -> WebhookResponse:
        """Post a message. Redirects are not followed: they could lead to unchecked addresses."""
        try:
            endpoint = parse_endpoint(url)
            status = self._post(endpoint, self._headers(message_id, body), body)
        except WebhookRefusedError as error:
            return WebhookResponse(None, error.detail)
        except (OSError, ValueError, http.client.HTTPException) as error:  # ValueError: an invalid host name
            return WebhookResponse(None, f"{type(error).__name__}: no answer")
        return WebhookResponse(status, None if 200 <= status < 300 else "the answer is not a success")

    def _post(self, endpoint: Endpoint, headers: dict[str, str], body: bytes) -> int:
        connection = http.client.HTTPConnection(endpoint.host, endpoint.port, timeout=TIMEOUT_S)
        connection.default_port = 443 if endpoint.secure else 80
        try:
            connection.sock = self._connect(endpoint)
            connection.request("POST", endpoint.path, body, headers)
            return connection.getresponse().status
        finally:
            connection.close()

    def _connect(self, endpoint: Endpoint) -> socket.socket:
        """Connect to the address that was checked: a second look-up of the name could return another one."""
        found = socket.getaddrinfo(endpoint.host, endpoint.port, type=socket.SOCK_STREAM)
        addresses = [str(entry[4][0]) for entry in found]
        for address in addresses:
            self._policy.check(address, secure=endpoint.secure)
        plain = _first_open(addresses, endpoint.port)
        if not endpoint.secure:
            return plain
        try:
            return self._tls.wrap_socket(plain, server_hostname=endpoint.host)
        except BaseException:
            plain.close()
            raise

    def _headers(self, message_id: str, body: bytes) -> dict[str, str]:
        now = int(time.time())
        return {
            "content-type": "application/json",
            "user-agent": "Duygu",
            "webhook-id": message_id,
            "webhook-timestamp": str(now),
            "webhook-signature": sign(self._secret, message_id, now, body),
        }


def _first_open(addresses: list[str], port: int) -> socket.socket:
    """Connect to the first address that accepts. Raises OSError."""
    failure = OSError("the name has no address")
    for address in addresses:
        try:
            return socket.create_connection((address, port), TIMEOUT_S)
        except OSError as error:
            failure = error
    raise failure

"""Sends a webhook, to an address that is checked at the moment of connecting."""

import http.client
import ssl
import time
from dataclasses import dataclass
from http import HTTPStatus

from duygu.shared.errors import WebhookRefusedError
from duygu.shared.network.addresses import AddressPolicy
from duygu.shared.network.connecting import open_http
from duygu.shared.network.webhooks import Endpoint, parse_endpoint, sign


@dataclass(frozen=True, slots=True)
class WebhookResponse:
    """The receiver's status, or why there is none."""

    status: int | None
    error: str | None

    @property
    def final(self) -> bool:
        """Whether no further attempt is due: the webhook was delivered, or the receiver responded with 410 Gone."""
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
            return WebhookResponse(None, f"{type(error).__name__}: no response")
        return WebhookResponse(status, None if 200 <= status < 300 else "the response is not a success")

    def _post(self, endpoint: Endpoint, headers: dict[str, str], body: bytes) -> int:
        connection = open_http(endpoint.host, endpoint.port, self._policy, self._tls if endpoint.secure else None)
        try:
            connection.request("POST", endpoint.path, body, headers)
            return connection.getresponse().status
        finally:
            connection.close()

    def _headers(self, message_id: str, body: bytes) -> dict[str, str]:
        now = int(time.time())
        return {
            "content-type": "application/json",
            "user-agent": "Duygu",
            "webhook-id": message_id,
            "webhook-timestamp": str(now),
            "webhook-signature": sign(self._secret, message_id, now, body),
        }

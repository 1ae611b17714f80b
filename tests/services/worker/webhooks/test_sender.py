"""Sending one webhook."""

import ipaddress
import socket
from typing import Any

import pytest

from duygu.services.worker.webhooks.sender import Sender, WebhookResponse
from duygu.shared.network.webhooks import AddressPolicy, sign
from tests.shared.network.test_webhooks import SECRET
from tests.support.servers.receiver import receiving

LOCAL = AddressPolicy((ipaddress.ip_network("127.0.0.0/8"),))

NOT_PUBLIC = "The webhook address is not public, and DUYGU_WEBHOOK_NETWORKS does not list its network"


def send(url: str, policy: AddressPolicy = LOCAL) -> WebhookResponse:
    """Send a small message."""
    return Sender(SECRET, policy).send(url, "msg_1", b"{}")


def resolve_to(patch: pytest.MonkeyPatch, *addresses: str) -> list[str]:
    """Resolve `.test` names to these addresses in turn, and return the list of resolved names."""
    real, resolved, left = socket.getaddrinfo, [], list(addresses)

    def getaddrinfo(host: str, *args: Any, **kwargs: Any) -> Any:
        if host.endswith(".test"):
            resolved.append(host)
            host = left.pop(0)
        return real(host, *args, **kwargs)

    patch.setattr(socket, "getaddrinfo", getaddrinfo)
    return resolved


def test_a_message_is_signed_and_arrives() -> None:
    """A message has the three headers of the standard and the path and the query of its address."""
    with receiving() as receiver:
        assert send(receiver.url) == WebhookResponse(204, None)
    (message,) = receiver.messages
    assert (message.path, message.body) == ("/hook?a=b", b"{}")
    assert message.headers["host"] == f"127.0.0.1:{receiver.port}"
    timestamp = int(message.headers["webhook-timestamp"])
    assert message.headers["webhook-id"] == "msg_1"
    assert message.headers["webhook-signature"] == sign(SECRET, "msg_1", timestamp, b"{}")


def test_this_machine_is_refused_unless_trusted() -> None:
    """Without trusted networks, no message is sent to this machine."""
    with receiving() as receiver:
        assert send(receiver.url, AddressPolicy()) == WebhookResponse(None, NOT_PUBLIC)
    assert receiver.messages == []


def test_a_host_name_is_resolved_once_and_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    """A host name is resolved once: a name that changes to a private address afterwards is not reached."""
    with receiving() as receiver:
        resolved = resolve_to(monkeypatch, "127.0.0.1", "127.0.0.1")
        url = f"http://rebound.test:{receiver.port}/"
        assert send(url, AddressPolicy()).error == NOT_PUBLIC
        assert send(url) == WebhookResponse(204, None)
        assert resolved == ["rebound.test"] * 2
    assert receiver.messages[0].headers["host"] == f"rebound.test:{receiver.port}"


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_redirects_are_not_followed(status: int) -> None:
    """A redirect is not followed and counts as a failure."""
    with receiving() as other, receiving(statuses=[status], headers={"Location": other.url}) as receiver:
        response = send(receiver.url)
    assert (response.status, response.final) == (status, False)
    assert (len(receiver.messages), other.messages) == (1, [])


def test_a_receiver_that_is_gone_is_left_alone() -> None:
    """Status 410 is final, without further attempts."""
    with receiving(statuses=[410]) as receiver:
        response = send(receiver.url)
    assert response.error
    assert response.final


def test_no_response_is_a_failure() -> None:
    """A closed port, an unknown name and a receiver without TLS are failures."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    assert send(f"http://127.0.0.1:{port}/") == WebhookResponse(None, "ConnectionRefusedError: no response")
    assert send("https://unknown.invalid/").status is None
    with receiving() as receiver:
        assert send(f"https://127.0.0.1:{receiver.port}/") == WebhookResponse(None, "SSLError: no response")
    assert receiver.messages == []


def test_a_host_name_that_does_not_resolve_is_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    """A name that cannot be resolved counts as a failed attempt."""

    def getaddrinfo(*_: object, **__: object) -> None:
        raise UnicodeError("label too long")

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    assert send("https://example.test/") == WebhookResponse(None, "UnicodeError: no response")
    assert send("https://a..b/").error

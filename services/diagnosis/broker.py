"""Whether an MQTT broker accepts a connection."""

import socket
import ssl
import threading

from duygu.services.diagnosis.findings import CheckFailedError
from duygu.shared.errors import ConfigurationError

REPLY_S = 10.0
"""Longest wait for the reply to a connection."""

CREDENTIALS = (
    "put user and password into the URL, mqtt://user:password@host:1883, and check the permissions of the user"
)
ADDRESS = "check host and port, and that the broker listens on an address that this machine reaches"
CERTIFICATE = "the broker needs a certificate that this machine trusts, for the name in the URL"


def check_broker(url: str) -> str:
    """Connect to a broker and disconnect, without publishing anything. Raises CheckFailedError."""
    try:
        from duygu.services.watch.mqtt import make_client
    except ModuleNotFoundError as error:
        raise CheckFailedError(f"{error.name} is not installed", "pip install 'duygu[watch]'") from error
    try:
        client, host, port = make_client(url)
    except ConfigurationError as error:
        raise CheckFailedError(error.detail, "use mqtt://host or, with TLS, mqtts://host") from error
    replied, refusals = threading.Event(), list[str]()

    def on_connect(_client: object, _data: object, _flags: object, reason: object, _more: object) -> None:
        if getattr(reason, "is_failure", False):
            refusals.append(str(reason))
        replied.set()

    client.on_connect = on_connect
    where = f"{host}:{port}"
    try:
        if url.startswith("mqtts://"):
            _shake_hands(host, port)
        client.connect(host, port)
    except ssl.SSLError as error:
        raise CheckFailedError(f"{where}: {error.reason or error}", CERTIFICATE) from error
    except (OSError, ValueError) as error:
        raise CheckFailedError(f"{where}: {getattr(error, 'strerror', None) or error}", ADDRESS) from error
    client.loop_start()
    has_replied = replied.wait(REPLY_S)
    client.disconnect()
    client.loop_stop()
    if not has_replied:
        raise CheckFailedError(f"{where} does not respond as an MQTT 5 broker within {REPLY_S:g} s", ADDRESS)
    if refusals:
        raise CheckFailedError(f"{where} refuses the connection: {refusals[0]}", CREDENTIALS)
    return f"{where} accepts the connection"


def _shake_hands(host: str, port: int) -> None:
    """Open and close a TLS connection. Raises ssl.SSLError and OSError."""
    context = ssl.create_default_context()
    with socket.create_connection((host, port), REPLY_S) as plain, context.wrap_socket(plain, server_hostname=host):
        pass

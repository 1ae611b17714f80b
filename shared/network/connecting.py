"""Connects to a host whose addresses are checked, without a second look-up that could return another address."""

import http.client
import socket
import ssl

from duygu.shared.network.addresses import AddressPolicy

TIMEOUT_S = 10.0
"""For establishing a connection."""


def open_http(
    host: str, port: int, policy: AddressPolicy, tls: ssl.SSLContext | None, timeout_s: float = TIMEOUT_S
) -> http.client.HTTPConnection:
    """Open a connection for HTTP to a checked address; proxies of the environment are not used.

    tls        context of an encrypted connection; None for a plain one
    timeout_s  for each read

    Raises the error of the policy, OSError, and ValueError for an invalid host name.
    """
    connection = http.client.HTTPConnection(host, port, timeout=timeout_s)
    connection.default_port = 443 if tls else 80
    connection.sock = _connect(host, port, policy, tls)
    connection.sock.settimeout(timeout_s)
    return connection


def _connect(host: str, port: int, policy: AddressPolicy, tls: ssl.SSLContext | None) -> socket.socket:
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    addresses = [str(entry[4][0]) for entry in found]
    for address in addresses:
        policy.check(address, secure=tls is not None)
    plain = _first_open(addresses, port)
    if tls is None:
        return plain
    try:
        return tls.wrap_socket(plain, server_hostname=host)
    except BaseException:
        plain.close()
        raise


def _first_open(addresses: list[str], port: int) -> socket.socket:
    """Connect to the first address that accepts. Raises OSError."""
    failure = OSError("the name has no address")
    for address in addresses:
        try:
            return socket.create_connection((address, port), TIMEOUT_S)
        except OSError as error:
            failure = error
    raise failure

"""The addresses to which the service connects on behalf of a client: public ones, and those of trusted networks."""

import ipaddress
import socket
from contextlib import suppress
from dataclasses import dataclass

from duygu.shared.errors import ConfigurationError, DuyguError, LinkRefusedError, WebhookRefusedError

NAT64 = ipaddress.ip_network("64:ff9b::/96")
"""IPv6 addresses that embed an IPv4 address in their last four bytes (RFC 6052)."""

IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address
IPNetwork = ipaddress.IPv4Network | ipaddress.IPv6Network


@dataclass(frozen=True, slots=True)
class Purpose:
    """What a client names an address for."""

    subject: str  # in messages
    setting: str  # that lists the trusted networks
    error: type[DuyguError]


WEBHOOK = Purpose("webhook", "DUYGU_WEBHOOK_NETWORKS", WebhookRefusedError)
LINK = Purpose("link", "DUYGU_LINK_NETWORKS", LinkRefusedError)


@dataclass(frozen=True, slots=True)
class AddressPolicy:
    """The permitted addresses for one purpose: public ones, and those of the networks in the settings."""

    trusted: tuple[IPNetwork, ...] = ()
    purpose: Purpose = WEBHOOK
    plain: bool = False  # whether public addresses are permitted without TLS

    def check(self, address: str, *, secure: bool) -> None:
        """Raise the purpose's error for an address that is neither public nor trusted, or public without TLS."""
        meant = _meant(ipaddress.ip_address(address.partition("%")[0]))
        if any(meant in network for network in self.trusted):
            return
        if not meant.is_global or meant.is_multicast:
            subject, setting = self.purpose.subject, self.purpose.setting
            raise self.purpose.error(f"The {subject} address is not public, and {setting} does not list its network")
        if not secure and not self.plain:
            raise self._without_tls()

    def check_host(self, host: str, *, secure: bool) -> None:
        """Refuse a host early where the connection would refuse it. Names are resolved when connecting, not here."""
        if (address := _as_address(host)) is not None:
            self.check(address, secure=secure)
        elif not secure and not self.plain and not self.trusted:
            raise self._without_tls()

    def _without_tls(self) -> DuyguError:
        return self.purpose.error(f"A public {self.purpose.subject} address requires https")


def read_networks(names: str, setting: str) -> tuple[IPNetwork, ...]:
    """Parse networks separated by commas. Raises ConfigurationError, which names the setting."""
    listed = [name.strip() for name in names.split(",") if name.strip()]
    try:
        return tuple(ipaddress.ip_network(name) for name in listed)
    except ValueError as error:
        raise ConfigurationError(f"{setting}: {error}") from error


def _as_address(host: str) -> str | None:
    """The address that a host is in any notation, such as the decimal one, which resolvers accept; None for a name."""
    with suppress(ValueError):
        return str(ipaddress.ip_address(host))
    with suppress(OSError):
        return socket.inet_ntoa(socket.inet_aton(host))
    return None


def _meant(address: IPAddress) -> IPAddress:
    """Return the embedded IPv4 address of an IPv6 address that has one, and the address itself otherwise."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if address in NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour or address

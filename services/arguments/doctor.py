"""`duygu doctor`."""

from typing import Any

from duygu.shared.config.settings import Settings


def add_doctor(commands: Any) -> None:
    """Add the command `doctor`."""
    doctor = commands.add_parser(
        "doctor",
        help="check the installation and print a hint for each failed check",
        description="Check the installation, the clock and the GPU, and print a hint for each failed check. With the "
        "options also cameras, an MQTT broker and a running service.",
        epilog="DUYGU_API_KEY: the API key of the service. Exit status: 0 success, 1 a check failed, 2 usage error.",
    )
    doctor.set_defaults(command=_doctor)
    doctor.add_argument(
        "--camera",
        dest="cameras",
        action="append",
        default=[],
        metavar="URL",
        help="decode a picture of this stream or device; may be repeated",
    )
    doctor.add_argument("--mqtt", metavar="URL", help="connect to this MQTT broker")
    doctor.add_argument("--service", metavar="URL", help="ask this running service for its state")
    doctor.add_argument("--json", dest="as_json", action="store_true", help="print JSON")


def _doctor(cameras: list[str], mqtt: str | None, service: str | None, as_json: bool) -> int:
    from duygu.services.commands.doctor import Targets, report

    return report(Settings(), Targets(tuple(cameras), mqtt, service), as_json=as_json)

"""Which version of Duygu this is."""

from importlib.metadata import PackageNotFoundError, version


def installed_version() -> str:
    """As the package says; 0 where it runs without being installed, as in the images."""
    try:
        return version("duygu")
    except PackageNotFoundError:
        return "0"

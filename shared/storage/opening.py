"""Opens the storage of the settings."""

from pathlib import Path

from duygu.shared.config.settings import Settings
from duygu.shared.errors import ConfigurationError
from duygu.shared.storage.base import Storage
from duygu.shared.storage.folder import FolderStorage


def open_storage(settings: Settings) -> Storage:
    """Return the storage of the settings. Raises ConfigurationError."""
    scheme, separator, rest = settings.storage_url.partition("://")
    if not separator or scheme == "file":
        folder = rest if separator else settings.storage_url
        return FolderStorage(Path(folder) if folder else settings.data_dir / "jobs")
    if scheme != "s3":
        raise ConfigurationError(
            f"DUYGU_STORAGE_URL: unsupported scheme {scheme}; expected a folder or s3://bucket/prefix"
        )
    try:
        from duygu.shared.storage.s3 import ObjectStorage
    except ImportError as error:
        raise ConfigurationError("DUYGU_STORAGE_URL: the extra `s3` is not installed") from error
    return ObjectStorage(settings.storage_url, settings.data_dir / "passing")

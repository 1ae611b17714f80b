"""Content of an object in a bucket, read with the address and credentials of the AWS_ variables."""

from collections.abc import Iterator
from contextlib import contextmanager

import fsspec
from botocore.exceptions import BotoCoreError

from duygu.shared.errors import LinkError
from duygu.shared.inputs.links.link import Link
from duygu.shared.inputs.links.source import Content, InterruptedFetchError
from duygu.shared.storage.s3 import CONNECTION

PIECE_BYTES = 4 * 1024 * 1024


class S3Source:
    """The content of a link with the scheme s3. Implements `Source` in shared/inputs/links/source.py."""

    def __init__(self, link: Link) -> None:
        self._bucket = fsspec.filesystem(
            "s3", config_kwargs=CONNECTION, use_listings_cache=False, skip_instance_cache=True
        )
        self._name = f"{link.host}/{link.path}"

    @contextmanager
    def open(self, offset: int, version: str) -> Iterator[Content]:
        """Open the content at an offset; see `Source`."""
        size, found = self._about()
        start = offset if version == found else 0
        yield Content(start, size, found, self._pieces(start, size, found))

    def abort(self) -> None:
        """Do nothing: each read has a timeout of its own."""

    def _about(self) -> tuple[int, str]:
        """Size and ETag."""
        with _reading():
            about = self._bucket.info(self._name)
            if about["type"] != "file":
                raise FileNotFoundError
            return int(about["size"]), str(about["ETag"])

    def _pieces(self, start: int, size: int, version: str) -> Iterator[bytes]:
        for at in range(start, size, PIECE_BYTES):
            with _reading():
                piece = bytes(self._bucket.cat_file(self._name, start=at, end=min(at + PIECE_BYTES, size)))
            yield piece
        if self._about() != (size, version):
            raise InterruptedFetchError("the object was replaced meanwhile")


@contextmanager
def _reading() -> Iterator[None]:
    try:
        yield
    except FileNotFoundError as error:
        raise LinkError("The bucket has no such object") from error
    except PermissionError as error:
        raise LinkError("The service may not read the object") from error
    except (BotoCoreError, OSError) as error:
        raise InterruptedFetchError(type(error).__name__) from error

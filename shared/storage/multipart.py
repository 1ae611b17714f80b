"""Uploads in parts to a bucket (S3 multipart uploads).

A part of a multipart upload has at least 5 MiB, except the last one. Bytes that do not fill a part when a request ends
are stored as an object of their own, the rest, and read again by the next request, in whichever process.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from botocore.exceptions import ClientError

PART_BYTES = 8 * 1024 * 1024
"""Size of every part but the last; a bucket permits 10,000 parts."""


@dataclass(frozen=True, slots=True)
class Parts:
    """The state of an upload in parts."""

    multipart_id: str
    etags: tuple[str, ...] = ()  # of the uploaded parts
    rest: int = 0  # bytes behind them, which the rest has

    @property
    def length(self) -> int:
        """Bytes of all parts and of the rest."""
        return len(self.etags) * PART_BYTES + self.rest

    def to_text(self) -> str:
        """The state as text; `read` is the inverse."""
        return json.dumps(asdict(self))

    @classmethod
    def read(cls, text: str) -> "Parts":
        """Read the text of a state."""
        values = json.loads(text)
        return cls(values["multipart_id"], tuple(values["etags"]), values["rest"])


@dataclass(frozen=True, slots=True)
class MultipartUpload:
    """An object that is uploaded in parts.

    bucket  file system of s3fs
    key     bucket and key of the object
    """

    bucket: Any
    key: str

    def create(self) -> Parts:
        """Begin."""
        return Parts(str(self._call("create_multipart_upload")["UploadId"]))

    def send(self, parts: Parts, number: int, content: bytes) -> str:
        """Upload a part; its ETag."""
        sent = self._call("upload_part", UploadId=parts.multipart_id, PartNumber=number, Body=content)
        return str(sent["ETag"])

    def complete(self, parts: Parts) -> None:
        """Join the parts. May be repeated. Raises FileNotFoundError for an unknown upload."""
        if parts.rest:
            etag = self.send(parts, len(parts.etags) + 1, self.read_rest(parts))
            parts = replace(parts, etags=(*parts.etags, etag), rest=0)
        listed = [{"PartNumber": number, "ETag": etag} for number, etag in enumerate(parts.etags, 1)]
        self._call("complete_multipart_upload", UploadId=parts.multipart_id, MultipartUpload={"Parts": listed})

    def abort(self, parts: Parts) -> None:
        """Delete the parts."""
        self._call("abort_multipart_upload", UploadId=parts.multipart_id)

    def rest_key(self, parts: Parts) -> str:
        """The object of the rest, which has the length in its name, so that a state never refers to another rest."""
        return f"{self.key.rpartition('/')[0]}/rest-{parts.length}"

    def read_rest(self, parts: Parts) -> bytes:
        """The bytes behind the parts."""
        return bytes(self.bucket.cat_file(self.rest_key(parts))) if parts.rest else b""

    def _call(self, method: str, **arguments: Any) -> Any:
        bucket, _, key = self.key.partition("/")
        return self.bucket.call_s3(method, Bucket=bucket, Key=key, **arguments)


@dataclass(slots=True)
class MultipartAppender:
    """Appends to an upload in parts. Implements `Appender` in shared/storage/base.py."""

    upload: MultipartUpload
    parts: Parts
    _buffer: bytearray = field(default_factory=bytearray)
    _rests: list[str] = field(default_factory=list)  # objects of earlier rests

    def __post_init__(self) -> None:
        self._buffer += self.upload.read_rest(self.parts)
        if self.parts.rest:
            self._rests.append(self.upload.rest_key(self.parts))

    def write(self, piece: bytes) -> None:
        """Append the next chunk; a full part is uploaded."""
        self._buffer += piece
        while len(self._buffer) >= PART_BYTES:
            etag = self.upload.send(self.parts, len(self.parts.etags) + 1, bytes(self._buffer[:PART_BYTES]))
            del self._buffer[:PART_BYTES]
            self.parts = replace(self.parts, etags=(*self.parts.etags, etag), rest=0)

    def checkpoint(self) -> tuple[int, str]:
        """The bytes of the uploaded parts."""
        return self.parts.length, self.parts.to_text()

    def keep(self) -> tuple[int, str]:
        """Store the rest too."""
        self.parts = replace(self.parts, rest=len(self._buffer))
        if self._buffer and (key := self.upload.rest_key(self.parts)) not in self._rests:
            self.upload.bucket.pipe_file(key, bytes(self._buffer))
            self._rests.append(key)
        return self.checkpoint()

    def settle(self) -> None:
        """Delete earlier rests."""
        needed = self.upload.rest_key(self.parts) if self.parts.rest else ""
        for key in [key for key in self._rests if key != needed]:
            self.upload.bucket.rm_file(key)
            self._rests.remove(key)


def unfinished(bucket: Any, name: str, prefix: str) -> Iterator[tuple[str, Parts, float]]:
    """The uploads of a bucket that are neither completed nor aborted: key, state, and when they began.

    bucket  file system of s3fs
    name    of the bucket
    """
    marker: dict[str, str] = {}
    while True:
        listed = bucket.call_s3("list_multipart_uploads", Bucket=name, Prefix=prefix, **marker)
        for upload in listed.get("Uploads", ()):
            yield upload["Key"], Parts(upload["UploadId"]), upload["Initiated"].timestamp()
        if not listed.get("IsTruncated"):
            return
        marker = {"KeyMarker": listed["NextKeyMarker"], "UploadIdMarker": listed["NextUploadIdMarker"]}


@contextmanager
def unless_completed() -> Iterator[None]:
    """Ignore that a multipart upload does not exist any more."""
    try:
        yield
    except OSError as error:
        cause = error.__cause__ or error
        if not (isinstance(cause, ClientError) and cause.response["Error"]["Code"] == "NoSuchUpload"):
            raise

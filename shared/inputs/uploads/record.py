"""The record of a resumable upload. Its id is also that of the job it becomes, so that its file stays where it is."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime


@dataclass(frozen=True, slots=True)
class UploadRecord:
    """One resumable upload as Redis stores it."""

    upload_id: str
    owner: str  # name of the API key that created it
    length: int  # bytes of the whole file
    offset: int = 0  # bytes received
    metadata: str = ""  # `Upload-Metadata` as it was sent
    state: str = ""  # of the storage
    expires: int = 0  # seconds since 1970
    job_id: str = ""  # of the job that it became

    @property
    def complete(self) -> bool:
        """Whether every byte was received."""
        return self.offset == self.length

    @property
    def expires_at(self) -> datetime:
        """When it is erased unless bytes arrive, UTC."""
        return datetime.fromtimestamp(self.expires, UTC)

    def to_hash(self) -> dict[str, str]:
        """The fields of a Redis hash; `from_hash` is the inverse."""
        return {name: str(value) for name, value in asdict(self).items() if name != "upload_id"}

    @classmethod
    def from_hash(cls, upload_id: str, values: Mapping[str, str]) -> "UploadRecord":
        """Read a Redis hash that holds an upload."""
        numbers = {name: int(values[name]) for name in ("length", "offset", "expires")}
        texts = {name: values.get(name, "") for name in ("owner", "metadata", "state", "job_id")}
        return cls(upload_id=upload_id, **numbers, **texts)  # type: ignore[arg-type]
